"""The routes of the HTTP API (docs/api.md).

chat           asks: the answer whole, or as a stream
turns          one turn by its id: read, follow, stop
conversations  list, read, rename, delete
compat         the two routes of the tutorial
service        health and configuration

dependencies   what a route takes from its request
resume         Last-Event-ID and ?after=
streaming      a stream of server-sent events as a response
problems       Problems and errors of FastAPI as responses
"""
