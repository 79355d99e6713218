"""A watched file changes: who watches it, and nobody else, runs on it soon, as one restart."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import kin
import pytest
from backend import backend, get, programs_on_path
from stack import HERE, PAUSE, SECONDS

if TYPE_CHECKING:
    from pathlib import Path

    from stack import Stack

SAYS = "read version < app/version; echo version=$version; "
WATCH = '[services.worker]\nwatch = ["app/**"]\n'
RESTARTED = r"^.*: worker\.1 .* on generation 1 in .* verified$"

NEVER_ENDING = """
import itertools, pathlib, time
for number in itertools.count():
    pathlib.Path(f"app/noise{number % 10}").write_text("x")
    time.sleep(0.01)
"""


def start(stack: Stack, worker: str = f"{SAYS}{PAUSE}", *options: str) -> None:
    """A worker that watches what it reads when it starts, and a web service that does not."""
    stack.write("Procfile", f"web: echo web; {PAUSE}\nworker: {worker}\n")
    stack.write("devsup.toml", WATCH)
    save(stack, "one")
    stack.up(*options).wait_for_generation(1)


def save(stack: Stack, version: str) -> None:
    stack.replace("app/version", f"{version}\n")


def runs_on(stack: Stack, version: str) -> str:
    """The report of the restart that brought this version."""
    stack.wait_for(f"version={version}$")
    return stack.wait_for(RESTARTED).group()


def restarts(stack: Stack) -> int:
    return stack.output.count("restarting ")


def test_a_saved_file_restarts_who_watches_it_and_leaves_the_others_alone(stack: Stack) -> None:
    crowd = "sleep 600 & setsid sleep 600 & "
    start(stack, f"{crowd}{SAYS}{PAUSE}")
    web, worker = stack.leaders["web.1"], stack.leaders["worker.1"]
    with kin.held({worker, *kin.descendants(worker)}) as former:
        assert len(former) == 3
        save(stack, "two")
        assert "app/version" in runs_on(stack, "two")
        assert kin.are_dead(former)
    assert stack.leaders["web.1"] == web
    assert restarts(stack) == 1


def test_a_touch_is_a_change_and_a_chmod_is_none(stack: Stack) -> None:
    start(stack)
    (stack.root / "app/version").chmod(0o600)
    (stack.root / "app/version").touch()
    runs_on(stack, "one")
    assert restarts(stack) == 1


def test_a_change_while_the_service_is_draining_is_in_the_start_that_follows(stack: Stack) -> None:
    leave = stack.gate()
    start(stack, f"trap 'echo asked; read _ < gate; exit 0' TERM; {SAYS}{PAUSE}")
    save(stack, "two")
    stack.wait_for("asked$")
    save(stack, "three")
    leave()
    runs_on(stack, "three")
    assert "version=two" not in stack.output


def test_a_change_between_start_and_import_restarts_again(stack: Stack) -> None:
    imports = stack.gate()
    imports()
    start(stack, f"{SAYS}echo read; read _ < gate; echo up; {PAUSE}")
    save(stack, "two")
    stack.wait_for("version=two$")
    save(stack, "three")
    stack.wait_for("version=three$")
    imports()
    stack.wait_for(RESTARTED)


def test_500_files_of_a_branch_switch_are_one_restart(stack: Stack) -> None:
    if shutil.which("git") is None:
        pytest.skip("there is no git here")
    start(stack)
    stack.write(".gitignore", "pause\n*.fifo\n")
    git(stack.root, "init", "-q", "-b", "main")
    commit(stack, "one")
    git(stack.root, "switch", "-q", "-c", "other")
    for at in range(500):
        stack.write(f"app/m{at % 25}/f{at}.py", "x = 1\n")
    commit(stack, "two")
    runs_on(stack, "two")
    before = restarts(stack)
    for branch, version in (("main", "one"), ("other", "two")):
        git(stack.root, "switch", "-q", branch)
        report = runs_on(stack, version)
        more = re.search(r"\+(\d+): worker", report)
        assert more
        assert int(more[1]) >= 500
    assert restarts(stack) == before + 2


def commit(stack: Stack, version: str) -> None:
    (stack.root / "app/version").write_text(f"{version}\n")
    git(stack.root, "add", ".")
    git(stack.root, "commit", "-q", "-m", version)


def git(root: Path, *arguments: str) -> None:
    known = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    subprocess.run(["git", *known, *arguments], cwd=root, check=True)


def test_a_tree_that_never_stops_changing_is_restarted_all_the_same(stack: Stack) -> None:
    start(stack)
    command = [sys.executable, "-c", NEVER_ENDING]
    with subprocess.Popen(command, cwd=stack.root) as changing:
        stack.wait_for(r"app/noise\d \+\d: restarting worker.1")
        stack.wait_for("version=one$")
        changing.kill()
    save(stack, "two")
    stack.wait_for("version=two$")


def test_a_broken_program_waits_for_its_repair(stack: Stack) -> None:
    start(stack, f"{SAYS}[ $version = broken ] && exit 1; {PAUSE}")
    save(stack, "broken")
    stack.wait_for("worker.1 is down until the next edit")
    stack.wait_for("worker.1 crashed")
    save(stack, "mended")
    runs_on(stack, "mended")


def test_a_service_that_was_stopped_stays_down_and_starts_on_the_newest(stack: Stack) -> None:
    start(stack)
    assert stack.run("stop", "worker").returncode == 0
    save(stack, "two")
    stack.write(".env", "A=1\n")
    stack.wait_for_generation(2)
    assert "version=two" not in stack.output
    assert stack.run("start", "worker").returncode == 0
    stack.wait_for("version=two$")


def test_an_edit_of_the_settings_and_of_a_file_are_one_restart(stack: Stack) -> None:
    leave = stack.gate()
    start(stack, f"trap 'read _ < gate; exit 0' TERM; {SAYS}{PAUSE}")
    stack.write(".env", "A=1\n")
    stack.wait_for("restarting web.1 worker.1 on generation 2")
    save(stack, "two")
    # It has seen the change by the time that it answers. Seen after the start, it would be another.
    assert stack.run("status").returncode == 0
    leave()
    stack.wait_for("version=two$")
    stack.wait_for_generation(2)
    assert stack.output.count("version=") == 2


def test_without_watching_nothing_is_restarted(stack: Stack) -> None:
    start(stack, f"{SAYS}{PAUSE}", "--no-watch")
    save(stack, "two")
    assert stack.run("restart", "web").returncode == 0
    assert "version=two" not in stack.output


def test_what_is_watched_can_be_said_while_it_runs(stack: Stack) -> None:
    start(stack)
    stack.replace("devsup.toml", "[services.worker]\n")
    stack.wait_for("nothing has to be restarted")
    save(stack, "unwatched")
    stack.replace("devsup.toml", WATCH)
    stack.wait_for("nothing has to be restarted")
    save(stack, "two")
    runs_on(stack, "two")
    assert "version=unwatched" not in stack.output


def test_a_service_that_is_added_watches_its_files_at_once(stack: Stack) -> None:
    stack.write("Procfile", f"web: echo web; {PAUSE}\n")
    save(stack, "one")
    stack.up().wait_for_generation(1)
    stack.replace("devsup.toml", WATCH)
    stack.replace("Procfile", f"web: echo web; {PAUSE}\nworker: {SAYS}{PAUSE}\n")
    stack.wait_for("version=one$")
    save(stack, "two")
    runs_on(stack, "two")


def test_changes_while_quitting_start_nothing(stack: Stack) -> None:
    leave = stack.gate()
    start(stack, f"trap 'echo asked; read _ < gate; exit 0' TERM; {SAYS}{PAUSE}")
    stack.signal(2)
    stack.wait_for("asked$")
    save(stack, "two")
    leave()
    assert stack.wait_for_exit() == 130
    assert "version=two" not in stack.output


def test_who_writes_what_it_watches_is_restarted_ever_more_seldom_and_told_why(
    stack: Stack,
) -> None:
    start(stack, f"echo $$ > app/started; {SAYS}{PAUSE}")
    stack.seen = 0  # it may be told before it is steady for the first time
    stack.wait_for("app/started changed again .* the next restart waits 1 s")
    stack.wait_for("app/started changed again .* the next restart waits 2 s")
    save(stack, "two")
    stack.wait_for("version=two$")


# ---- real programs


def test_the_example_worker_picks_up_an_edited_task_once_the_running_one_is_done(
    stack: Stack,
) -> None:
    with backend(stack) as example:
        example.up()
        running = example.call("sleep", 3)
        stack.wait_for("sleep.*received")
        tasks = stack.root / "examples/backend/app/tasks.py"
        text = tasks.read_text()
        tasks.write_text(text.replace("return asdict(pool_report())", 'return {"edited": True}'))
        report = example.reported()
        assert "app/tasks.py: web.1 " in report
        assert "worker.1 is still running" not in stack.output
        assert running.get(SECONDS)["generation"] == 1
        assert example.call("report_pool").get(SECONDS) == {"edited": True}


def serve(stack: Stack, port: int, options: str) -> None:
    shutil.copy(HERE / "served.py", stack.root)
    stack.write("Procfile", f"web: uvicorn served:app --port $PORT {options}\n")
    stack.write("devsup.toml", '[services.web]\nwatch = ["*.py"]\n')
    stack.up("--port", str(port), env=programs_on_path()).wait_for_generation(1)


@pytest.mark.parametrize("options", ["", "--reload"])
def test_uvicorn_serves_the_edited_application(stack: Stack, port: int, options: str) -> None:
    serve(stack, port, options)
    assert ("reloaded twice" in stack.output) is bool(options)
    served = stack.root / "served.py"
    served.write_text(served.read_text().replace('"pid": os', '"edited": 1, "pid": os'))
    stack.wait_for(r"served\.py: web\.1 \(port \d+\) on generation 1")
    assert get(port, "/")["edited"] == 1


def test_uvicorn_recovers_from_a_syntax_error(stack: Stack, port: int) -> None:
    serve(stack, port, "")
    served = stack.root / "served.py"
    text = served.read_text()
    served.write_text(f"{text}\nthis is no Python\n")
    stack.wait_for("SyntaxError")
    stack.wait_for("web.1 crashed")
    served.write_text(text)
    stack.wait_for(r"served\.py: web\.1 \(port \d+\) on generation 1")
    assert get(port, "/")["generation"] == "1"


def test_check_warns_of_a_reload_that_happens_twice(stack: Stack) -> None:
    stack.write("Procfile", "web: uvicorn served:app --reload\n")
    stack.write("devsup.toml", '[services.web]\nwatch = ["*.py"]\n')
    assert "web is reloaded twice" in stack.run("check", env=programs_on_path()).stdout
