"""The news of directories by watchfiles (its door), for systems without inotify."""

import asyncio
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress

# Not `awatch`: that waits for the same in a thread too, and brings anyio between.
from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

from devsup.pure.writing import Writer

STEP = 20
"""Milliseconds between two looks of the thread at what was collected. It reports when a second look
finds nothing more: 28 ms after an edit, at 54 wake-ups a second and 0.6 % of a core. Steps of 10 ms
would take 19 ms, 102 wake-ups and 0.75 %; steps of 50 ms 68 ms, 24 wake-ups and 0.3 %."""


class Notify:
    """Calls `changed` in the loop once after each `arm`, when something happened there."""

    def __init__(self, loop: asyncio.AbstractEventLoop, changed: Callable[[Writer], None]) -> None:
        self._loop = loop
        self._changed = changed
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def arm(self, places: Mapping[str, frozenset[str]]) -> None:
        """Watch these directories, the names in them or others; skip what is not there."""
        self._stop.set()  # the thread of an earlier call ends by itself
        self._stop = threading.Event()
        notify = RustNotify(
            [*places],
            debug=False,
            force_polling=False,
            poll_delay_ms=0,
            recursive=False,
            ignore_permission_denied=True,  # and every other reason why one cannot be watched
        )
        self._thread = threading.Thread(
            target=self._wait, args=(notify, self._stop), name="watch", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop, within two steps."""
        self._stop.set()
        if self._thread:
            self._thread.join()

    def _wait(self, notify: RustNotify, stop: threading.Event) -> None:
        # A watcher that failed (a name that is no UTF-8) fails for ever: until the next `arm`,
        # the comparisons of `watch` are what remains. RuntimeError: the loop was closed.
        with notify, suppress(WatchfilesRustInternalError, RuntimeError):
            if isinstance(notify.watch(0, STEP, 0, stop), set):
                self._loop.call_soon_threadsafe(self._report, stop)

    def _report(self, stop: threading.Event) -> None:
        if not stop.is_set():
            self._changed(Writer.UNKNOWN)


class Directories:
    """Calls `heard` with every directory (and no name) when something happened in any of them."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, heard: Callable[[list[tuple[str, str]]], None]
    ) -> None:
        self._heard = heard
        self._watched: Collection[str] = ()
        self._notify = Notify(loop, self._changed)

    def arm(self, directories: Collection[str]) -> frozenset[str]:
        """Watch these and nothing else; there are always enough watches."""
        self._watched = directories
        self._notify.arm(dict.fromkeys(directories, frozenset[str]()))
        return frozenset()

    def close(self) -> None:
        """Stop, within two steps."""
        self._notify.close()

    def _changed(self, _writer: Writer) -> None:
        self.arm(self._watched)  # first, so that nothing that follows is overlooked
        self._heard([(directory, "") for directory in self._watched])
