"""The life of a turn: its ends that are not upstream's, and its times in seconds.

running -> completed | incomplete | refused | stopped | failed | interrupted
"""

from app.contract import End, Status

RUNNING = End(status=Status.RUNNING)  # never sent: stands for the end that is not there yet
STOPPED = End(status=Status.STOPPED)
DEADLINE = End(status=Status.INCOMPLETE, reason="deadline")
INTERRUPTED = End(status=Status.INTERRUPTED)

LEASE = 10.0  # without a write, after which a watched producer counts as dead
STOP_LIMIT = 15.0  # for a stop; longer than a lease, so that a dead producer's turn ends within it
GRACE = 3.0  # before the host's deadline, at which a turn ends itself
STORING = 2.0  # part of GRACE reserved for storing the end
BEGIN_BY = GRACE + 1.0  # before the host's deadline, by which an answer must have begun
LONGEST_SILENCE = 20.0  # until a response begins without an answer: load balancers time out after 30
DAY = 86_400.0
