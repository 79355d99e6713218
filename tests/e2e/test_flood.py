"""Much output, and readers that are stopped or gone: no line is lost, and memory stays bounded."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import flood
import psutil
import pytest
from kin import held
from stack import DEVSUP, HERE, PAUSE, SECONDS
from stage import children, is_readable
from supervised import Words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stack import Stack

NAMES = ("a", "b")
FOUR = ("a", "b", "c", "d")
LINE = re.compile(rb"\d\d:\d\d:\d\d (\S+) +\| ([^\n]*\n)")
MIB = 1024 * 1024

BACKLOG = 2 * MIB
"""More than may be between the services and a reader that stopped: what devsup holds (a mebibyte
and what one read became with its prefixes, and of each service a line that is not complete), the
pipe to the reader, the pipe of each service, and what each wrote since it last told."""

GROWTH = 4 * MIB
"""More than devsup may grow by that, by the latest lines that it remembers of each service, and by
what the allocator of Python takes for it at a time."""


class Flood:
    """Services that write at once, and one that shows that devsup is still listening."""

    def __init__(
        self, stack: Stack, lines: int, names: tuple[str, ...] = NAMES, *, pty: bool = False
    ) -> None:
        self.stack = stack
        self.names = names
        self.lines = lines
        self.open_gate = stack.gate()
        self.output = stack.root / "output"
        os.mkfifo(stack.root / "news")
        # Its own writer, so that it does not end while nobody else has one.
        self.news = Words(os.open(stack.root / "news", os.O_RDWR))
        stack.lives.append(self.news)
        command = f"{sys.executable} {HERE / 'flood.py'}"
        procfile = [f"{name}: {command} {name} {lines} gate news" for name in names]
        procfile.append("clock: echo turn=$TURN > news; exec sleep 600")
        stack.write("Procfile", "\n".join(procfile))
        own = f"env-restart = ['AGAIN']\npty = {str(pty).lower()}\n"
        config = "".join(f"[services.{name}]\n{own}" for name in names)
        stack.write("devsup.toml", config)

    def start(self, output: int) -> None:
        """Run devsup into this descriptor until both services wait for the gate."""
        self.stack.process = subprocess.Popen(
            [*DEVSUP, "up"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            cwd=self.stack.root,
            start_new_session=True,
        )
        self.wait_until_waiting(1)

    def wait_until_waiting(self, generations: int) -> None:
        """Until so many generations have come to the gate."""
        while any(self.news.heard.count(f"{name} waiting") < generations for name in self.names):
            self.news.listen()

    def release(self) -> None:
        """Let all write."""
        for _ in self.names:
            self.open_gate()

    def wait_until_done(self) -> None:
        """Until all got rid of everything."""
        for name in self.names:
            self.news.wait_for(f"{name} done")

    def wait_for_turn(self, turn: int) -> None:
        """Have devsup restart what is not flooding."""
        self.stack.write(".env", f"TURN={turn}\n")
        self.news.wait_for(f"turn={turn}")

    @property
    def written(self) -> dict[str, int]:
        """Bytes that each service told to be rid of, until now."""
        while is_readable(self.news.descriptor):
            self.news.listen()
        told = re.findall(r"^(\w) (\d+)$", self.news.heard, re.MULTILINE)
        return {name: int(size) for name, size in told}

    @property
    def memory(self) -> int:
        """Resident bytes of the supervisor."""
        return int(psutil.Process(self.stack.devsup.pid).memory_info().rss)

    def runs(self) -> dict[str, list[int]]:
        """How many lines of each generation of each service arrived, whole and in order."""
        runs = {name.encode(): [0] for name in self.names}
        with self.output.open("rb") as output:
            for text in output:
                match = LINE.fullmatch(text)
                assert match, text
                name = match[1].removesuffix(b".1")
                if name in runs:
                    count(runs[name], name, match[2])
        return {name.decode(): counts for name, counts in runs.items()}

    def assert_complete(self) -> None:
        """Every line is there, whole and by itself, and in order."""
        assert self.runs() == {name: [self.lines] for name in self.names}


def count(runs: list[int], name: bytes, text: bytes) -> None:
    """Count a line where it belongs; one that was cut off when its writer was killed is none."""
    if text == flood.line(name, runs[-1]):
        runs[-1] += 1
    elif text == flood.line(name, 0):
        runs.append(1)
    else:
        assert flood.line(name, runs[-1]).startswith(text[:-1]), text


@contextlib.contextmanager
def reader(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that reads a pipe into a file; it has to see the end of the pipe in time."""
    with path.open("wb") as file:
        process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=file)
    try:
        yield process
        process.communicate(timeout=SECONDS)
    finally:
        process.kill()
        process.communicate()


def stop(process: subprocess.Popen[bytes]) -> None:
    """Let it do nothing any more, for sure, until SIGCONT."""
    process.send_signal(signal.SIGSTOP)
    os.waitpid(process.pid, os.WUNTRACED)


@contextlib.contextmanager
def standing_still(flooded: Flood) -> Iterator[subprocess.Popen[bytes]]:
    """The reader of a flood that has begun, which is stopped and reads nothing."""
    with reader(flooded.output) as process:
        flooded.start(pipe_to(process))
        stop(process)
        flooded.release()
        yield process


def pipe_to(process: subprocess.Popen[bytes]) -> int:
    assert process.stdin
    return process.stdin.fileno()


def let_go_of_pipe(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin
    process.stdin.close()


def test_a_million_lines_arrive_whole_and_in_order_in_a_file(stack: Stack) -> None:
    flooded = Flood(stack, 500_000)
    with flooded.output.open("wb") as file:
        flooded.start(file.fileno())
    flooded.release()
    flooded.wait_until_done()
    assert stack.interrupt() == 130
    flooded.assert_complete()


def test_a_million_lines_arrive_whole_and_in_order_through_a_pipe(stack: Stack) -> None:
    flooded = Flood(stack, 500_000)
    with reader(flooded.output) as process:
        flooded.start(pipe_to(process))
        flooded.release()
        flooded.wait_until_done()
        assert stack.interrupt() == 130
    flooded.assert_complete()


def test_four_terminals_at_once_lose_and_tear_no_line(stack: Stack) -> None:
    flooded = Flood(stack, 50_000, FOUR, pty=True)
    with flooded.output.open("wb") as file:
        flooded.start(file.fileno())
    flooded.release()
    flooded.wait_until_done()
    assert stack.interrupt() == 130
    flooded.assert_complete()


@pytest.mark.parametrize("pty", [False, True], ids=["pipe", "terminal"])
def test_a_reader_that_stops_loses_no_line_and_costs_no_memory(stack: Stack, *, pty: bool) -> None:
    flooded = Flood(stack, 200_000, pty=pty)
    with reader(flooded.output) as process:
        flooded.start(pipe_to(process))
        memory = flooded.memory
        stop(process)
        flooded.release()
        # In the time that an edit takes, devsup would read much more than it may.
        for turn in (1, 2, 3):
            flooded.wait_for_turn(turn)
        assert flooded.memory - memory < GROWTH
        assert 0 < sum(flooded.written.values()) < BACKLOG
        process.send_signal(signal.SIGCONT)
        flooded.wait_until_done()
        assert stack.interrupt() == 130
    flooded.assert_complete()


def test_an_edit_while_nobody_reads_loses_no_line_of_either_generation(stack: Stack) -> None:
    flooded = Flood(stack, 50_000)
    with standing_still(flooded) as process:
        for turn in (1, 2):
            flooded.wait_for_turn(turn)
        stack.write(".env", "TURN=2\nAGAIN=1\n")
        flooded.wait_until_waiting(2)
        former = flooded.written
        flooded.release()
        process.send_signal(signal.SIGCONT)
        flooded.wait_until_done()
        assert stack.interrupt() == 130
    for name, runs in flooded.runs().items():
        assert runs[0] * flood.LENGTH >= former[name] > 0
        assert runs[1:] == [flooded.lines]


def test_last_words_that_are_read_late_make_nobody_ready_who_came_after(stack: Stack) -> None:
    flooded = Flood(stack, 50_000)
    says = 'test "$TALK" || { trap "echo talks; exit" TERM; echo talks; }'
    talker = f"talker: {says}; echo talk=$TALK > news; {PAUSE}\n"
    stack.write("Procfile", f"{talker}{(stack.root / 'Procfile').read_text()}")
    own = "[services.talker]\nready = { log = 'talks' }\nenv-restart = ['TALK']\n"
    stack.write("devsup.toml", f"{own}{(stack.root / 'devsup.toml').read_text()}")
    with standing_still(flooded) as process:
        for turn in (1, 2):
            flooded.wait_for_turn(turn)
        stack.write(".env", "TURN=2\nTALK=1\n")
        flooded.news.wait_for("talk=1")
        process.send_signal(signal.SIGCONT)
        flooded.wait_until_done()
        status = json.loads(stack.run("status", "--json").stdout)
        assert status["services"][0]["state"] == "starting"
        assert stack.interrupt() == 130
    assert flooded.output.read_text().count("| talks\n") == 2


def test_a_reader_that_is_late_at_the_end_gets_everything_all_the_same(stack: Stack) -> None:
    flooded = Flood(stack, 3000)  # which devsup can hold
    with standing_still(flooded) as process:
        flooded.wait_until_done()
        with held(children(stack.devsup.pid)) as [zygote]:
            stack.devsup.send_signal(signal.SIGINT)
            assert is_readable(zygote, SECONDS)  # and so all services are gone
        process.send_signal(signal.SIGCONT)
        assert stack.wait_for_exit() == 130
    flooded.assert_complete()


def test_an_interrupt_while_the_last_lines_wait_does_not_tell_the_end_again(stack: Stack) -> None:
    flooded = Flood(stack, 3000)
    with standing_still(flooded) as process:
        flooded.wait_until_done()
        with held(children(stack.devsup.pid)) as [zygote]:
            stack.devsup.send_signal(signal.SIGINT)
            assert is_readable(zygote, SECONDS)
        stack.devsup.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGCONT)
        assert stack.wait_for_exit() == 130
    assert flooded.output.read_text().count("everything has ended") == 1


def test_an_interrupt_ends_the_stack_although_nobody_reads(stack: Stack) -> None:
    flooded = Flood(stack, 200_000)
    with standing_still(flooded) as process:
        flooded.wait_for_turn(1)
        assert stack.interrupt() == 130
        process.send_signal(signal.SIGCONT)


def test_a_reader_that_leaves_in_the_middle_of_a_flood_ends_the_stack_quietly(
    stack: Stack,
) -> None:
    stack.write("Procfile", "web: yes\nother: sleep 600\n")
    command = f"{' '.join(DEVSUP)} up | head -1"
    result = subprocess.run(
        ["bash", "-c", f"{command}; exit ${{PIPESTATUS[0]}}"],
        cwd=stack.root,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert result.stdout.count("\n") == 1
    assert (result.stderr, result.returncode) == ("", 0)


def test_a_reader_that_leaves_while_nothing_is_said_ends_the_stack(stack: Stack) -> None:
    stack.write("Procfile", "web: sleep 600\n")
    stack.up().wait_for_generation(1)
    stack.hang_up()
    assert stack.wait_for_exit() == 0


def test_output_that_cannot_be_written_is_no_quiet_end(stack: Stack) -> None:
    stack.write("Procfile", "web: sleep 600\n")
    done = into(stack, "> /dev/full")
    assert done.returncode == 1
    assert "No space left on device" in done.stderr


def test_without_a_stdout_it_runs_all_the_same(stack: Stack) -> None:
    stack.write("Procfile", "web: echo there > news\n")
    stack.write("devsup.toml", "on-exit = 'stop'\n")
    done = into(stack, ">&-")
    assert (done.returncode, done.stderr) == (0, "")
    assert (stack.root / "news").read_text() == "there\n"


def into(stack: Stack, redirection: str) -> subprocess.CompletedProcess[str]:
    """`devsup up` as a shell redirects it, to its end."""
    return subprocess.run(
        ["sh", "-c", f"exec {' '.join(DEVSUP)} up {redirection}"],
        cwd=stack.root,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
