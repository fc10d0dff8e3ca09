"""Turns: produced, stored, followed, read.

In the order of the trip:

    turns          begins, joins, stops and reads turns
    question       a request as a turn to be stored
    history        the turns that the model receives
    producer       produces one answer and stores it
    live           the events of a running turn in memory
    log_format     events <-> the data of a batch
    log_reader     reads a turn by its log
    watch          how long a log has not changed
    events         events -> SSE frames, and the whole answer
    report         what is known of a turn at its end
    conversations  lists, reads, renames, deletes
"""
