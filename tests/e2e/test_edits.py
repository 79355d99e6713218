"""Whatever way `.env` is edited: in the end every live process has the last value, and no older
process is alive. What changes no value restarts nothing."""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING

import pytest
from stack import PAUSE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stack import Stack

    Edit = Callable[[Path, str], object]

CROWD = "sleep 600 & setsid sleep 600 & echo value=$VALUE; sleep 600; echo never"
"""A leader, a child in its group, one in a session of its own, and one that it waits for."""
LEAVES_SLOWLY = f"trap 'echo asked; read _ < gate; exit 0' TERM; echo value=$VALUE; {PAUSE}"


def in_place(env: Path, text: str) -> None:
    env.write_text(text)


def by_rename(env: Path, text: str) -> None:
    new = env.with_name("new")
    new.write_text(text, newline="")
    new.replace(env)


def by_delete_and_create(env: Path, text: str) -> None:
    env.unlink()
    env.write_text(text)


def by_append(env: Path, text: str) -> None:
    with env.open("a") as file:
        file.write(text)


def in_pieces(env: Path, text: str) -> None:
    """As an editor does whose buffer is small."""
    with env.open("w", buffering=1) as file:
        for letter in text:
            file.write(letter)
            file.flush()


def by_symlink_swap(env: Path, text: str) -> None:
    target = env.with_name(f"target-{time.monotonic_ns()}")
    target.write_text(text)
    link = env.with_name("link")
    link.symlink_to(target.name)
    link.replace(env)


def by_a_new_directory(env: Path, text: str) -> None:
    """As a mounted volume of Kubernetes does: the file is a link through a link."""
    data = env.with_name(f"data-{time.monotonic_ns()}")
    data.mkdir()
    (data / "env").write_text(text)
    link = env.with_name("link")
    link.symlink_to(data.name)
    link.replace(env.with_name("data"))


@pytest.mark.parametrize(
    "edit",
    [in_place, by_rename, by_delete_and_create, by_append, in_pieces, by_symlink_swap],
)
def test_an_edit_reaches_every_process(stack: Stack, edit: Edit) -> None:
    stack.write("Procfile", f"web: {CROWD}\nworker: {CROWD}\n")
    env = stack.write(".env", "VALUE=one\n")
    stack.up().wait_for_generation(1)
    check_round(stack, lambda: edit(env, "VALUE=two\n"), "two")
    check_round(stack, lambda: edit(env, "VALUE=three\n"), "three")


@pytest.mark.parametrize("edit", [in_place, by_rename, by_delete_and_create])
def test_an_edit_behind_a_symlink_reaches_every_process(stack: Stack, edit: Edit) -> None:
    stack.write("Procfile", f"web: {CROWD}\n")
    target = stack.write("elsewhere/settings", "VALUE=one\n")
    (stack.root / "link").symlink_to("elsewhere/settings")
    (stack.root / ".env").symlink_to("link")
    stack.up().wait_for_generation(1)
    check_round(stack, lambda: edit(target, "VALUE=two\n"), "two")
    check_round(stack, lambda: edit(target, "VALUE=three\n"), "three")


def test_a_directory_in_the_place_of_another_reaches_every_process(stack: Stack) -> None:
    stack.write("Procfile", f"web: {CROWD}\n")
    env = stack.root / ".env"
    env.symlink_to("data/env")
    by_a_new_directory(env, "VALUE=one\n")
    stack.up().wait_for_generation(1)
    check_round(stack, lambda: by_a_new_directory(env, "VALUE=two\n"), "two")
    check_round(stack, lambda: by_a_new_directory(env, "VALUE=three\n"), "three")


def check_round(stack: Stack, edit: Callable[[], object], value: str) -> None:
    """An edit leads to this value in every process, and to nothing older alive."""
    before = stack.family.members()
    edit()
    stack.wait_for(f"value={value}")
    stack.wait_for("on generation .* verified")
    check_all_on(stack, value, last_generation(stack))
    now = stack.family.members()
    assert len(now) == len(before)
    assert not now.keys() & before.keys()


def check_next_generation_is(stack: Stack, generation: int) -> None:
    """An edit, by one atomic step, leads to this generation: there was none in between."""
    check_round(stack, lambda: stack.replace(".env", "VALUE=next\n"), "next")
    assert last_generation(stack) == generation


def check_all_on(stack: Stack, value: str, generation: int) -> None:
    family = stack.family
    assert family.values("VALUE") == {value}
    assert family.values("DEVSUP_GENERATION") == {str(generation)}


def last_generation(stack: Stack) -> int:
    """The one that was reported last; they are fewer than edits where some came together."""
    return int(re.findall(r"on generation (\d+)\b.* verified", stack.output)[-1])


# ---- many edits


def test_a_burst_of_edits_ends_on_the_last_value(stack: Stack) -> None:
    stack.write("Procfile", f"web: {CROWD}\nworker: {CROWD}\n")
    stack.write(".env", "VALUE=0\n")
    stack.up().wait_for_generation(1)
    for number in range(1, 31):
        stack.replace(".env", f"VALUE={number}\n")
        time.sleep(0.01)  # the pace is what is tested
    stack.wait_for("value=30")
    stack.wait_for("on generation .* verified")
    check_all_on(stack, "30", last_generation(stack))


def test_of_the_edits_while_one_leaves_slowly_only_the_last_is_started(stack: Stack) -> None:
    stack.write("Procfile", f"web: {LEAVES_SLOWLY}\n")
    stack.write(".env", "VALUE=one\n")
    leave = stack.gate()
    stack.up("-t", "600").wait_for_generation(1)
    stack.write(".env", "VALUE=two\n")
    stack.wait_for("asked")
    for generation, value in enumerate(("three", "four", "five"), 3):
        stack.write(".env", f"VALUE={value}\n")
        stack.wait_for(f"restarting web.1 on generation {generation}")
    leave()
    stack.wait_for_generation(5)
    check_all_on(stack, "five", 5)
    assert re.findall("value=.*", stack.output) == ["value=one", "value=five"]
    leave()


def test_an_edit_that_is_taken_back_while_draining_starts_what_was_stopped(stack: Stack) -> None:
    stack.write("Procfile", f"web: {LEAVES_SLOWLY}\n")
    stack.write(".env", "VALUE=one\n")
    leave = stack.gate()
    stack.up("-t", "600").wait_for_generation(1)
    stack.write(".env", "VALUE=two\n")
    stack.wait_for("asked")
    stack.write(".env", "VALUE=one\n")
    stack.wait_for("restarting web.1 on generation 3")
    leave()
    stack.wait_for_generation(3)
    check_all_on(stack, "one", 3)
    leave()


def test_an_edit_while_starting_starts_anew(stack: Stack) -> None:
    stack.write(
        "Procfile", "web: echo value=$VALUE; read _ < gate; echo is ready; exec sleep 600\n"
    )
    stack.write("devsup.toml", "[services.web]\nready = { log = 'is ready' }\n")
    stack.write(".env", "VALUE=one\n")
    become_ready = stack.gate()
    stack.up().wait_for("value=one")
    stack.write(".env", "VALUE=two\n")
    stack.wait_for("value=two")
    become_ready()
    stack.wait_for_generation(2)
    check_all_on(stack, "two", 2)
    assert stack.output.count("verified") == 1


# ---- no edit


def test_what_changes_no_value_restarts_nothing(stack: Stack) -> None:
    """Each time the file is broken before: that it is readable again shows that it was read."""
    stack.write("Procfile", f"web: {CROWD}\n")
    env = stack.write(".env", "VALUE=one\nOTHER='x y'\n")
    stack.up().wait_for_generation(1)
    before = stack.family.members()
    for same in (
        "VALUE=one\nOTHER='x y'\n",
        "# a comment\nVALUE=one # and one more\n\nOTHER='x y'\n",
        'OTHER="x y"\nexport VALUE = one',
        "VALUE=two\nVALUE=one\nOTHER=${NOBODY_SETS_THIS:-x} y",
        "\ufeffVALUE=one\r\nOTHER='x y'\r\n",
    ):
        by_rename(env, "broken\n")
        stack.wait_for(r"\.env:1: ")
        by_rename(env, same)
        stack.wait_for("readable again and the same as those of generation 1")
    assert stack.family.members() == before
    check_next_generation_is(stack, 2)


def test_a_touch_restarts_nothing(stack: Stack) -> None:
    """The clock is devsup's own: before it starts another service again, an edit would be seen."""
    stack.write("Procfile", f"web: {CROWD}\nclock: echo tick; read _ < gate; exit 1\n")
    env = stack.write(".env", "VALUE=one\n")
    tick = stack.gate()
    stack.up("--on-exit", "restart").wait_for_generation(1)
    env.touch()
    env.chmod(0o600)
    by_rename(env, "VALUE=one\n")
    tick()
    stack.wait_for("started again in 0.5 s")
    stack.wait_for("tick")
    check_all_on(stack, "one", 1)
    check_next_generation_is(stack, 2)


# ---- a broken file


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (b"VALUE=two\nBROKEN\n", r"\.env:2: "),
        (b"VALUE=two\n\nX='open\n", r"\.env:3: "),
        (b"VALUE=two\nX=\0\n", r"\.env:2: .*NUL"),
        (b"VALUE=two\nX=\xff\n", r"\.env:2: .*UTF-8"),
        (b"VALUE=two\nX=" + b"x" * (1 << 17), r"\.env:2: .*128 KiB"),
        (b"VALUE=two\n" + b"#" * (1 << 20), r"\.env: .*1 MiB"),
    ],
)
def test_a_broken_file_leaves_everything_running(stack: Stack, text: bytes, where: str) -> None:
    stack.write("Procfile", f"web: {CROWD}\n")
    env = stack.write(".env", "VALUE=one\n")
    stack.up().wait_for_generation(1)
    before = stack.family.members()
    new = env.with_name("new")
    new.write_bytes(text)
    new.replace(env)
    stack.wait_for(rf"devsup \| {where}")
    stack.wait_for("kept running on generation 1")
    assert stack.family.members() == before
    check_next_generation_is(stack, 2)


@pytest.mark.parametrize("kind", ["directory", "fifo", "device", "dangling link", "loop"])
def test_what_is_no_file_leaves_everything_running(stack: Stack, kind: str) -> None:
    stack.write("Procfile", f"web: {CROWD}\n")
    env = stack.write(".env", "VALUE=one\n")
    stack.up().wait_for_generation(1)
    before = stack.family.members()
    put: dict[str, Callable[[], object]] = {
        "directory": env.mkdir,
        "fifo": lambda: os.mkfifo(env),
        "device": lambda: env.symlink_to("/dev/zero"),
        "dangling link": lambda: env.symlink_to("nowhere"),
        "loop": lambda: env.symlink_to(".env"),
    }
    env.unlink()
    put[kind]()
    stack.wait_for(r"devsup \| \.env: ")
    assert stack.family.members() == before
    env.rmdir() if kind == "directory" else env.unlink()
    check_next_generation_is(stack, 2)


def test_a_file_stays_broken_until_itself_is_mended(stack: Stack) -> None:
    stack.write("Procfile", f"web: {CROWD}\n")
    stack.write(".env", "VALUE=one\n")
    stack.write("other.env", "OTHER=x\n")
    stack.up("-e", ".env", "-e", "other.env").wait_for_generation(1)
    stack.replace(".env", "VALUE=two\nbroken\n")
    stack.wait_for(r"\.env:2: ")
    stack.replace("other.env", "OTHER=y\nbroken\nbroken\n")
    stack.wait_for(r"other\.env:3: ")
    stack.replace("other.env", "OTHER=y\n")
    stack.wait_for(r"\.env:2: ")
    assert stack.family.values("VALUE") == {"one"}
    stack.replace(".env", "VALUE=two\n")
    assert "~VALUE ~OTHER" in stack.wait_for_generation(2)
    check_all_on(stack, "two", 2)
