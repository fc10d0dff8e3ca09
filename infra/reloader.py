"""uvicorn's reloader, which ends if the server's first process fails.

uvicorn's reloader watches files even if the process has failed, so a wrong setting
looks like a server that hangs. After the first reload this one does the same, because
the next change may repair the server.
"""

import threading
from multiprocessing.connection import wait

from uvicorn.supervisors.watchfilesreload import WatchFilesReload


class Reloader(WatchFilesReload):
    """`run` returns if the first process ends by itself; then `failed` is True."""

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
