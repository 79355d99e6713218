"""Procfile and configuration, edited while the stack runs: in the end the run is what they say,
and whoever is not concerned never noticed."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

import pytest
from other import other
from stack import PAUSE, SECONDS, hostile
from stage import is_readable

from devsup.edges.rundir import RunDirectory

if TYPE_CHECKING:
    from stack import Stack

LIVES = "exec sleep 600"
WEB = f"web: echo web on $PORT; {LIVES}\n"
WORKER = f"worker: echo worker on $PORT; {LIVES}\n"
BEAT = f"beat: {LIVES}\n"
LEAVES_SLOWLY = f"trap 'echo asked; read _ < gate; echo left; exit 0' TERM; echo there; {PAUSE}"
STEADY = r"^.*Procfile: .* verified.*$"


def status(stack: Stack) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(stack.run("status", "--json").stdout)
    return found


def names(stack: Stack) -> list[str]:
    return [each["name"] for each in status(stack)["services"]]


def edit(stack: Stack, text: str, name: str = "Procfile") -> str:
    """A file is replaced; the line that reports what came of it."""
    stack.replace(name, text)
    return stack.wait_for(rf"^.*{re.escape(name)}: .* verified.*$").group()


@pytest.fixture
def two(stack: Stack) -> Stack:
    """web and worker."""
    stack.write("Procfile", WEB + WORKER)
    stack.up().wait_for_generation(1)
    return stack


# ---- who is concerned


def test_a_line_that_is_added_is_started_and_nobody_else_notices(two: Stack) -> None:
    before = two.leaders
    line = edit(two, f"# the API\napi: echo api on $PORT; {LIVES}\n" + WEB + WORKER)
    assert "Procfile: +api: api.1 (settled) on generation 1" in line
    after = two.leaders
    assert after.pop("api.1")
    assert after == before
    assert names(two) == ["api.1", "web.1", "worker.1"]
    assert "api on 5200" in two.output
    assert two.output.count("web on") == 1


def test_a_line_that_changes_is_restarted_and_nobody_else_notices(two: Stack) -> None:
    before = two.leaders
    line = edit(two, f"web: echo another web on $PORT; {LIVES}\n" + WORKER)
    assert "Procfile: ~web: web.1 (settled) on generation 1" in line
    assert "another web on 5000" in two.output
    after = two.leaders
    assert after.pop("web.1") != before.pop("web.1")
    assert after == before


def test_a_line_that_is_removed_ends_in_its_own_time_and_is_gone_everywhere(stack: Stack) -> None:
    leave = stack.gate()
    stack.write("Procfile", WEB + f"long-worker: {LEAVES_SLOWLY}\n")
    stack.up("-t", "600").wait_for("there")
    stack.wait_for_generation(1)
    web = stack.leaders["web.1"]
    stack.replace("Procfile", WEB)
    stack.wait_for("Procfile: -long-worker: removing long-worker.1")
    stack.wait_for("asked")
    assert names(stack) == ["web.1", "long-worker.1"]
    assert stack.run("restart", "long-worker").returncode == 2
    leave()
    stack.wait_for("left")
    assert "-long-worker: done in" in stack.wait_for(STEADY).group()
    assert names(stack) == ["web.1"]
    assert stack.leaders == {"web.1": web}
    assert re.search(r"^\S+ devsup \| .*done in", stack.output, re.MULTILINE)  # the padding, too
    assert "no service" in stack.run("stop", "long-worker").stderr


def test_nothing_of_a_removed_service_survives_whatever_it_has_done(stack: Stack) -> None:
    kinds = {"daemon": ("--clear", "--stay"), "forks": (), "escapes": (), "stubborn": ()}
    lives = {kind: stack.fifo(kind) for kind in kinds}
    behind = " & exec sleep 600"
    lines = [
        f"{kind}: {hostile(kind, kind, *options)}{'' if kind in {'daemon', 'stubborn'} else behind}"
        for kind, options in kinds.items()
    ]
    stack.write("Procfile", "\n".join([WEB, *lines]))
    stack.up("-t", "0.3")
    for life in lives.values():
        life.listen()
    stack.wait_for_generation(1)
    before = stack.leaders["web.1"]
    edit(stack, WEB)
    for life in lives.values():
        life.wait_for_end()
    assert stack.leaders == {"web.1": before}
    assert len(stack.family.guardians) == 1


def test_a_service_with_another_name_starts_when_the_old_one_is_gone(stack: Stack) -> None:
    leave = stack.gate()
    stack.write("Procfile", f"web: {LEAVES_SLOWLY}\n")
    stack.up("-t", "600").wait_for("there")
    stack.wait_for_generation(1)
    stack.replace("Procfile", f"api: echo api on $PORT; {LIVES}\n")
    stack.wait_for("Procfile: .api -web: removing web.1, starting api.1")
    stack.wait_for("asked")
    assert "api on" not in stack.output
    leave()
    stack.wait_for("api on 5000")
    assert stack.output.index("left") < stack.output.index("api on")
    stack.wait_for(STEADY)


def test_a_service_that_is_back_before_it_is_gone_starts_only_then(stack: Stack) -> None:
    leave = stack.gate()
    both = WEB + f"worker: {LEAVES_SLOWLY}\n"
    stack.write("Procfile", both)
    stack.up("-t", "600").wait_for("there")
    stack.wait_for_generation(1)
    stack.replace("Procfile", WEB)
    stack.wait_for("asked")
    stack.replace("Procfile", both)
    stack.wait_for("Procfile: back to what it was: restarting worker.1")
    assert stack.output.count("there") == 1
    leave()
    stack.wait_for("left")
    stack.wait_for("there")
    stack.wait_for(STEADY)
    assert names(stack) == ["web.1", "worker.1"]
    leave()


# ---- the command line counts on


def test_who_was_not_asked_for_is_not_started_when_it_is_added(stack: Stack) -> None:
    stack.write("Procfile", WEB)
    stack.up("web", "-m", "web=2").wait_for_generation(1)
    stack.replace("Procfile", WEB.replace("web on", "new web on") + WORKER)
    stack.wait_for("new web on 5001")
    stack.wait_for(STEADY)
    assert names(stack) == ["web.1", "web.2"]


def test_a_formation_counts_for_a_type_that_is_added(stack: Stack) -> None:
    stack.write("Procfile", WEB)
    stack.up("-m", "all=2").wait_for_generation(1)
    stack.replace("Procfile", WEB + WORKER)
    stack.wait_for("worker on 5101")
    assert "worker.1 (settled) worker.2 (settled)" in stack.wait_for(STEADY).group()


def test_who_was_asked_for_by_name_cannot_be_removed(stack: Stack) -> None:
    stack.write("Procfile", WEB + WORKER)
    stack.up("web", "worker").wait_for_generation(1)
    before = stack.leaders
    stack.replace("Procfile", WEB)
    stack.wait_for('Procfile: no service "worker"')
    assert stack.leaders == before


# ---- what needs no restart


def test_a_stop_sequence_is_taken_over_without_a_restart(stack: Stack) -> None:
    stack.write("Procfile", f"web: trap '' TERM; echo there; {LIVES}\n")
    stack.write("devsup.toml", "[services.web]\nstop-timeout = 600.0\n")
    stack.up().wait_for_generation(1)
    before = stack.leaders
    stack.replace("devsup.toml", "[services.web]\nstop-timeout = 0.1\n")
    stack.wait_for("devsup.toml: ~web: nothing has to be restarted for that")
    assert stack.leaders == before
    assert stack.run("stop", "web").returncode == 0
    stack.wait_for("web.1: SIGKILL")


def test_another_sign_of_being_ready_reaches_a_service_that_waits_for_the_wrong_one(
    stack: Stack,
) -> None:
    stack.write("Procfile", f"web: echo there; {LIVES}\n")
    stack.write("devsup.toml", "[services.web]\nready = { log = 'never' }\n")
    stack.up().wait_for("there")
    stack.replace("devsup.toml", "[services.web]\nready = { log = 'there' }\n")
    assert "web.1 (log line)" in stack.wait_for_generation(1)


def test_what_is_said_about_other_things_is_no_edit(stack: Stack) -> None:
    """Each time a service is added afterwards: what came before would have been reported."""
    config = "[tool.devsup]\nstop-timeout = 3.0\n"
    stack.write("Procfile", WEB + BEAT)
    stack.write("pyproject.toml", config)
    stack.up().wait_for_generation(1)
    before = stack.leaders
    stack.replace("pyproject.toml", f"[project]\nname = 'app'\n# a comment\n{config}")
    edit(stack, f"# a comment\n\n{WEB}\r\n{BEAT}" + WORKER)
    stack.write("pyproject.toml", config + "[tool.ruff]\nline-length = 100\n")
    (stack.root / "Procfile").touch()
    edit(stack, BEAT + WEB)
    said = re.findall(r"devsup +\| (?!waiting)(.*)", stack.output)
    assert [line.partition(": ")[2][:7] for line in said[1:]] == 2 * ["+worker"] + 2 * ["-worker"]
    assert stack.leaders == before
    assert names(stack) == ["beat.1", "web.1"]


def test_what_a_run_looks_at_only_once_is_said_to_count_later(two: Stack) -> None:
    before = two.leaders
    two.write("devsup.toml", "log-size = 20\n")
    two.wait_for("`log-size` counts from the next devsup up")
    two.write("devsup.toml", "log-size = 20\nprocfile = 'Other'\n")
    two.wait_for("`procfile` counts from the next devsup up")
    assert two.leaders == before


def test_another_on_exit_counts_at_once(stack: Stack) -> None:
    fail = stack.gate()
    stack.write("Procfile", f"web: {LIVES}\nends: echo begins; read _ < gate; exit 1\n")
    stack.up().wait_for_generation(1)
    stack.write("devsup.toml", "on-exit = 'stop'\n")
    stack.wait_for("devsup.toml: ~on-exit: nothing has to be restarted")
    fail()
    assert stack.wait_for_exit() == 1


# ---- env files


def test_other_env_files_are_an_edit_like_any_other(stack: Stack) -> None:
    stack.write("Procfile", f"web: echo value=$VALUE; {LIVES}\n")
    stack.write(".env", "VALUE=one\n")
    stack.write("two.env", "VALUE=two\nMORE=1\n")
    stack.up().wait_for_generation(1)
    stack.write("devsup.toml", "env-files = ['two.env']\n")
    assert "devsup.toml: ~VALUE +MORE" in stack.wait_for_generation(2)
    stack.replace(".env", "VALUE=nobody reads this\n")
    stack.replace("two.env", "VALUE=three\nMORE=1\n")
    assert "two.env: ~VALUE" in stack.wait_for_generation(3)
    assert stack.family.values("VALUE") == {"three"}
    assert status(stack)["env_files"] == ["two.env"]


def test_procfile_and_settings_that_change_together_are_one_restart(stack: Stack) -> None:
    stack.write("Procfile", f"web: echo one with $VALUE; {LIVES}\n")
    stack.write(".env", "VALUE=1\n")
    stack.up().wait_for_generation(1)
    for name, text in (("Procfile", f"web: echo two with $VALUE; {LIVES}\n"), (".env", "VALUE=2")):
        stack.write(f"{name}.new", text)
    for name in ("Procfile", ".env"):
        (stack.root / f"{name}.new").replace(stack.root / name)
    assert "Procfile .env: ~web ~VALUE: web.1" in stack.wait_for_generation(2)
    assert re.findall(r"\w+ with \d", stack.output) == ["one with 1", "two with 2"]


def test_a_command_line_never_meets_the_settings_that_it_was_not_written_for(stack: Stack) -> None:
    stack.write("Procfile", f"web: echo one with $VALUE; {LIVES}\n")
    stack.write(".env", "VALUE=1\n")
    stack.up().wait_for_generation(1)
    stack.replace(".env", "VALUE=2\nbroken\n")
    stack.wait_for(r"\.env:2: ")
    stack.replace("Procfile", f"web: echo two with $VALUE; {LIVES}\n")
    stack.wait_for(r"\.env:2: ")  # it waits for that
    stack.replace(".env", "VALUE=2\n")
    assert "Procfile .env: ~web ~VALUE: web.1" in stack.wait_for_generation(2)
    assert re.findall(r"\w+ with \d", stack.output) == ["one with 1", "two with 2"]


# ---- nothing lost


@pytest.mark.parametrize(
    ("line", "said"),
    [(f"worker {LIVES}", "neither"), ('worker: echo "$PORT', "the shell does not understand")],
)
def test_a_broken_procfile_changes_nothing_and_is_said_once(
    two: Stack, line: str, said: str
) -> None:
    before = two.leaders
    two.replace("Procfile", f"{WEB}\n{line}\n")
    two.wait_for(f"Procfile:3: {said}")
    [problem] = status(two)["problems"]
    assert (problem["file"], problem["line"]) == ("Procfile", 3)
    two.replace("Procfile", WEB + WORKER)
    two.wait_for("the files are readable again")
    assert status(two)["problems"] == []
    assert two.leaders == before
    assert two.output.count("Procfile:3") == 1


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[services.web]\nstop-timeou = 3\n", r"devsup\.toml:2: .*stop-timeout"),
        ("[services.wbe]\n", r"devsup\.toml:1: .*not in the Procfile"),
        ("stop-timeout = \n", r"devsup\.toml:1: is not valid TOML"),
    ],
)
def test_a_broken_configuration_changes_nothing(two: Stack, text: str, where: str) -> None:
    before = two.leaders
    two.write("devsup.toml", text)
    two.wait_for(where)
    (two.root / "devsup.toml").unlink()
    two.wait_for("the files are readable again")
    assert two.leaders == before


def test_a_procfile_that_is_gone_or_empty_for_a_moment_stops_nothing(two: Stack) -> None:
    before = two.leaders
    procfile = two.root / "Procfile"
    with procfile.open("w") as file:
        os.fsync(file.fileno())
        file.write(WEB + WORKER)
    procfile.unlink()
    two.wait_for("Procfile was deleted")
    two.write("Procfile", "")
    two.wait_for("Procfile: declares nothing")
    edit(two, WEB + WORKER + BEAT)
    after = two.leaders
    assert after.pop("beat.1")
    assert after == before
    assert names(two) == ["web.1", "worker.1", "beat.1"]


# ---- held, crashed, unwatched


def test_a_held_service_stays_held_and_starts_on_its_new_line(two: Stack) -> None:
    assert two.run("stop", "web").returncode == 0
    two.replace("Procfile", WEB.replace("web on", "another web on") + WORKER)
    two.wait_for("Procfile: ~web: nothing has to be restarted for that")
    assert "another" not in two.output
    assert two.run("start", "web").returncode == 0
    two.wait_for("another web on 5000")


def test_a_crashed_service_starts_when_its_line_is_mended(stack: Stack) -> None:
    stack.write("Procfile", WEB + "worker: exec no-such-program\n")
    stack.up().wait_for("worker.1 crashed")
    assert "worker.1 (settled)" in edit(stack, WEB + WORKER)
    assert stack.output.count("web on") == 1


def test_unwatched_files_are_read_when_a_restart_is_asked_for(stack: Stack) -> None:
    stack.write("Procfile", WEB)
    stack.up("--no-watch").wait_for_generation(1)
    stack.replace("Procfile", WEB.replace("web on", "another web on") + WORKER)
    assert stack.run("restart", "worker").returncode == 0
    stack.wait_for("another web on")
    assert names(stack) == ["web.1", "worker.1"]
    stack.replace("Procfile", WEB)
    assert "no service" in stack.run("restart", "worker").stderr


def test_a_restart_ends_with_a_reason_when_its_service_is_removed_meanwhile(stack: Stack) -> None:
    leave = stack.gate()
    stack.write("Procfile", WEB + f"worker: {LEAVES_SLOWLY}\n")
    stack.up("-t", "600").wait_for("there")
    stack.wait_for_generation(1)
    with other(stack, "restart", "worker") as restart:
        stack.wait_for("asked")
        stack.replace("Procfile", WEB)
        stack.wait_for("removing worker.1")
        leave()
        code, said = restart.wait()
    assert (code, "removed from the Procfile meanwhile: worker.1" in said) == (1, True)


def test_at_the_end_an_edit_is_ignored(stack: Stack) -> None:
    leave = stack.gate()
    stack.write("Procfile", f"web: {LEAVES_SLOWLY}\n")
    stack.up("-t", "600").wait_for("there")
    stack.wait_for_generation(1)
    stack.signal(15)
    stack.wait_for("asked")
    stack.replace("Procfile", WORKER)
    stack.write(".env", "VALUE=1\n")
    leave()
    assert stack.wait_for_exit() == 143
    assert "worker" not in stack.output


# ---- what is written down


def test_the_ports_of_the_run_are_written_down_before_they_are_used(two: Stack) -> None:
    def ports() -> set[int]:
        record = RunDirectory.of(two.root).read()
        assert record
        return set(record.ports)

    assert ports() == {5000, 5100}
    edit(two, WEB + WORKER + BEAT)
    assert ports() == {5000, 5100, 5200}
    edit(two, WEB + BEAT)
    assert ports() == {5000, 5200}


def test_the_last_lines_of_a_removed_service_are_not_lost_while_nobody_reads(stack: Stack) -> None:
    """It is long forgotten when they get their turn."""
    stack.write("Procfile", WEB + "flood: echo begins; exec yes\n")
    stack.up().wait_for("begins")
    assert stack.run("start").returncode == 0  # returns when both are up
    life = os.pidfd_open(stack.leaders["flood.1"])
    stack.replace("Procfile", WEB)
    assert is_readable(life, SECONDS)
    os.close(life)
    assert stack.run("start", "web").returncode == 0
    assert names(stack) == ["web.1"]
    stack.wait_for(STEADY)
    assert stack.interrupt() == 130
