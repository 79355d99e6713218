"""Finds out for each service that is starting whether it is ready, by what its spec says."""

import asyncio
import re
from collections.abc import Callable
from functools import partial

from devsup.edges import probe
from devsup.pure import colours
from devsup.pure.events import BecameReady
from devsup.pure.programs import HttpReady, ListenReady, LogReady, PortReady, Ready, SettleReady
from devsup.pure.unit import SETTLE_TIME

Ports = Callable[[str], frozenset[int]]


class Readiness:
    """The questions that are open, one a service at most."""

    def __init__(self, post: Callable[[BecameReady], None], ports: Ports) -> None:
        self._post = post
        self._ports = ports
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._hints: dict[str, asyncio.Event] = {}
        self._awaited: dict[str, tuple[re.Pattern[bytes], BecameReady]] = {}
        self._settling: dict[str, asyncio.TimerHandle] = {}
        self._unstarted: dict[str, list[Callable[[], None]]] = {}

    def ask(self, name: str, epoch: int, ready: Ready, patience: float) -> None:
        """Post BecameReady with this epoch as soon as the service has started and is ready.

        After so many seconds it is asked seldom, and that may be said a second later.
        """
        self.forget(name)
        self._unstarted[name] = []
        match ready:
            case LogReady(pattern):
                expression = re.compile(pattern.encode(), re.MULTILINE)
                self._awaited[name] = expression, BecameReady(name, epoch, "log line")
            case PortReady(port):
                answer = BecameReady(name, epoch, f"port {port}")
                self._keep_asking(answer, partial(probe.accepts, port), patience)
            case HttpReady(url):
                answer = BecameReady(name, epoch, "http")
                self._keep_asking(answer, partial(probe.answers, url), patience)
            case ListenReady(port):
                answer = BecameReady(name, epoch, f"port {port}" if port else "listening")
                self._keep_asking(answer, partial(self._listens, name, port), patience)
            case SettleReady():
                answer = BecameReady(name, epoch, "settled")
                self._once_started(name, partial(self._settle, answer))

    def started(self, name: str) -> None:
        """Its leader lives. What it says may be heard before that; a start may come to nothing."""
        for step in self._unstarted.pop(name, ()):
            step()

    def _once_started(self, name: str, step: Callable[[], None]) -> None:
        if name in self._unstarted:
            self._unstarted[name].append(step)
        else:
            step()

    def _settle(self, answer: BecameReady) -> None:
        loop = asyncio.get_running_loop()
        self._settling[answer.name] = loop.call_later(SETTLE_TIME, self._post, answer)

    def seen(self, name: str, lines: bytes) -> None:
        """Whole lines of a service's output: what to look for, or a hint to ask again."""
        if name in self._hints:
            self._hints[name].set()
        if name not in self._awaited:
            return
        expression, answer = self._awaited[name]
        # Colours stand between the words of a line, but nobody means them in a pattern.
        if expression.search(colours.without(lines)):
            del self._awaited[name]
            self._answer(answer)

    def forget(self, name: str) -> None:
        """The service is gone, or starts again."""
        self._awaited.pop(name, None)
        self._hints.pop(name, None)
        self._unstarted.pop(name, None)
        for pending in (self._asking.pop(name, None), self._settling.pop(name, None)):
            if pending:
                pending.cancel()

    def close(self) -> None:
        """Ask nothing any more."""
        for name in {*self._asking, *self._awaited, *self._unstarted, *self._settling}:
            self.forget(name)

    def _answer(self, answer: BecameReady) -> None:
        self._once_started(answer.name, partial(self._post, answer))

    def _keep_asking(self, answer: BecameReady, question: probe.Question, patience: float) -> None:
        hint = self._hints[answer.name] = asyncio.Event()

        async def asking() -> None:
            await probe.until(question, hint, patience)
            self._answer(answer)

        task = asyncio.get_running_loop().create_task(asking())
        task.add_done_callback(_check)
        self._asking[answer.name] = task

    async def _listens(self, name: str, port: int | None) -> bool:
        """Whether a process of the service itself listens."""
        ports = self._ports(name)
        return port in ports if port else bool(ports)


def _check(task: asyncio.Task[None]) -> None:
    """Nobody awaits it: let the loop hear of its failure, which is a bug of ours."""
    if not task.cancelled():
        task.result()
