"""The stand-in for OpenAI: a server of the Responses API for
tests and for runs without a key.

In the order of a request:

    server       uvicorn: `StandIn` in a thread, or `serve` in the foreground
    asgi         the routes
    endpoint     POST /v1/responses
    contract     the request, and the error object for an invalid one
    request_log  the requests received, and how they ended
    demo         the answer to an ordinary prompt: Markdown, with the timing of a model
    language     scripts: the steps of an answer, written by a test
    expansion    the short forms of a script as events
    runner       runs the steps on one HTTP response
    gates        named gates, at which a script waits
    responses    the Response object and the events of a stream
    tokens       text in token-like pieces
    state        what the routes share

`python -m infra.standin` serves it. A message `/play [...]` is a script (`language`);
any other gets a demo answer. `/standin/...` is for control and observation.
"""
