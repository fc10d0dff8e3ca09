"""Benchmarks: figures of this machine, side by side, never a test. `make bench` runs them.

emulator      the Runtime API, and the Extensions API that Lambda Web Adapter asks for
model         OpenAI's place: streams tokens that tell when they were sent
account       AWS's place: the key in the Parameter Store, and the table
tutorial      the tutorial's application, for uvicorn
bare          the same in a loop without a framework: the floor
contestants   who is measured, and how each is run
measures      one figure each
table         what is printed
upstream      apart: CPU for each upstream event, ours and the SDK's typed stream
"""
