"""`python -m infra.standin [--host 127.0.0.1] [--port 8001]`
serves the stand-in until Ctrl-C.
"""

import argparse

from infra.standin.demo import Timing
from infra.standin.server import FIRST_TOKEN, TOKENS_PER_SECOND, serve


def main() -> None:
    arguments = argparse.ArgumentParser(
        prog="python -m infra.standin",
        description="A stand-in for OpenAI: the Responses API at http://HOST:PORT/v1.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    arguments.add_argument("--host", default="127.0.0.1", help="address to listen on")
    arguments.add_argument("--port", type=int, default=8001, help="port to listen on")
    arguments.add_argument("--first-token", type=float, default=FIRST_TOKEN, help="seconds to the first token")
    arguments.add_argument("--tokens-per-second", type=float, default=TOKENS_PER_SECOND, help="or inf")
    given = arguments.parse_args()
    serve(given.host, given.port, Timing(given.first_token, given.tokens_per_second))


if __name__ == "__main__":
    main()
