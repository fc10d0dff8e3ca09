"""A server between the store and DynamoDB with faults, which records its requests.

Each request takes the next of `faults`; without one, or with PASS, it is answered as
DynamoDB answers it.
"""

import http.client
import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Answer = tuple[int, bytes]


class Fault(Enum):
    PASS = "as DynamoDB answers it"
    THROTTLED = "ThrottlingException"
    DENIED = "AccessDeniedException"
    BROKEN = "InternalServerError"
    GATEWAY = "an error of whoever stands before DynamoDB"
    CUT = "the connection closes without an answer"
    LOST = "DynamoDB does it, and the answer gets lost"
    SILENT = "no answer at all"
    PARTLY = "of a batch all but the first item is left"


ERRORS = {Fault.THROTTLED: 400, Fault.DENIED: 400, Fault.BROKEN: 500}


class FaultyDynamoDB:
    """`operations` are the names of the requests in order;
    `requests` are their bodies.
    """

    def __init__(self, upstream: str) -> None:
        self.faults: deque[Fault] = deque()
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.over = threading.Event()
        self.url = ""
        self._upstream = urlsplit(upstream).netloc

    def clear(self) -> None:
        """Resets faults and requests."""
        self.faults.clear()
        self.requests.clear()

    @property
    def operations(self) -> list[str]:
        return [operation for operation, _ in self.requests]

    def answer(self, headers: dict[str, str], body: bytes) -> Answer | None:
        """Returns status and body, or None if the connection must be closed."""
        operation = headers["X-Amz-Target"].partition(".")[2]
        self.requests.append((operation, json.loads(body)))
        fault = self.faults.popleft() if self.faults else Fault.PASS
        answer: Answer | None = None
        match fault:
            case Fault.PASS:
                answer = self._forward(headers, body)
            case Fault.PARTLY:
                answer = self._do_first(headers, json.loads(body))
            case Fault.GATEWAY:
                answer = 503, b"<html>"
            case Fault.SILENT:
                self.over.wait()
            case Fault.LOST:
                self._forward(headers, body)
            case fault if fault in ERRORS:
                error = {"__type": f"com.amazonaws.dynamodb.v20120810#{fault.value}", "message": "no"}
                answer = ERRORS[fault], json.dumps(error).encode()
        return answer

    def _do_first(self, headers: dict[str, str], request: dict[str, Any]) -> Answer:
        ((table, wanted),) = request["RequestItems"].items()
        if isinstance(wanted, list):
            first, rest, name = wanted[:1], wanted[1:], "UnprocessedItems"
        else:
            keys = wanted["Keys"]
            first, rest, name = wanted | {"Keys": keys[:1]}, wanted | {"Keys": keys[1:]}, "UnprocessedKeys"
        status, body = self._forward(headers, json.dumps({"RequestItems": {table: first}}).encode())
        return status, json.dumps(json.loads(body) | {name: {table: rest}}).encode()

    def _forward(self, headers: dict[str, str], body: bytes) -> Answer:
        connection = http.client.HTTPConnection(self._upstream)
        try:
            sent = {name: value for name, value in headers.items() if name.lower() not in ("content-length", "host")}
            connection.request("POST", "/", body, sent)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


@contextmanager
def faulty_dynamodb(upstream: str) -> Iterator[FaultyDynamoDB]:
    """Runs the server in a block, at its `url`."""
    faulty = FaultyDynamoDB(upstream)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = faulty.answer(dict(self.headers.items()), body)
            self.close_connection = True
            if answer is not None:
                self.send_response(answer[0])
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(answer[1])))
                self.end_headers()
                self.wfile.write(answer[1])

        def log_message(self, *_: object) -> None:
            """Logs nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        faulty.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield faulty
        finally:
            faulty.over.set()
            server.shutdown()
            thread.join()
