"""The application. It knows nothing of Lambda; a host gives it ASGI scopes. In reading order:

contract        the wire: requests, answers, stream events, problems
problems        what can go wrong, and the status of each
settings        what can be set, and where it comes from
parameters      secrets from the Parameter Store, and their renewal
chat.sse        server-sent events as bytes
chat.faults     a failure of OpenAI -> a problem
chat.events     an upstream event -> events of the wire -> frames
chat.upstream   OpenAI: open, read, close
chat.turn       a question, its answer, and exactly one end
routes          HTTP: chat, tutorial, service; streaming and problems as responses
middleware      request id, log line, headers
telemetry       logs and metrics
main            puts all of it together
web             the page
"""
