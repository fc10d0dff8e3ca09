"""The application. It knows nothing of Lambda; a host gives it ASGI scopes. In reading order:

contract            the wire: requests, answers, stream events, problems
problems            what can go wrong, and the status of each
settings            what can be set, and where it comes from
parameters          secrets from the Parameter Store, and their renewal
network             proxies and certificate authorities from the environment
store               the port to what remembers; SQLite and DynamoDB behind it, and which of them is used
chat.sse            server-sent events as bytes
chat.codes          codes that upstream chose, made safe
chat.causes         why something failed, for the log
chat.faults         a failure of OpenAI -> a problem
chat.events         an upstream event -> events of the wire -> frames, and the whole answer
chat.prompt         what is asked of the model
chat.upstream       OpenAI: asked, and asked again if it declined
chat.upstream_client  one request, up to the head of its answer
chat.body           what the body of an answer is: a stream, one document, or neither
chat.upstream_stream  its answer's events: read, decoded, closed
chat.answer         what an upstream stream says
chat.record         events <-> the data of a batch
chat.live           a running turn's events in memory
chat.producer       a turn to its one end: read, handed on, kept
chat.follow         a turn by its log, produced elsewhere
chat.watch          for how long a log has not changed
chat.question       a request as a turn to be kept
chat.history        what upstream is told of a conversation
chat.report         what is known of a turn when it is over
chat.turn           begin, join, stop, read
chat.conversations  list, read, rename, delete
routes              HTTP: chat, turns, conversations, tutorial, service; streaming and problems as responses
logs                the log's form, and the fields of the request in hand
metrics             a turn on its request's log line, and as metrics
middleware          request id, log line, headers
body_limit          a request's body, up to a limit
main                puts all of it together
front               the page's files at once, and main when it is needed
web                 the page
"""
