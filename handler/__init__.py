"""Two doors from Lambda into one ASGI app.

**Streaming**, the one that is deployed: `python -m handler`. Lambda's own runtime client for Python cannot stream, so
handler/bootstrap (AWS_LAMBDA_EXEC_WRAPPER) starts this in its place. It speaks the Runtime API and runs the app in the
same process: no layer, no second server, no hop over loopback. It answers buffered where a stream cannot be taken: to
a load balancer, which its events tell, and to everybody where RESPONSE_MODE=buffered or AWS_SAM_LOCAL=true. An HTTP
API, or a Function URL whose InvokeMode is BUFFERED, cannot be told by its events: RESPONSE_MODE is for them.

**Buffered**: `handler.buffered.handler`, the same service on the stock runtime client.

Only `__main__` and `buffered` know the app; the rest serves any ASGI app. In reading order:

    errors       what can go wrong, and its report in AWS's form
    protocol     the Runtime API as values: paths, headers, prelude, trailers
    logs         the logger, and an invocation's name on every line
    reporting    a failure of an invocation: logged, and counted once
    warm_up      an invocation that only wants the process to be up
    prefix       the path prefix of a front door
    environment  what is read from the environment; the context object
    event        an HTTP event of any form -> what it says
    authority    scheme, host and port from headers
    bridge       an event -> the ASGI scope and body, by Mangum
    response     ASGI messages -> what is written, as a state machine
    coalescer    bursts of small writes in few system calls
    endpoint     where the Runtime API is
    link         the TCP connection                                     (I/O from here on)
    connection   HTTP over a link: requests and their answers, in step or early
    asgi         calling an app, however it fails
    tasks        what an app starts and leaves running
    cycle        one request and its response
    service      one invocation: a request, a ping, or neither
    lifespan     the app's startup and shutdown, once per environment
    poller       next event, service, answer, next event
    snapstart    hooks and the wait around a snapshot
    runtime      the life of the process
    metrics      failures as a CloudWatch metric
    managed      the service on the stock client

What a deployer may know of AWS Lambda Web Adapter (LWA) or of AWS's Python client (awslambdaric), and whether it is so
here as well.

Of LWA (its source, 0.9.1 and 1.0.0-rc1):

- *Response streaming*: yes, prelude and delimiter at once; a failure after them is real trailers, where LWA's are part
  of the body.
- *Events*: Function URL, REST API, HTTP API and load balancer. Other events, which LWA passes to a path of the app, are
  a typed error (`Function.UnsupportedEvent`): an app for browsers would take them for requests of a client.
- *Readiness check*, its path, port, protocol and least status: not needed, the lifespan's startup is awaited.
- *Ports*, host, a start command: not needed, there is no second server.
- *Work after the response*: awaited, before the next event is asked for; tasks that nobody awaits, too, for 10 s at
  most. Behind LWA it is frozen half-way, unless an extension of the app's own waits for it.
- *Asynchronous initialization*: not needed. What is late is not a server but imports, and app.cold_start defers those.
- *Base path removal*: yes, by `root_path`, so that links keep it: an API's stage, and BASE_PATH.
- *Request and Lambda context* as headers: in the scope instead, as `aws.event`, `aws.context`, `rivulet.invocation`.
- *Compression*, which LWA has for buffered answers: left out. A front (CloudFront) does it outside of the paid time,
  and it would hold tokens back.
- *A proxy of the Runtime API*: its wrapper sets AWS_LAMBDA_RUNTIME_API, which is read here and nowhere else.
- *TLS to the app, authorization source, invoke mode by variable*: no hop, so no TLS; the app's affair; RESPONSE_MODE.
- *Error status codes* as failures of the function: left out. A status is an answer; failures are counted (`failure`).
- *Graceful shutdown*: yes, on SIGTERM. Lambda sends that only where an extension is registered; LWA is one itself.
- *Multi-concurrency* and *tenant isolation*: yes; the tenant is in `aws.context` and on every log line.

Of AWS's client:

- *Trace id* in `_X_AMZN_TRACE_ID`, set and removed for each invocation, unless several run at once.
- *Logs*: request id on every line; AWS_LAMBDA_LOG_FORMAT and AWS_LAMBDA_LOG_LEVEL are obeyed unless LOG_FORMAT and
  LOG_LEVEL say otherwise. `_LAMBDA_TELEMETRY_LOG_FD` is not used: stdout is read just as well, line by line.
- *Errors*: type, message, stack, request id; the cause for X-Ray. Init failures end with exit code 1.
- *SnapStart*: hooks, restore, its errors and exit codes (64, 65). More than there: the app is built anew after it.
- *Context object*: yes, but without `log()`, and without what only direct invocations have: `client_context`,
  `identity`, `w3c()`.
- *Concurrency*: pollers on one event loop in place of a process for each; failed polls are tried again.
"""
