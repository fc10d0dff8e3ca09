"""Two entry points from Lambda into one ASGI app.

**Streaming**, which is deployed: `python -m handler`. The managed runtime's client
cannot stream, so `handler/bootstrap` (AWS_LAMBDA_EXEC_WRAPPER) starts this in its
place. It speaks the Runtime API in the process of the app. A response is buffered if
the event comes from a load balancer, with RESPONSE_MODE=buffered, or under `sam local`.
The events of an HTTP API and of a Function URL in BUFFERED mode do not differ from
those of streaming ones: RESPONSE_MODE is for them.

**Buffered**: `handler.buffered.handler`, the same service on the managed runtime's
client.

Only `__main__` and `buffered` import the app; all other modules serve any ASGI app. In
the order of the trip:

    runtime      the life of the process
    lifespan     the app's startup and shutdown, once per environment
    snapstart    hooks and the wait around a snapshot
    poller       next event -> service -> answer -> next event
    service      one invocation: a request, a ping, or an error
    warm_up      which events are pings
    bridge       an event -> the ASGI scope and body, by Mangum
    event        an HTTP event of any form -> its content
    authority    scheme, host and port from headers
    prefix       the path prefix before the app's own paths
    cycle        one request and its response
    asgi         calls an app; any failure is an exception
    tasks        the tasks that an app does not await
    response     ASGI messages -> writes, as a state machine
    protocol     the Runtime API as values: paths, headers, prelude, trailers
    connection   HTTP over a link: requests and answers
    link         the TCP connection
    coalescer    bursts of small writes in few system calls
    endpoint     the address of the Runtime API
    environment  the variables that the handler reads; the context object
    errors       the handler's errors, and their report in AWS's form
    reporting    failures: logged, and counted once
    logs         the logger, and the invocation's ids on every line
    metrics      failures as a CloudWatch metric
    managed      the service on the managed runtime's client

docs/lambda-adapter.md compares it with AWS Lambda Web Adapter and with AWS's client.
"""
