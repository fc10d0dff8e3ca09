"""Programs of third parties that the tests run Rivulet against: independent of our own fakes.

Node's come from package-lock.json (`make test` installs them), cargo-lambda has an environment of its own.
"""
