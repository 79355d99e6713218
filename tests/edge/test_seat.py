"""A terminal whose modes the supervisor has changed, and the zygote that puts them back."""

from __future__ import annotations

import os
import termios
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stage import SECONDS, children

from devsup.edges.keyboard import key_by_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stage import Stage


class Seat:
    """A terminal that does not block, and its modes before and since."""

    def __init__(self) -> None:
        self.controller, self.fd = os.openpty()
        os.set_blocking(self.fd, False)
        self.before = self.modes
        self.ours = key_by_key(self.before)
        termios.tcsetattr(self.fd, termios.TCSANOW, self.ours)
        assert self.modes == self.ours

    @property
    def modes(self) -> list[Any]:
        return termios.tcgetattr(self.fd)


@contextmanager
def guarded(stage: Stage) -> Iterator[Seat]:
    seat = Seat()
    stage.zygote.guard_terminal(seat.fd, seat.before, seat.ours)
    yield seat
    os.close(seat.controller)
    os.close(seat.fd)


def test_keys_come_one_by_one_and_interrupts_are_still_signals() -> None:
    seat = Seat()
    assert not seat.ours[3] & (termios.ICANON | termios.ECHO)
    assert seat.ours[3] & termios.ISIG
    os.write(seat.controller, b"r")
    assert os.read(seat.fd, 10) == b"r"
    os.close(seat.controller)
    os.close(seat.fd)


def test_it_is_put_back_when_the_supervisor_is_gone(stage: Stage) -> None:
    with guarded(stage) as seat:
        assert stage.zygote.close(SECONDS)
        assert seat.modes == seat.before


def test_what_somebody_has_set_since_stays(stage: Stage) -> None:
    with guarded(stage) as seat:
        own = seat.before[:]
        own[3] &= ~termios.ECHO
        termios.tcsetattr(seat.fd, termios.TCSANOW, own)
        assert stage.zygote.close(SECONDS)
        assert seat.modes == own


def test_it_is_left_alone_once_it_is_forgotten(stage: Stage) -> None:
    with guarded(stage) as seat:
        stage.zygote.forget_terminal()
        assert stage.zygote.close(SECONDS)
        assert seat.modes == seat.ours


def test_a_terminal_that_stands_still_does_not_keep_the_zygote(stage: Stage) -> None:
    with guarded(stage) as seat:
        termios.tcflow(seat.fd, termios.TCOOFF)  # Ctrl-S
        assert stage.zygote.close(SECONDS)
        assert seat.modes == seat.before


def test_a_terminal_that_hung_up_does_not_keep_the_zygote(stage: Stage) -> None:
    seat = Seat()
    stage.zygote.guard_terminal(seat.fd, seat.before, seat.ours)
    os.close(seat.controller)
    assert stage.zygote.close(SECONDS)
    os.close(seat.fd)


def test_no_service_and_no_guardian_gets_it(stage: Stage) -> None:
    with guarded(stage) as seat:
        name = os.ttyname(seat.fd)
        service = stage.echo()
        [guardian] = children(stage.zygote.pid)
        for pid in (guardian, service.leader):
            opened = [str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()]
            assert name not in opened
        service.group.kill()
