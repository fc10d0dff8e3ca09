"""Benchmarks: figures of this machine, side by side, never a test.

`make bench` runs them.

emulator      the Runtime API, and the Extensions API for Lambda Web Adapter
model         in place of OpenAI: streams tokens with the time of their sending
account       in place of AWS: the key in the Parameter Store, and the table
tutorial      the tutorial's application, for uvicorn
adapter       the same application in our adapter
loop          a bare loop on the Runtime API, for the next two
bare          the tutorial's stream in that loop, without a framework: the floor
sockets       below the floor: also without OpenAI's client
contestants   what is compared, and how each is run
measures      the figures
table         what is printed
upstream      apart: CPU for each upstream event, ours and the SDK's typed stream
turns         apart: the cost of storing a turn
"""
