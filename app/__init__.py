"""The application. It knows nothing of Lambda; a host gives it ASGI scopes. In reading order:

contract            the wire: requests, answers, stream events, problems
problems            what can go wrong, and the status of each
settings            what can be set, and where it comes from
parameter_store     secrets from the Parameter Store, and their renewal
network             proxies and certificate authorities from the environment
sse                 server-sent events as bytes
store               the port to storage; SQLite and DynamoDB behind it
upstream            OpenAI: a request goes out, events of the wire come back
chat                turns: produced, stored, followed, read
routes              HTTP: chat, turns, conversations, compat, service; streaming and problems as responses
logs                the log's form, and the fields of the request in hand
metrics             a turn on its request's log line, and as metrics
middleware          request id, log line, headers
body_limit          a request's body, up to a limit
main                puts all of it together
cold_start          the page's files at once, and main when it is needed
web                 the page
"""
