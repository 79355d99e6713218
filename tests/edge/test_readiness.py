"""When a service is found ready, and after which hints it is looked at again."""

from __future__ import annotations

import asyncio

import pytest

from devsup.commands import readiness as asking
from devsup.commands.readiness import Readiness
from devsup.edges import probe
from devsup.pure.events import BecameReady
from devsup.pure.programs import ListenReady, LogReady, Ready, SettleReady

NEVER = 3600.0
SECONDS = 30.0
QUIET = 1.0
"""Longer than it takes to look again at what gave a hint."""
MANY = 300
"""Looks that take longer than the patience of a test."""


class Service:
    """What a service listens on, and that somebody looked."""

    def __init__(self) -> None:
        self.ports: frozenset[int] = frozenset()
        self.looked = asyncio.Event()
        self.found: asyncio.Future[BecameReady] = asyncio.get_running_loop().create_future()

    def look(self, _name: str) -> frozenset[int]:
        self.looked.set()
        return self.ports


def test_a_line_of_output_is_a_reason_to_look_again_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(probe, "FIRST_PAUSE", NEVER)
    monkeypatch.setattr(probe, "LAST_PAUSE", NEVER)

    async def start_and_say_so() -> BecameReady:
        service = Service()
        readiness = Readiness(service.found.set_result, service.look)
        readiness.ask("web.1", 7, ListenReady(5000), NEVER)
        readiness.started("web.1")
        await service.looked.wait()
        service.ports = frozenset({5000})
        readiness.seen("web.1", b"Uvicorn running on http://127.0.0.1:5000\n")
        return await asyncio.wait_for(service.found, SECONDS)

    assert asyncio.run(start_and_say_so()) == BecameReady("web.1", 7, "port 5000")


def test_a_silent_service_is_found_ready_too() -> None:
    async def start_silently() -> BecameReady:
        service = Service()
        readiness = Readiness(service.found.set_result, service.look)
        readiness.ask("web.1", 7, ListenReady(None), NEVER)
        readiness.started("web.1")
        await service.looked.wait()
        service.ports = frozenset({5000})
        return await asyncio.wait_for(service.found, SECONDS)

    assert asyncio.run(start_silently()) == BecameReady("web.1", 7, "listening")


def test_another_port_of_the_service_does_not_make_it_ready() -> None:
    async def listen_elsewhere_first() -> list[BecameReady]:
        service = Service()
        found: list[BecameReady] = []
        readiness = Readiness(found.append, service.look)
        service.ports = frozenset({5001})
        readiness.ask("web.1", 7, ListenReady(5000), NEVER)
        readiness.started("web.1")
        for _ in range(3):
            await asyncio.wait_for(service.looked.wait(), SECONDS)
            service.looked.clear()
        readiness.close()
        return found

    assert asyncio.run(listen_elsewhere_first()) == []


def test_a_late_service_is_asked_seldom_whatever_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "FIRST_PAUSE", NEVER)
    monkeypatch.setattr(probe, "LATE_PAUSE", NEVER)

    async def falls_silent() -> bool:
        service = Service()
        readiness = Readiness(service.found.set_result, service.look)
        readiness.ask("web.1", 7, ListenReady(5000), 0.2)
        readiness.started("web.1")
        try:
            for _ in range(MANY):
                readiness.seen("web.1", b"not yet\n")
                await asyncio.wait_for(service.looked.wait(), QUIET)
                service.looked.clear()
        except TimeoutError:
            return True
        finally:
            readiness.close()
        return False

    assert asyncio.run(falls_silent())


def test_a_late_service_is_found_ready_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "LATE_PAUSE", 0.01)

    async def be_ready_when_late() -> BecameReady:
        service = Service()
        readiness = Readiness(service.found.set_result, service.look)
        readiness.ask("web.1", 7, ListenReady(5000), 0.0)
        readiness.started("web.1")
        for _ in range(3):
            await asyncio.wait_for(service.looked.wait(), SECONDS)
            service.looked.clear()
        assert not service.found.done()
        service.ports = frozenset({5000})
        return await asyncio.wait_for(service.found, SECONDS)

    assert asyncio.run(be_ready_when_late()) == BecameReady("web.1", 7, "port 5000")


@pytest.mark.parametrize("ready", [LogReady("all set"), ListenReady(5000)])
def test_what_is_heard_and_seen_before_a_start_counts_from_then_on(ready: Ready) -> None:
    """Output comes through another pipe than the word that the leader lives, and may be first."""

    async def say_so_first() -> BecameReady:
        service = Service()
        readiness = Readiness(service.found.set_result, service.look)
        service.ports = frozenset({5000})
        readiness.ask("web.1", 7, ready, NEVER)
        readiness.seen("web.1", b"all set\n")
        for _ in range(3):
            await asyncio.sleep(0)
        assert not service.found.done()
        readiness.started("web.1")
        return await asyncio.wait_for(service.found, SECONDS)

    assert asyncio.run(say_so_first()).epoch == 7


@pytest.fixture
def _settles_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "SETTLE_TIME", 0.0)


@pytest.mark.usefixtures("_settles_at_once")
def test_a_service_settles_from_when_its_leader_lives() -> None:
    async def start_late() -> BecameReady:
        service = Service()
        readiness = Readiness(service.found.set_result, service.look)
        readiness.ask("web.1", 7, SettleReady(), NEVER)
        for _ in range(3):
            await asyncio.sleep(0)
        assert not service.found.done()
        readiness.started("web.1")
        return await asyncio.wait_for(service.found, SECONDS)

    assert asyncio.run(start_late()) == BecameReady("web.1", 7, "settled")


@pytest.mark.usefixtures("_settles_at_once")
def test_who_ends_before_it_has_settled_is_not_ready() -> None:
    async def end_early() -> BecameReady:
        service = Service()
        readiness = Readiness(service.found.set_result, service.look)
        for epoch in (7, 9):
            readiness.ask("web.1", epoch, SettleReady(), NEVER)
            readiness.started("web.1")
            if epoch == 7:
                readiness.forget("web.1")
        return await asyncio.wait_for(service.found, SECONDS)

    assert asyncio.run(end_early()) == BecameReady("web.1", 9, "settled")
