"""uvicorn's reloader, which ends if the server's first process fails.

uvicorn's own goes on watching files, whatever the process said: a wrong setting or port
then looks like a server that hangs. After the first reload it does the same here, since
then a file was changed, and the next change may repair it.
"""

import threading
from multiprocessing.connection import wait

from uvicorn.supervisors.watchfilesreload import WatchFilesReload


class Reloader(WatchFilesReload):
    """`run` returns if the process that it starts first ends by itself; `failed` is then True."""

    failed = False
    _is_first = True

    def startup(self) -> None:
        super().startup()
        threading.Thread(target=self._watch_first, daemon=True).start()

    def restart(self) -> None:
        self._is_first = False
        super().restart()

    def _watch_first(self) -> None:
        first = self.process
        wait([first.sentinel])
        if self._is_first and not self.should_exit.is_set():
            self.failed = True
            self.should_exit.set()
