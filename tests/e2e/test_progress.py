"""Who is awaited: at the bottom of a terminal while it lasts, line by line in a pipe."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from emulator import Emulator
from stack import PAUSE

if TYPE_CHECKING:
    from stack import Stack

BUSY = f"trap 'read _ < gate; exit 0' TERM; echo there; {PAUSE}"
CLIMB = f'while read _; do echo "\\033[31mred"; done < lines & {BUSY}'
"""Leaves its colour open, whenever the test has it say something."""


def shown(stack: Stack) -> list[str]:
    return Emulator(80).feed(stack.output).lines


def test_a_terminal_shows_it_at_the_bottom_and_takes_it_away(stack: Stack) -> None:
    stack.write("Procfile", f"web: {CLIMB}\n")
    let_go, speak = stack.gate(), stack.gate("lines")
    stack.up_in_terminal("-t", "600").wait_for("there")
    stack.type("\x03")
    stack.wait_for(r"web\.1 finishing, 59\d s before SIGKILL\x1b\[0m\r")
    speak()
    stack.wait_for(r"\x1b\[31mred\x1b\[0m\s*\x1b\[0;2mwaiting: web\.1 finishing")
    assert shown(stack)[-1].startswith("waiting: web.1 finishing")
    assert "red" in shown(stack)[-2]
    let_go()
    assert stack.wait_for_exit() == 130
    assert not [line for line in shown(stack) if "waiting" in line]
    assert stack.output.endswith("\x1b[J\x1b[0m")
    assert "waiting" not in stack.run("logs").stdout


def test_it_tells_the_time_anew_each_second(stack: Stack) -> None:
    stack.write("Procfile", f"web: {BUSY}\n")
    let_go = stack.gate()
    stack.up_in_terminal("-t", "600").wait_for("there")
    stack.type("\x03")
    first = stack.wait_for(r"finishing, (\d+) s before")
    assert int(stack.wait_for(r"\r\x1b\[J.*finishing, (\d+) s before")[1]) < int(first[1])
    let_go()
    stack.wait_for_exit()


def test_a_pipe_gets_a_line(stack: Stack) -> None:
    stack.write("Procfile", f"web: {BUSY}\n")
    let_go = stack.gate()
    stack.up("-t", "600").wait_for("there")
    stack.signal(2)
    stack.wait_for(r"devsup \| waiting: web\.1 finishing, 59\d s before SIGKILL$")
    let_go()
    assert stack.wait_for_exit() == 130
    assert not re.search("[\r\x1b]", stack.output)


def test_it_names_what_a_start_waits_for(stack: Stack) -> None:
    stack.write("Procfile", f"web: {PAUSE}\n")
    stack.write("devsup.toml", "[services.web]\nready = { log = 'all set$' }\n")
    stack.up().wait_for(r"waiting: web\.1 starting for \d+ s \(until a line has all set\$\)")
