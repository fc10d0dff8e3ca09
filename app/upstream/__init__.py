"""OpenAI: a request goes out, events of the wire come back.

In the order of the trip:

    prompt      what the model receives
    client      the request and its retries
    request     one HTTP request, up to the head of its answer
    body        whether the body is a stream, one document, or neither
    stream      the events of the body, decoded
    answer      the events of the wire, up to the end
    reducer     one upstream event -> events of the wire
    items       which output item an event belongs to
    outputs     the content of output items
    channel     one kind of text, by item and part
    transcript  text, refusal and reasoning of one answer
    echo        what the final response adds to the streamed text
    citations   sources and their offsets
    surrogates  halves of characters
    errors      an error of OpenAI -> a problem
    causes      the cause of a failure, for the log
    codes       codes of upstream in a safe form

Only `request` imports openai.
"""
