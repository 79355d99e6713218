"""The run directory: private, found by everybody who means the same project, locked by one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from children import READY, Child, Nursery
from users import NOBODY

from devsup.commands.diary import Diary
from devsup.edges import processes, rundir
from devsup.edges.rundir import Holder, Role, RunDirectory
from devsup.pure.errors import DevsupError
from devsup.pure.record import Record, Session
from devsup.pure.sighting import Identity

STANDIN = Path(__file__).parent.parent / "standin.py"
RECORD = Record(
    run="12345678-00000000",
    root="/srv/app",
    boot="boot",
    supervisor=Identity(4, 2.5),
    sessions=(Session("web.1", Identity(5, 3.25)),),
    ports=(5000, 8000),
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    return root


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def directory(root: Path, base: Path) -> RunDirectory:
    directory = RunDirectory.of(root, base)
    directory.make()
    return directory


def start_supervisor(nursery: Nursery, root: Path, base: Path) -> Child:
    return nursery.cage(sys.executable, str(STANDIN), str(root), str(base), READY)


# ---- the project


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Procfile", "broken"),
        ("devsup.toml", ""),
        ("pyproject.toml", "[tool.devsup]\nprocfile = 'dev/Procfile'\n"),
    ],
)
def test_the_project_is_the_nearest_one_above(root: Path, name: str, text: str) -> None:
    here = root / "backend" / "app"
    here.mkdir(parents=True)
    root.with_name("Procfile").write_text("outer: true\n", encoding="utf-8")
    (here / "pyproject.toml").write_text("[project]\nname = 'app'\n", encoding="utf-8")
    (root / name).write_text(text, encoding="utf-8")
    assert rundir.project_folder(here) == root
    assert rundir.project_folder(root) == root


def test_where_no_project_is_above_there_is_none(root: Path) -> None:
    assert rundir.project_folder(root) == root


def test_what_is_in_a_directory_of_everybodys_is_no_project(root: Path) -> None:
    here = root / "project"
    here.mkdir()
    (root / "Procfile").write_text("web: true\n", encoding="utf-8")
    root.chmod(0o1777)
    assert rundir.project_folder(here) == here
    assert rundir.project_folder(root) == root


@pytest.mark.root
def test_nothing_is_looked_for_above_a_directory_of_another_user(root: Path) -> None:
    here = root / "theirs" / "ours"
    here.mkdir(parents=True)
    (root / "Procfile").write_text("web: true\n", encoding="utf-8")
    os.chown(here.parent, NOBODY, -1)
    assert rundir.project_folder(here) == here
    assert rundir.project_folder(here.parent) == here.parent


# ---- the place


def test_a_project_has_one_directory_whatever_path_leads_to_it(root: Path, base: Path) -> None:
    link = root.with_name("link")
    link.symlink_to(root)
    assert RunDirectory.of(link, base) == RunDirectory.of(root / "." / ".." / root.name, base)


def test_projects_of_one_name_have_different_directories(root: Path, base: Path) -> None:
    twin = root / "project"
    twin.mkdir()
    assert RunDirectory.of(twin, base).path != RunDirectory.of(root, base).path


def test_both_directories_are_closed_to_others_whatever_the_umask(root: Path, base: Path) -> None:
    directory = RunDirectory.of(root, base)
    before = os.umask(0)
    try:
        directory.make()
    finally:
        os.umask(before)
    assert directory.path.stat().st_mode & 0o777 == 0o700
    assert base.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["x" * 255, "Ünïcödé \n", "%s", "-"])
def test_the_socket_of_any_project_fits_into_an_address(tmp_path: Path, name: str) -> None:
    root = tmp_path / name
    root.mkdir()
    directory = RunDirectory.of(root, tmp_path / "runs")
    inside = directory.socket.relative_to(tmp_path / "runs")
    longest = Path("/tmp/devsup-4294967295") / inside
    assert str(longest).isascii()
    assert len(str(longest)) < 104


def test_the_constant_place_is_one_for_each_user() -> None:
    assert rundir.default_base() == Path(f"/tmp/devsup-{os.getuid()}")


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o750, 0o701])
@pytest.mark.parametrize("inner", [False, True])
def test_a_directory_that_others_can_enter_is_refused(
    directory: RunDirectory, root: Path, base: Path, mode: int, *, inner: bool
) -> None:
    open_one = directory.path if inner else base
    open_one.chmod(mode)
    with pytest.raises(DevsupError, match=f"mode {mode:o}") as refusal:
        RunDirectory.of(root, base)
    assert refusal.value.hint == f"close it: chmod 700 {open_one}"


@pytest.mark.parametrize("inner", [False, True])
def test_a_symlink_is_refused(
    directory: RunDirectory, root: Path, base: Path, *, inner: bool
) -> None:
    place = directory.path if inner else base
    place.rename(place.with_name("moved"))
    place.symlink_to(place.with_name("moved"))
    with pytest.raises(DevsupError, match="no directory"):
        RunDirectory.of(root, base)


def test_a_file_in_its_place_is_refused(root: Path, base: Path) -> None:
    base.touch()
    with pytest.raises(DevsupError, match="no directory"):
        RunDirectory.of(root, base)


@pytest.mark.root
@pytest.mark.parametrize("inner", [False, True])
def test_a_directory_that_another_user_made_first_is_refused(
    directory: RunDirectory, root: Path, base: Path, *, inner: bool
) -> None:
    os.chown(directory.path if inner else base, NOBODY, NOBODY)
    with pytest.raises(DevsupError, match=f"another user .uid {NOBODY}"):
        RunDirectory.of(root, base)


# ---- the lock


def test_one_process_holds_the_lock_and_says_who_it_is(
    nursery: Nursery, root: Path, base: Path, directory: RunDirectory
) -> None:
    supervisor = start_supervisor(nursery, root, base)
    identity = processes.identity(supervisor.pid)
    assert identity
    assert directory.lock() is None
    assert directory.holder() == Holder(identity, Role.UP)
    assert directory.locked()


def test_the_lock_of_a_killed_process_is_free_although_its_children_live(
    nursery: Nursery, root: Path, base: Path, directory: RunDirectory
) -> None:
    supervisor = start_supervisor(nursery, root, base)
    grip = processes.grip(supervisor.pid)
    assert grip
    os.kill(supervisor.pid, signal.SIGKILL)
    assert processes.wait([grip], 30)
    grip.close()
    assert supervisor.is_alive()  # the service, that is
    assert not directory.locked()
    with directory.lock(Role.KILL) or pytest.fail("locked"):
        assert directory.holder() == Holder(processes.own(), Role.KILL)


def test_a_released_lock_leaves_nothing_behind_and_can_be_taken_again(
    directory: RunDirectory,
) -> None:
    for _ in range(2):
        with directory.lock() or pytest.fail("locked"):
            directory.write(RECORD)
            directory.forget()
        assert not directory.path.exists()


def test_logs_are_kept_when_the_lock_is_released(directory: RunDirectory) -> None:
    with directory.lock() or pytest.fail("locked"):
        (directory.path / "web.1.log").touch()
    assert {path.name for path in directory.path.iterdir()} == {"root", "web.1.log"}


def released(directory: RunDirectory) -> RunDirectory:
    """After a run that left a log."""
    with directory.lock() or pytest.fail("locked"):
        directory.log.touch()
    return directory


def test_logs_of_a_project_that_is_gone_go_at_the_end_of_any_other_run(
    directory: RunDirectory, root: Path, base: Path
) -> None:
    other = root.with_name("other")
    other.mkdir()
    gone = released(RunDirectory.of(other, base))
    other.rmdir()
    released(directory)
    assert not gone.path.exists()
    assert directory.log.exists()


def test_what_is_locked_or_on_record_stays_although_its_project_is_gone(
    nursery: Nursery, directory: RunDirectory, root: Path, base: Path
) -> None:
    running, crashed = root.with_name("running"), root.with_name("crashed")
    for project in (running, crashed):
        project.mkdir()
    start_supervisor(nursery, running, base)
    RunDirectory.of(running, base).record.unlink()
    RunDirectory.of(crashed, base).write(RECORD)
    places = [RunDirectory.of(project, base) for project in (running, crashed)]
    for project in (running, crashed):
        project.rmdir()
    released(directory)
    assert [place.path.exists() for place in places] == [True, True]


def test_asking_for_a_directory_makes_none(root: Path, base: Path) -> None:
    assert not RunDirectory.of(root, base).locked()
    assert not base.exists()


def test_a_directory_that_was_removed_before_it_was_locked_does_not_count(
    directory: RunDirectory,
) -> None:
    late = os.open(directory.path, os.O_RDONLY)
    with directory.lock() or pytest.fail("locked"):
        pass
    directory.make()
    assert not directory._is(late)
    os.close(late)


def test_a_holder_whose_pid_was_recycled_holds_nothing(directory: RunDirectory) -> None:
    identity = {"pid": os.getpid(), "started": 1.0}
    directory.holder_file.write_text(json.dumps({"identity": identity, "role": "up"}))
    assert directory.holder() is None


def test_a_holder_in_another_container_is_nobody_here(directory: RunDirectory) -> None:
    with directory.lock(Role.KILL) or pytest.fail("locked"):
        data = json.loads(directory.holder_file.read_text())
        directory.holder_file.write_text(json.dumps(data | {"boot": "another"}))
        assert directory.holder() is None


def spoil(path: Path) -> Path:
    """Put in the place of a file what can neither be written nor unlinked."""
    path.unlink(missing_ok=True)
    path.mkdir()
    return path


def test_a_run_is_refused_plainly_where_its_files_cannot_be_written(
    directory: RunDirectory,
) -> None:
    spoil(directory.holder_file)
    with pytest.raises(DevsupError, match="cannot be written"):
        directory.lock()
    spoil(directory.record)
    with pytest.raises(DevsupError, match="cannot be written"):
        Diary(directory, "run", "root", tuple, lambda _: None)


def test_what_is_to_be_killed_is_killed_where_nothing_can_be_written(
    directory: RunDirectory,
) -> None:
    spoil(directory.holder_file)
    with directory.lock(Role.KILL) or pytest.fail("locked"):
        assert directory.lock(Role.KILL) is None


def test_files_that_cannot_be_removed_do_not_spoil_a_good_end(directory: RunDirectory) -> None:
    with directory.lock() or pytest.fail("locked"):
        for path in (directory.record, directory.socket, directory.holder_file):
            spoil(path)
        directory.forget()
    with directory.lock(Role.KILL) or pytest.fail("not let go"):
        pass


def test_a_directory_that_is_closed_to_ourselves_is_refused(
    directory: RunDirectory, root: Path, base: Path
) -> None:
    directory.path.chmod(0o600)
    with pytest.raises(DevsupError, match="closed to yourself"):
        RunDirectory.of(root, base)


def test_directories_that_come_and_go_meanwhile_are_no_failure(root: Path, base: Path) -> None:
    done = threading.Event()

    def come_and_go() -> None:
        while not done.is_set():
            with RunDirectory.of(root, base).lock() or pytest.fail("locked"):
                pass

    other = threading.Thread(target=come_and_go)
    other.start()
    for _ in range(2000):
        RunDirectory.of(root, base)
    done.set()
    other.join()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"identity": 1, "role": "up"}', "\xff"])
def test_a_damaged_holder_file_names_nobody(directory: RunDirectory, text: str) -> None:
    directory.holder_file.write_text(text, encoding="latin-1")
    assert directory.holder() is None


# ---- the record


def test_a_record_is_read_as_it_was_written(directory: RunDirectory) -> None:
    directory.write(RECORD)
    assert directory.read() == RECORD


def test_a_directory_that_somebody_removed_is_made_again_for_the_record(
    directory: RunDirectory,
) -> None:
    shutil.rmtree(directory.path.parent)
    directory.write(RECORD)
    assert directory.read() == RECORD


def test_without_a_record_there_is_none(directory: RunDirectory) -> None:
    assert directory.read() is None
    directory.forget()


def test_a_record_cut_off_anywhere_counts_as_none(directory: RunDirectory) -> None:
    directory.write(RECORD)
    whole = directory.record.read_bytes()
    for length in range(len(whole)):
        directory.record.write_bytes(whole[:length])
        assert directory.read() is None


def test_a_reader_never_sees_half_a_record(directory: RunDirectory) -> None:
    longer = replace(RECORD, ports=tuple(range(1, 5000)))
    directory.write(RECORD)
    done = threading.Event()

    def rewrite() -> None:
        while not done.is_set():
            directory.write(longer)
            directory.write(RECORD)

    writer = threading.Thread(target=rewrite)
    writer.start()
    read = [directory.read() for _ in range(300)]
    done.set()
    writer.join()
    assert set(read) <= {RECORD, longer}


def test_a_run_is_named_after_its_project_and_no_other_run(directory: RunDirectory) -> None:
    runs = {directory.new_run() for _ in range(100)}
    assert len(runs) == 100
    assert {run.partition("-")[0] for run in runs} == {directory.key}


def test_only_the_last_tracebacks_are_kept(directory: RunDirectory, base: Path) -> None:
    for number in range(15):
        crash = base / f"crash-{number:02}.txt"
        crash.touch()
        os.utime(crash, (number, number))
    released(directory)
    kept = sorted(path.name for path in base.glob("crash-*"))
    assert kept == [f"crash-{number:02}.txt" for number in range(5, 15)]


def test_each_traceback_is_kept_in_a_private_place(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rundir, "default_base", lambda: base)
    first, second = rundir.crash_file("one"), rundir.crash_file("two")
    assert (first.read_text(), second.read_text()) == ("one", "two")
    assert first.parent.stat().st_mode & 0o777 == 0o700
