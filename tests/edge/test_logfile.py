"""The log of a run: bounded, whole, and never the reason for a run to end."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsup.edges import logfile
from devsup.edges.logfile import LogFile

if TYPE_CHECKING:
    from collections.abc import Iterator

EVERYBODY: frozenset[str] = frozenset()


class Log:
    """A log file in the test's hands, and its failures."""

    def __init__(self, path: Path, limit: int = 1000) -> None:
        self.path = path
        self.failures: list[OSError] = []
        self.file = LogFile(path, limit, self.failures.append)

    def write(self, *lines: str) -> None:
        for line in lines:
            self.file.write(f"12:00:00 {line}\n".encode())

    def tail(self, count: int, *names: str) -> list[str]:
        text = logfile.tail(self.path, frozenset(names), count).decode()
        return [line.removeprefix("12:00:00 ") for line in text.split("\n")[:-1]]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = Log(tmp_path / "log")
    yield log
    log.file.close()


def test_the_latest_lines_come_back_in_their_order(log: Log) -> None:
    log.write("web.1 | one", "worker.1 | two", "web.1 | three")
    assert log.tail(2) == ["worker.1 | two", "web.1 | three"]
    assert log.tail(9) == ["web.1 | one", "worker.1 | two", "web.1 | three"]
    assert log.tail(0) == []


@pytest.mark.parametrize("name", ["web.1", "web"])
def test_a_service_is_found_by_its_name_and_by_its_type(log: Log, name: str) -> None:
    log.write("web.1 | web.2 | one", "web.10 | no", "worker.1 | two", "devsup | web.1 is up")
    others = {"web.1": [], "web": ["web.10 | no"]}[name]
    assert log.tail(9, name) == ["web.1 | web.2 | one", *others]


def test_what_devsup_says_of_a_service_is_found_under_its_name_as_it_was_said(log: Log) -> None:
    log.write("web.1 | one")
    log.file.write(b"12:00:00 devsup | two | 2\n12:00:00 devsup | three\n", "web.1")
    log.write("devsup | four")
    about = ["devsup | two | 2", "devsup | three"]
    assert log.tail(9, "web.1") == log.tail(9, "web") == ["web.1 | one", *about]
    assert log.tail(9) == ["web.1 | one", *about, "devsup | four"]
    assert log.tail(9, "worker.1") == []


def test_a_service_may_have_a_number_for_a_name(log: Log) -> None:
    log.file.write(b"12:00:00 devsup | one\n", "1.1")
    assert log.tail(9, "1.1") == log.tail(9) == ["devsup | one"]


def test_a_carriage_return_is_part_of_its_line(log: Log) -> None:
    log.write("web.1 | 10%\r20%\r30%", "web.1 | done")
    assert log.tail(2, "web.1") == ["web.1 | 10%\r20%\r30%", "web.1 | done"]


def test_a_full_log_is_kept_and_the_next_one_begun(log: Log) -> None:
    lines = [f"web.1 | {number:04}" for number in range(100)]
    for line in lines:
        log.write(line)
        sizes = [path.stat().st_size for path in log.path.parent.iterdir()]
        assert len(sizes) <= 2
        assert max(sizes) <= 1000
    kept = log.tail(1000)
    assert kept == lines[-len(kept) :]
    assert len(kept) > 1000 // len("12:00:00 web.1 | 0000\n")


def test_one_run_of_lines_above_the_limit_is_written_whole(log: Log) -> None:
    run = b"12:00:00 web.1 | x\n" * 500
    log.file.write(run)
    log.file.write(run)
    assert log.path.read_bytes() == run
    assert logfile.older(log.path).read_bytes() == run


def test_a_new_run_begins_a_new_log(log: Log) -> None:
    log.write(*(f"web.1 | old {number}" for number in range(100)))
    Log(log.path).file.close()
    assert log.tail(1000) == []


def test_the_log_is_for_nobody_else(log: Log) -> None:
    assert log.path.stat().st_mode & 0o077 == 0


lines = st.lists(st.binary(max_size=40).map(lambda data: data.replace(b"\n", b"")), max_size=30)


@given(lines=lines, block=st.integers(1, 50), torn=st.binary(max_size=5))
def test_backwards_is_the_other_way_round_wherever_a_block_ends(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], block: int, torn: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / f"backwards-{os.getpid()}"
    end = torn.replace(b"\n", b"")
    path.write_bytes(b"".join(line + b"\n" for line in lines) + end)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logfile, "BLOCK", block)
        found = [*logfile.backwards(path)]
    assert found[::-1] == lines + ([end] if end else [])


def test_a_large_log_is_not_read_as_a_whole(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log.path.write_bytes(b"12:00:00 web.1 | x\n" * 10)
    os.truncate(log.path, 1 << 40)  # a terabyte of nothing before the end
    with log.path.open("ab") as file:
        file.write(b"\n12:00:00 web.1 | the end\n")
    monkeypatch.setattr(logfile, "BLOCK", 4096)
    assert log.tail(1, "web.1") == ["web.1 | the end"]


# ---- what goes wrong


def test_a_full_disk_ends_the_log_and_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.symlink_to("/dev/full")
    log = Log(path)
    log.write("web.1 | one", "web.1 | two")
    log.file.close()
    assert [error.strerror for error in log.failures] == ["No space left on device"]


def test_a_disk_that_fills_up_in_the_middle_keeps_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "log"
    script = """
import sys
from pathlib import Path
from devsup.edges.logfile import LogFile
log = LogFile(Path(sys.argv[1]), 1 << 20, lambda error: print(error.strerror))
for number in range(100):
    log.write(b"12:00:00 web.1 | %04d\\n" % number)
log.close()
"""
    ended = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == "File too large\n"
    assert path.stat().st_size == 1000
    assert logfile.tail(path, EVERYBODY, 100).startswith(b"12:00:00 web.1 | 0000\n")


def test_a_folder_that_is_gone_ends_the_log_at_its_next_turn(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    log = Log(folder / "log", limit=50)
    log.write("web.1 | one")
    (folder / "log").unlink()
    folder.rmdir()
    log.write("web.1 | two", "web.1 | three", "web.1 | four")
    log.file.close()
    log.file.close()
    assert len(log.failures) == 1


def test_a_log_that_cannot_be_begun_is_told(tmp_path: Path) -> None:
    log = Log(tmp_path / "nowhere" / "log")
    log.write("web.1 | one")
    log.file.close()
    assert len(log.failures) == 1


def test_a_descriptor_is_closed_once(tmp_path: Path) -> None:
    """The number may be somebody else's by then."""
    log = Log(tmp_path / "log")
    log.file.close()
    with Path(os.devnull).open("rb") as other:
        log.file.close()
        log.write("web.1 | one")
        os.fstat(other.fileno())
    assert log.failures == []


def test_without_a_log_there_is_no_last_run(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        logfile.tail(tmp_path / "log", EVERYBODY, 10)
