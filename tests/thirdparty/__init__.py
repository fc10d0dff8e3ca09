"""Rivulet with programs of third parties, which are independent of our own fakes.

Those of Node are in package-lock.json (`make test` installs them); cargo-lambda has its
own environment.
"""
