"""Benchmarks: figures of this machine, side by side, never a test. `make bench` runs them.

emulator      the Runtime API, and the Extensions API that Lambda Web Adapter asks for
model         OpenAI's place: streams tokens that tell when they were sent
account       AWS's place: the key in the Parameter Store, and the table
tutorial      the tutorial's application, for uvicorn
adapter       the same application in our adapter
loop          a bare loop around the Runtime API, for the next two
bare          the tutorial's stream in that loop, without a framework: the floor
sockets       below the floor: without OpenAI's client, too
contestants   who is measured, and how each is run
measures      the figures
table         what is printed
upstream      apart: CPU for each upstream event, ours and the SDK's typed stream
turns         apart: what keeping a turn costs
"""
