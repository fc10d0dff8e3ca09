"""The stand-in for OpenAI: an HTTP server that speaks the Responses API, for a run without a key and for tests.

In reading order:

- `contract`   what a request may say, and the error object that answers one that is wrong
- `tokens`     text in token-like pieces
- `responses`  pure: the Response object and the events of a stream
- `demo`       the answer to an ordinary prompt: Markdown that shows off the page, with the timing of a model
- `plays`      the language of `/play`: steps that a test writes and the server plays
- `script`     pure: the short forms of a play, written out as events
- `player`     performs a script on one HTTP response
- `gates`      named gates that hold a play until someone opens them
- `ledger`     the requests received, and what became of them
- `state`      what the routes share
- `endpoint`   POST /v1/responses
- `asgi`       the routes
- `server`     uvicorn: `StandIn` in a thread for tests and the demo, `serve` in the foreground

`python -m infra.standin` serves it. A message that begins with `/play ` and goes on with a JSON array is played as
`plays` describes; any other is answered as `demo` does. `/standin/...` is for control and observation.
"""
