"""Whatever stands in the place of a settings file: bytes, `MISSING` or a problem, and at once."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from devsup.edges.files import LIMIT, MISSING, read
from devsup.pure.errors import Problem


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Nobody may use `path`, root included: permissions bind it while it acts as another user."""
    mode, user = path.stat().st_mode, os.geteuid()
    path.chmod(0)
    os.seteuid(65534 if user == 0 else user)
    try:
        yield
    finally:
        os.seteuid(user)
        path.chmod(mode)


def refusal(path: Path) -> str:
    problem = read(path, ".env")
    assert isinstance(problem, Problem)
    assert (problem.file, problem.line) == (".env", None)
    return problem.message


@pytest.mark.parametrize("content", [b"", b"A=1\n", b"\xff\x00\r\n"])
def test_a_regular_file_is_its_bytes(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".env").write_bytes(content)
    assert read(tmp_path / ".env") == content


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"A=1\n")
    (tmp_path / ".env").symlink_to("real")
    assert read(tmp_path / ".env") == b"A=1\n"


@pytest.mark.parametrize("size", [LIMIT, LIMIT + 1, LIMIT + 2])
def test_a_large_file_is_read_to_one_byte_above_the_limit(tmp_path: Path, size: int) -> None:
    (tmp_path / ".env").write_bytes(b"a" * size)
    content = read(tmp_path / ".env")
    assert isinstance(content, bytes)
    assert len(content) == min(size, LIMIT + 1)


def test_an_endless_file_of_the_kernel_is_cut_or_refused() -> None:
    assert isinstance(read(Path("/proc/self/mem")), Problem)


@pytest.mark.parametrize("name", [".env", "folder/.env"])
def test_a_missing_file_or_folder_is_missing(tmp_path: Path, name: str) -> None:
    assert read(tmp_path / name) is MISSING


def test_a_broken_link_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / ".env").symlink_to("nowhere")
    assert "link" in refusal(tmp_path / ".env")


def test_a_loop_of_links_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert "cannot be read" in refusal(tmp_path / "a")


def test_a_directory_is_a_problem(tmp_path: Path) -> None:
    assert "a directory" in refusal(tmp_path)


def test_a_fifo_without_a_writer_is_a_problem_and_no_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".env")
    assert "a FIFO" in refusal(tmp_path / ".env")


def test_a_socket_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(".env")
        assert "a socket" in refusal(tmp_path / ".env")


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/tty"])
def test_a_device_is_a_problem(tmp_path: Path, device: str) -> None:
    (tmp_path / ".env").symlink_to(device)
    assert "a device" in refusal(tmp_path / ".env")


def test_a_file_in_the_place_of_a_folder_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "folder").write_bytes(b"")
    assert "cannot be read" in refusal(tmp_path / "folder" / ".env")


@pytest.mark.parametrize("place", [".env", "."])
def test_a_file_without_permission_is_a_problem(tmp_path: Path, place: str) -> None:
    (tmp_path / ".env").write_bytes(b"A=1\n")
    with locked(tmp_path / place):
        assert "cannot be read" in refusal(tmp_path / ".env")


@pytest.mark.parametrize("name", ["a\0b", "a" * 300, "\ud800"])
def test_an_impossible_path_is_a_problem(tmp_path: Path, name: str) -> None:
    assert "cannot be read" in refusal(tmp_path / name)


def test_a_problem_names_the_path_when_no_name_was_given(tmp_path: Path) -> None:
    problem = read(tmp_path)
    assert isinstance(problem, Problem)
    assert problem.file == str(tmp_path)
