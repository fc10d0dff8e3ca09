"""Turns: produced, stored, followed, read.

In the order of the trip:

    turns          begins, joins, stops and reads turns
    question       a request as a turn to store
    history        the turns that the model receives
    producer       produces one answer
    live           the events of a running turn in memory
    log_writer     stores them
    log_format     events <-> the data of a batch
    log_reader     reads a turn by its log
    watch          how long a log has not changed
    turn_handle    one turn that can be followed, live or by its log
    events         events -> SSE frames, and the whole turn
    lifecycle      ends and times of a turn
    report         what is reported of a turn at its end
    store_errors   errors of the store -> Problems
    conversations  lists, reads, renames, deletes
"""
