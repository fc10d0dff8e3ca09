"""DynamoDB, as moto plays it, on a socket: `python -m tests.app.store.dynamodb_server` prints its URL.

A process of its own, since moto's state is one for the whole process and other tests reset it. It takes one request at
a time: moto checks a condition and writes in two steps, where DynamoDB does it in one. It ends when its stdin does.
"""

import logging
import sys
import threading

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app))
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
