"""DynamoDB as dynalite implements it, on a socket.

dynalite is an independent implementation of DynamoDB that evaluates a condition and
writes the item in one step, as DynamoDB does. moto evaluates and writes in two steps
and loses updates.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.thirdparty.node import MODULES, NODE

# dynalite's own command line takes no port 0
SERVER = f"""
const server = require({str(MODULES / "dynalite")!r})({{createTableMs: 0, deleteTableMs: 0}})
server.listen(0, "127.0.0.1", () => console.log("http://127.0.0.1:" + server.address().port))
process.stdin.resume().on("end", () => process.exit())
"""


@contextmanager
def dynalite() -> Iterator[str]:
    """Yields the server's URL.

    The server ends with its stdin, and so with this process.
    """
    command = (str(NODE), "-e", SERVER)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        yield server.stdout.readline().strip()
        server.communicate()
