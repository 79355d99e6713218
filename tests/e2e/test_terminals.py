"""Terminals of the services: who has one, how wide it is, and what its lines look like."""

from __future__ import annotations

import re
import shlex
import sys
import termios
from pathlib import Path
from typing import TYPE_CHECKING

import kin
import pytest
from stack import PAUSE
from stage import descriptors

if TYPE_CHECKING:
    from stack import Stack

WHAT = """
import os, signal
def tell(*_):
    kinds = [os.isatty(fd) for fd in range(3)]
    size = os.get_terminal_size(1) if kinds[1] else None
    print(*kinds, size and f"{size.columns}x{size.lines}", flush=True)
signal.signal(signal.SIGWINCH, tell)
tell()
while True:
    signal.pause()
"""
INDENT = len("12:34:56 devsup | ")
LINE = re.compile(r"\d\d:\d\d:\d\d ([\w.]+) +\| (.*)")


def python(program: str) -> str:
    """The program as a service's command line, in one line."""
    return shlex.join([sys.executable, "-u", "-c", f"exec({program!r})"])


def shown(stack: Stack, name: str = "web.1") -> list[str]:
    """The lines of a service, and of devsup about it, from an output without colours."""
    lines = [LINE.fullmatch(line) for line in stack.output.splitlines()]
    assert all(lines), stack.output
    return [line[2] for line in lines if line and line[1] == name]


# ---- who has one


def test_on_a_terminal_a_service_has_one_beside_the_prefix_that_follows_changes(
    stack: Stack,
) -> None:
    stack.write("Procfile", f"web: {python(WHAT)}\n")
    stack.up_in_terminal("--no-color")
    stack.wait_for(f"True True True {80 - INDENT}x24")
    termios.tcsetwinsize(stack.reader, (50, 120))
    stack.wait_for(f"True True True {120 - INDENT}x50")


def test_into_a_pipe_a_service_has_none(stack: Stack) -> None:
    stack.write("Procfile", f"web: {python(WHAT)}\n")
    stack.up().wait_for("False False False None")


def test_pty_true_gives_one_wherever_the_output_goes(stack: Stack) -> None:
    stack.write("Procfile", f"web: {python(WHAT)}\n")
    stack.write("devsup.toml", "[services.web]\npty = true\n")
    stack.up().wait_for(f"True True True {80 - INDENT}x24")


def test_pty_false_gives_none_on_a_terminal_either(stack: Stack) -> None:
    stack.write("Procfile", f"web: {python(WHAT)}\n")
    stack.write("devsup.toml", "[services.web]\npty = false\n")
    stack.up_in_terminal().wait_for("False False False None")


def test_a_service_may_close_its_terminal_open_it_again_and_live_on(stack: Stack) -> None:
    line = "exec <&- >&- 2>&-; sleep 0; echo back >/dev/tty; exec sleep 600 </dev/tty"
    stack.write("Procfile", f"web: {line}\n")
    stack.write("devsup.toml", "[services.web]\npty = true\n")
    stack.up().wait_for("back")
    stack.wait_for_generation(1)
    assert stack.interrupt() == 130


def test_nobody_but_the_service_and_devsup_itself_has_its_terminal_open(stack: Stack) -> None:
    stack.write("Procfile", "web: exec sleep 600\nother: exec sleep 600\n")
    stack.write("devsup.toml", "[services.web]\npty = true\n[services.other]\npty = true\n")
    stack.up().wait_for_generation(1)
    held = {pid: terminals(pid) for pid in (stack.family.zygote, *stack.family.guardians)}
    assert not any(held.values()), held
    mine = [terminals(leader) for leader in stack.leaders.values()]
    assert mine[0] != mine[1]
    for leader, open_ in zip(stack.leaders.values(), mine, strict=True):
        assert len(open_) == 1
        assert descriptors(leader) == {0, 1, 2}
        assert int(kin.stat(leader)[4]), "it is no controlling terminal"


def terminals(pid: int) -> set[str]:
    """The terminals that a process has open."""
    links = {str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()}
    return {link for link in links if link.startswith("/dev/pt")}


def test_whoever_a_leader_leaves_gets_its_grace_on_a_terminal_too(stack: Stack) -> None:
    """The kernel hangs up the group of a session's leader that ends."""
    finish = stack.gate()
    work = f"trap 'echo asked; read _ < gate; echo finished; exit' TERM; echo there; {PAUSE}"
    stack.write("work.sh", f"{work}\n")
    stack.write("leads.sh", "sh work.sh &\nread _ < go\n")
    leave = stack.gate("go")
    stack.write("Procfile", "web: sh leads.sh\n")
    stack.write("devsup.toml", "[services.web]\npty = true\nstop-timeout = 60\n")
    stack.up().wait_for("there$")
    leave()
    stack.wait_for("asked$")
    finish()
    stack.wait_for("finished$")


def test_jobs_of_a_shell_get_the_stop_signal_in_their_own_groups(stack: Stack) -> None:
    job = "sh -c 'trap \"echo got TERM; exit\" TERM; echo ready; read _ <> pause'"
    stack.write("Procfile", f"web: set -m; {job} & wait\n")
    stack.write("devsup.toml", "[services.web]\npty = true\n")
    stack.up().wait_for("ready")
    assert stack.interrupt() == 130
    assert "got TERM" in stack.output


# ---- what its lines look like


@pytest.mark.parametrize("pty", ["true", "false"])
def test_a_progress_bar_is_shown_now_and_then_and_as_it_ended(stack: Stack, pty: str) -> None:
    open_gate = stack.gate()
    program = """
import os
for each in range(37):
    os.write(1, b"\\r%d%%" % (each + 1))
open("gate").readline()
os.write(1, b"\\r99%\\r100%\\ndone\\n")
open("gate").readline()
"""
    stack.write("Procfile", f"web: {python(program)}\n")
    stack.write("devsup.toml", f"[services.web]\npty = {pty}\n")
    stack.up().wait_for(r"\| 37%$")
    open_gate()
    stack.wait_for("done")
    assert shown(stack) == ["37%", "100%", "done"]


def test_what_moves_the_cursor_leaves_the_lines_of_others_alone(stack: Stack) -> None:
    program = "print('\\x1b[2J\\x1b[H\\x1b]0;title\\x07\\x1b[3Aup \\x1b[31mred'); print('next')"
    stack.write("Procfile", f"web: {python(program)}; exec sleep 600\n")
    stack.write("devsup.toml", "[services.web]\npty = true\n")
    stack.up().wait_for("next")
    assert shown(stack) == ["up \x1b[31mred\x1b[0m", "next"]


def test_a_prompt_that_stays_is_shown_with_what_to_type(stack: Stack) -> None:
    stack.write("Procfile", f"web: {python('breakpoint()')}\n")
    stack.write("devsup.toml", "[services.web]\npty = true\n")
    stack.up().wait_for("waits at a prompt")
    assert shown(stack)[-1] == "(Pdb) "
    assert "web.1 waits at a prompt: devsup attach web.1" in shown(stack, "devsup")
