"""Two doors from Lambda into one ASGI app.

**Streaming**, the one that is deployed: `python -m handler`. Lambda's own runtime client for Python cannot stream, so
handler/bootstrap (AWS_LAMBDA_EXEC_WRAPPER) starts this in its place. It speaks the Runtime API and runs the app in the
same process: no layer, no second server, no hop over loopback. It answers buffered where a stream cannot be taken: to
a load balancer, which its events tell, and to everybody where RESPONSE_MODE=buffered or AWS_SAM_LOCAL=true. An HTTP
API, or a Function URL whose InvokeMode is BUFFERED, cannot be told by its events: RESPONSE_MODE is for them.

**Buffered**: `handler.buffered.handler`, Mangum on the stock runtime client.

Only `__main__` and `buffered` know the app; the rest serves any ASGI app. In reading order:

    errors       what can go wrong, and its report in AWS's form
    protocol     the Runtime API as values: paths, headers, prelude, trailers
    logs         the logger, and what names an invocation in it
    environment  what is read from the environment; the context object
    bridge       an event -> the ASGI scope and body
    response     ASGI messages -> what is written, as a state machine
    connection   h11 over asyncio streams                               (I/O from here on)
    cycle        one request and its response
    lifespan     the app's startup and shutdown, once per environment
    poller       next event, cycle, answer, next event
    runtime      the life of the process
    stock        the same for Mangum on the stock client
"""
