"""Restarts services whose source files changed: when a burst of changes is over, once.

A service is never left on code older than the last change: what is seen after its start restarts
it, and what was seen before is in the start already.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devsup.pure import globs, report
from devsup.pure.burst import Burst, Pace
from devsup.pure.events import SourceChanged

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from devsup.edges.sourcewatch import Changed, SourceWatch
    from devsup.pure.stack import Spec
    from devsup.pure.supervisor import Supervisor
    from devsup.pure.unit import Unit

Files = tuple[str, ...]


@dataclass(slots=True)
class _HeldBack:
    """The restart of a service that seems to change its own files; `seen` is the last change."""

    files: Files
    seen: float
    timer: asyncio.TimerHandle


class Sources:
    """Watches what the services of a run watch, and posts what has to be restarted.

    Nothing is imported, watched or woken for as long as no service watches anything.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        root: Path,
        supervisor: Supervisor,
        post: Callable[[SourceChanged], None],
        say: Callable[[str], None],
    ) -> None:
        self._loop = loop
        self._root = root
        self._supervisor = supervisor
        self._post = post
        self._say = say
        self._watched: dict[str, Files] | None = None
        self._warned: set[str] = set()
        self._watch: SourceWatch | None = None
        self._burst: Burst | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._pace = Pace()
        self._held_back: dict[str, _HeldBack] = {}

    def start(self) -> None:
        """Watch from now on, which has to be before the services start."""
        self._watched = {}
        self.follow([unit.spec for unit in self._supervisor.units.values()])

    def follow(self, specs: Sequence[Spec]) -> None:
        """These are the services from now on; nothing before `start`."""
        watched = {spec.type: spec.watch for spec in specs if spec.watch}
        if self._watched is None or watched == self._watched:
            return
        self._watched = watched
        self._warn(specs)
        before, self._watch = self._watch, self._started(watched) if watched else None
        if before:
            # After the new one has begun: what changes in between is seen by one of the two.
            before.look_everywhere()
            before.close()

    def _warn(self, specs: Sequence[Spec]) -> None:
        for line in reloaded_twice(specs):
            if line not in self._warned:
                self._warned.add(line)
                self._say(line)

    def _started(self, watched: dict[str, Files]) -> SourceWatch:
        # Here, because it costs every launch some milliseconds, and most services watch nothing.
        from devsup.edges.sourcewatch import SourceWatch  # noqa: PLC0415
        from devsup.edges.tree import Tree  # noqa: PLC0415

        anchors = {
            os.path.normpath(self._root / anchor): aims
            for anchor, aims in globs.anchored(watched).items()
        }
        watch = SourceWatch(
            Tree(anchors), self._take, lambda number: self._say(report.unwatched(number))
        )
        watch.start(self._loop)
        return watch

    def close(self) -> None:
        """Nothing is posted from now on. Harmless before `start` and twice."""
        if self._watch:
            self._watch.close()
        timers = [each.timer for each in self._held_back.values()]
        for timer in (*timers, *([self._timer] if self._timer else [])):
            timer.cancel()

    # ---- a burst

    def _take(self, changed: Changed) -> None:
        """Files differ from what was last seen of them."""
        now = self._loop.time()
        self._burst = self._burst or Burst(now, now)
        self._burst.add(changed, now)
        if self._timer is None:
            self._timer = self._loop.call_at(self._burst.due, self._ripen, self._burst)

    def _ripen(self, burst: Burst) -> None:
        """It may be over."""
        if burst.due > self._loop.time():
            self._timer = self._loop.call_at(burst.due, self._ripen, burst)
            return
        self._burst = self._timer = None
        self._hand_on(burst)

    def _hand_on(self, burst: Burst) -> None:
        concerned = {
            name: self._files(unit.spec.type, burst)
            for name, unit in self._supervisor.units.items()
            if not self._is_covered(unit, burst.last)
        }
        at_once = {
            name: files
            for name, files in concerned.items()
            if files and not self._has_to_wait(name, files, burst)
        }
        if at_once:
            self._release(at_once)

    @staticmethod
    def _is_covered(unit: Unit, seen: float) -> bool:
        """Whether a service was started after the last change was seen."""
        return seen < unit.started

    def _files(self, type_: str, burst: Burst) -> Files:
        return tuple(
            os.path.relpath(file, self._root)
            for file, watchers in burst.files.items()
            if type_ in watchers
        )

    # ---- services that change their own files

    def _has_to_wait(self, name: str, files: Files, burst: Burst) -> bool:
        age = burst.began - self._supervisor.units[name].started
        wait = self._pace.wait(name, files, age)
        if not wait:
            return False
        if held_back := self._held_back.get(name):
            held_back.seen = burst.last
        else:
            self._say(report.changes_itself(name, files, wait))
            timer = self._loop.call_later(wait, self._release_late, name)
            self._held_back[name] = _HeldBack(files, burst.last, timer)
        return True

    def _release_late(self, name: str) -> None:
        held_back = self._held_back.pop(name)
        unit = self._supervisor.units.get(name)
        if unit and not self._is_covered(unit, held_back.seen):
            self._release({name: held_back.files})

    def _release(self, concerned: dict[str, Files]) -> None:
        for name in concerned:
            if held_back := self._held_back.pop(name, None):
                held_back.timer.cancel()
        files = dict.fromkeys(file for files in concerned.values() for file in files)
        self._post(SourceChanged(tuple(concerned), tuple(files)))


def reloaded_twice(specs: Sequence[Spec]) -> Iterable[str]:
    """A sentence for each process type that is reloaded by its program and by `watch`."""
    from devsup.pure.programs import reloads_itself  # noqa: PLC0415  as above
    from devsup.pure.shell import program_words  # noqa: PLC0415

    types = {spec.type: spec.command for spec in specs if spec.watch}
    for type_, command in types.items():
        if reloads_itself(program_words(command)):
            yield report.reloaded_twice(type_)
