"""The application. It knows nothing of Lambda: a host gives it ASGI scopes.

In the order of the trip:

    cold_start       serves the page at once, and the application when it is needed
    main             builds the application from its parts
    middleware       request id, log line, headers, problems
    routes           HTTP: chat, turns, conversations, compat, service
    chat             turns: produced, stored, followed, read
    upstream         OpenAI: a request goes out, events of the wire come back
    store            the port to storage; SQLite and DynamoDB behind it
    contract         the wire: requests, answers, stream events, problems
    problems         each error that a client may receive
    sse              server-sent events as bytes
    host             what a host knows of a request
    settings         what can be set
    loading          settings from the environment, `.env` and the Parameter Store
    parameter_store  settings from the Parameter Store
    secrets          the secrets in use, and their renewal
    network          proxies and certificate authorities from the environment
    files            the file server of the page
    openapi          the OpenAPI document
    logs             the form of the log, and the fields of the current request
    metrics          a turn on its request's log line, and as metrics
    web              the page
"""
