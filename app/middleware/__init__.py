"""ASGI middleware, from the outside in.

request           an id, and one log line
error             an unhandled exception -> a problem
headers           security headers, and how a response may be cached
head              HEAD is routed as GET
slash             the address of the page ends with a slash
body_limit        the maximum size of a request's body

problem_response  a problem -> a response
"""
