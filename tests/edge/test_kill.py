"""`devsup kill` against real processes that do not want to go, and ones that must stay."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from children import HOSTILE, READY, Child, Nursery
from hostile import state
from users import NOBODY, as_nobody

from devsup.commands import kill
from devsup.commands.search import Scope
from devsup.edges import processes
from devsup.edges.rundir import Role, RunDirectory
from devsup.pure.errors import RUNNING, DevsupError
from devsup.pure.evidence import Why
from devsup.pure.leftovers import Outcome, WhyNot
from devsup.pure.record import Record, Session
from devsup.pure.sighting import Identity

TESTS = Path(__file__).parent.parent
NOBODY_THERE = 2**22 + 1
"""Above the largest pid that Linux gives."""


@dataclass
class Bed:
    """A project whose supervisor was killed, and a place outside of it."""

    nursery: Nursery
    scope: Scope
    elsewhere: Path
    record: Record

    def start(self, *command: str, inside: bool = True, **env: str) -> Child:
        """A process that was there before the run began, as far as the record knows."""
        where = self.scope.root if inside else self.elsewhere
        return self.nursery.start(*command, cwd=where, env=env)

    def start_ours(self, *command: str, inside: bool = True, **env: str) -> Child:
        """A process with the marks of the last run."""
        marks = {"DEVSUP_RUN": self.record.run, "DEVSUP_SERVICE": "web.1"}
        return self.start(*command, inside=inside, **{**marks, **env})

    def write(self, *leaders: Identity, after: Child | None = None, boot: str = "") -> None:
        """The record; `after`: of a run that began between a child's cage and the child."""
        began = identity(after.cage.pid).started + 0.005 if after else 0.0
        self.record = replace(
            self.record,
            boot=boot or processes.boot(),
            supervisor=Identity(NOBODY_THERE, began),
            sessions=tuple(Session(f"svc.{n}", each) for n, each in enumerate(leaders, 1)),
        )
        self.scope.directory.write(self.record)

    def kill(self, port: int | None = None, *, force: bool = False) -> Outcome:
        """What `devsup kill` does."""
        return kill.carry_out(self.scope, lambda _: None, port=port, force=force)


def identity(pid: int) -> Identity:
    found = processes.identity(pid)
    assert found
    return found


def reasons(outcome: Outcome) -> dict[int, Why]:
    assert outcome.survivors == ()
    return {each.pid: each.why for each in outcome.removed}


@pytest.fixture
def bed(nursery: Nursery, tmp_path: Path) -> Bed:
    root, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    root.mkdir()
    elsewhere.mkdir()
    directory = RunDirectory.of(root, tmp_path / "runs")
    run = directory.new_run()
    record = Record(run, str(root), processes.boot(), Identity(NOBODY_THERE, 0.0))
    return Bed(nursery, Scope(root, directory), elsewhere, record)


# ---- what devsup started


def test_nothing_to_do_is_fine_and_leaves_nothing_behind(bed: Bed) -> None:
    assert bed.kill() == Outcome()
    assert not bed.scope.directory.path.exists()


def test_a_mark_is_enough_wherever_the_process_went_and_without_a_record(bed: Bed) -> None:
    child = bed.start_ours("daemon", inside=False)
    outcome = bed.kill()
    assert reasons(outcome) == {child.pid: Why.MARK}
    assert outcome.removed[0].service == "web.1"
    child.wait_until_gone()


def test_everybody_in_a_recorded_session_goes(bed: Bed) -> None:
    child = bed.start("sleep", inside=False)
    bed.write(identity(child.leader))
    outcome = bed.kill()
    assert reasons(outcome) == {child.pid: Why.SESSION}
    assert outcome.removed[0].service == "svc.1"
    child.wait_until_gone()


def test_a_session_whose_leader_is_gone_needs_the_directory_too(bed: Bed) -> None:
    inside, outside = bed.start("holder"), bed.start("holder", inside=False)
    bed.write(Identity(inside.leader, 1.0), Identity(outside.leader, 1.0))
    assert reasons(bed.kill()) == {inside.pid: Why.SESSION}
    inside.wait_until_gone()
    assert outside.is_alive()


def test_a_dead_leader_that_nobody_has_reaped_still_proves_its_session(bed: Bed) -> None:
    with subprocess.Popen(
        [sys.executable, HOSTILE, "holder", "/dev/stdout"],
        stdout=subprocess.PIPE,
        start_new_session=True,
        cwd=bed.elsewhere,
    ) as leader:
        assert leader.stdout
        member = int(leader.stdout.readline())
        os.waitid(os.P_PID, leader.pid, os.WEXITED | os.WNOWAIT)
        row = processes.row(leader.pid)
        assert row
        bed.write(row.identity)
        assert reasons(bed.kill()) == {member: Why.SESSION}
        assert leader.stdout.read() == b""


def test_members_stay_found_when_the_leader_of_their_session_dies_first(bed: Bed) -> None:
    """The leader dies of SIGTERM, its child ignores it, outside of the project and unmarked."""
    line = f"{sys.executable} {HOSTILE} stubborn $0 & wait"
    child = bed.nursery.cage("sh", "-c", line, READY, cwd=bed.elsewhere)
    bed.write(identity(child.leader))
    assert reasons(bed.kill()) == {child.leader: Why.SESSION, child.pid: Why.SESSION}
    child.wait_until_gone()


def test_a_session_stays_proven_when_its_leader_dies_first(bed: Bed) -> None:
    """A chain in it, outside of the project and unmarked: every link is somebody new."""
    line = f"{sys.executable} {HOSTILE} forks $0 & exec sleep 300"
    child = bed.nursery.cage("sh", "-c", line, READY, cwd=bed.elsewhere)
    bed.write(identity(child.leader))
    assert bed.kill().survivors == ()
    child.wait_until_gone()


def test_an_innocent_process_with_a_recorded_pid_stays(bed: Bed) -> None:
    child = bed.start("sleep")
    bed.write(replace(identity(child.leader), started=1.0))
    assert bed.kill() == Outcome()
    assert child.is_alive()


def test_a_record_of_another_boot_says_nothing(bed: Bed) -> None:
    child = bed.start("sleep")
    bed.write(identity(child.leader), boot="another")
    assert bed.kill() == Outcome()
    assert child.is_alive()


def test_a_daemon_without_environment_goes_when_it_lives_in_the_project(bed: Bed) -> None:
    child = bed.start_ours("daemon", "--clear")
    bed.write(after=child)
    assert reasons(bed.kill()) == {child.pid: Why.DAEMON}
    child.wait_until_gone()


@pytest.mark.parametrize("kind", ["forks", "escapes"])
def test_a_fork_chain_without_environment_goes_when_it_lives_in_the_project(
    bed: Bed, kind: str
) -> None:
    child = bed.start_ours("daemon", "--clear", "--then", kind)
    bed.write(after=child)
    assert bed.kill().survivors == ()
    child.wait_until_gone()


def test_such_a_daemon_stays_when_it_lives_elsewhere(bed: Bed) -> None:
    child = bed.start_ours("daemon", "--clear", inside=False)
    bed.write(after=child)
    assert bed.kill() == Outcome()
    assert child.is_alive()


def test_such_a_daemon_stays_when_no_run_is_on_record(bed: Bed) -> None:
    child = bed.start_ours("daemon", "--clear")
    assert bed.kill() == Outcome()
    assert child.is_alive()


def test_such_a_daemon_stays_when_it_is_older_than_the_run(bed: Bed) -> None:
    child = bed.start_ours("daemon", "--clear")
    later = bed.start("sleep")
    bed.write(after=later)
    assert bed.kill() == Outcome()
    assert child.is_alive()


def test_a_process_without_environment_stays_while_its_parent_lives(bed: Bed) -> None:
    """Its cage is younger than the run, so it is no subreaper that could have adopted it."""
    child = bed.start_ours("daemon", "--clear")
    bed.write()
    assert bed.kill() == Outcome()
    assert child.is_alive()


def test_what_a_found_process_started_goes_with_it(bed: Bed) -> None:
    line = f"env -u DEVSUP_RUN -u DEVSUP_SERVICE {sys.executable} {HOSTILE} stubborn $0 & wait"
    parent = ("env", f"DEVSUP_RUN={bed.record.run}", "DEVSUP_SERVICE=web.1", "sh", "-c", line)
    child = bed.nursery.cage(*parent, READY, cwd=bed.elsewhere)
    outcome = bed.kill()
    assert reasons(outcome) == {child.leader: Why.MARK, child.pid: Why.CHILD}
    assert {each.service for each in outcome.removed} == {"web.1"}
    child.wait_until_gone()


def test_a_child_gets_no_sigterm_while_its_parent_sees_its_work_through(bed: Bed) -> None:
    child = bed.start_ours("pool")
    leader, worker = child.words
    assert reasons(bed.kill()) == {leader: Why.MARK, worker: Why.MARK}
    assert child.hear() == [worker]
    child.wait_until_gone()


def test_a_stopped_process_is_continued_to_get_its_sigterm(bed: Bed) -> None:
    child = bed.start_ours("stopped")
    assert reasons(bed.kill())[child.pid] == Why.MARK
    assert child.hear() == [child.pid]
    child.wait_until_gone()


def test_others_in_the_process_group_of_a_found_one_stay(bed: Bed) -> None:
    """A marked process in the pipeline of somebody else, who leads the group."""
    mark = f"DEVSUP_RUN={bed.record.run}"
    line = f"env {mark} {sys.executable} {HOSTILE} stubborn $0 & exec sleep 300"
    child = bed.nursery.cage("sh", "-c", line, READY, cwd=bed.elsewhere)
    other = identity(child.leader)
    assert reasons(bed.kill()) == {child.pid: Why.MARK}
    child.wait_until_gone()
    assert processes.is_alive(other)


@pytest.mark.parametrize("kind", ["stubborn", "zombies", "forks", "escapes"])
def test_whatever_it_does_a_marked_process_goes(bed: Bed, kind: str) -> None:
    child = bed.start_ours(kind)
    assert bed.kill().survivors == ()
    child.wait_until_gone()


@pytest.mark.parametrize("kind", ["blank", "headless"])
def test_whatever_it_does_a_process_in_a_recorded_session_goes(bed: Bed, kind: str) -> None:
    child = bed.start(kind)
    bed.write(identity(child.leader))
    assert bed.kill().survivors == ()
    child.wait_until_gone()


def test_a_fork_chain_in_the_session_of_a_leader_that_is_gone_goes(bed: Bed) -> None:
    child = bed.start("forks")
    while processes.row(child.leader):  # until its cage has buried it
        os.sched_yield()
    bed.write(Identity(child.leader, 1.0))
    assert bed.kill().survivors == ()
    child.wait_until_gone()


# ---- what somebody else started


def test_a_program_of_the_procfile_goes_and_its_twin_elsewhere_stays(bed: Bed) -> None:
    words = (sys.executable, str(HOSTILE), "sleep", "$READY")
    bed.scope = replace(bed.scope, programs={"web": words})
    stray, decoy = bed.start("sleep"), bed.start("sleep", inside=False)
    other = bed.start("listen")
    outcome = bed.kill()
    assert reasons(outcome) == {stray.pid: Why.PROGRAM}
    assert outcome.removed[0].service == "web"
    stray.wait_until_gone()
    assert decoy.is_alive()
    assert other.is_alive()


def test_who_listens_on_a_port_of_the_project_goes_and_others_stay(bed: Bed) -> None:
    stray, foreign = bed.start("listen"), bed.start("listen", inside=False)
    other = bed.start("listen")
    bed.scope = replace(bed.scope, ports=frozenset({stray.port, foreign.port}))
    assert reasons(bed.kill()) == {stray.pid: Why.PORT}
    stray.wait_until_gone()
    assert foreign.is_alive()
    assert other.is_alive()


def test_the_owner_of_the_port_that_was_asked_for_goes_when_it_is_inside(bed: Bed) -> None:
    child = bed.start("listen")
    outcome = bed.kill(child.port)
    assert reasons(outcome) == {child.pid: Why.PORT}
    assert outcome.removed[0].ports == (child.port,)
    child.wait_until_gone()


def test_a_foreign_owner_of_the_port_is_named_and_stays_without_force(bed: Bed) -> None:
    child = bed.start("listen", inside=False)
    outcome = bed.kill(child.port)
    assert [(each.pid, each.why) for each in outcome.foreign] == [(child.pid, WhyNot.ELSEWHERE)]
    assert outcome.removed == ()
    assert child.is_alive()
    assert reasons(bed.kill(child.port, force=True)) == {child.pid: Why.FORCED}
    child.wait_until_gone()


def test_what_devsup_runs_for_another_project_stays(bed: Bed) -> None:
    child = bed.start("listen", DEVSUP_RUN="00000000-00000000")
    bed.scope = replace(bed.scope, ports=frozenset({child.port}))
    outcome = bed.kill(child.port)
    assert [each.why for each in outcome.foreign] == [WhyNot.ANOTHER_PROJECT]
    assert child.is_alive()


def test_we_ourselves_are_never_removed(bed: Bed) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        outcome = bed.kill(server.getsockname()[1], force=True)
    assert [(each.pid, each.why) for each in outcome.foreign] == [(os.getpid(), WhyNot.OURSELVES)]


@pytest.mark.root
def test_another_users_process_stays_even_with_force(bed: Bed) -> None:
    child = bed.start("listen", "--uid", str(NOBODY))
    bed.scope = replace(bed.scope, ports=frozenset({child.port}))
    outcome = bed.kill(child.port, force=True)
    assert [each.why for each in outcome.foreign] == [WhyNot.ANOTHER_USER]
    assert child.is_alive()


@pytest.mark.root
def test_a_service_that_changed_its_user_is_known_by_the_very_run(bed: Bed) -> None:
    ours = bed.start_ours("sleep", "--uid", str(NOBODY))
    twin = bed.start("sleep", "--uid", str(NOBODY), DEVSUP_RUN=bed.scope.directory.new_run())
    bed.write()
    assert reasons(bed.kill()) == {ours.pid: Why.MARK}
    assert twin.is_alive()


@pytest.mark.root
def test_an_owner_of_the_port_that_cannot_be_seen_is_told(bed: Bed) -> None:
    child = bed.start("listen")
    outcome = as_nobody(lambda: kill.plan(bed.scope, port=child.port).foreign[0].why.name)
    assert outcome == WhyNot.HIDDEN.name


@pytest.mark.root
def test_who_may_not_be_killed_is_reported_and_stays_on_record(bed: Bed) -> None:
    child = bed.start("sleep")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        base = Path(folder, "runs")

        def kill_as_nobody() -> str:
            bed.scope = replace(bed.scope, directory=RunDirectory.of(bed.scope.root, base))
            bed.write(identity(child.leader))
            survivors = [each.pid for each in bed.kill().survivors]
            return f"{survivors} {bed.scope.directory.record.exists()}"

        assert as_nobody(kill_as_nobody) == f"[{child.pid}] True"
    assert child.is_alive()


# ---- whom we are called by


def test_a_shell_that_carries_the_marks_survives_the_kill_that_it_calls(bed: Bed) -> None:
    other = bed.start_ours("sleep")
    bed.write()
    command = (
        f"{sys.executable} {TESTS / 'killer.py'} {bed.scope.root} {bed.scope.directory.path.parent}"
    )
    shell = subprocess.run(
        ["sh", "-c", f"{command}; echo survived"],
        env={**os.environ, "DEVSUP_RUN": bed.record.run},
        stdout=subprocess.PIPE,
        start_new_session=True,
        check=True,
    )
    assert shell.stdout.decode().split() == [str(other.pid), "survived"]
    other.wait_until_gone()


def test_a_kill_from_inside_the_running_stack_is_refused(bed: Bed) -> None:
    bed.record = replace(bed.record, supervisor=processes.own())
    bed.scope.directory.write(bed.record)
    child = bed.start_ours("sleep")
    with pytest.raises(DevsupError, match="inside the stack"):
        bed.kill()
    assert child.is_alive()


def test_two_kills_do_not_work_at_the_same_time(bed: Bed) -> None:
    child = bed.start_ours("sleep")
    lock = bed.scope.directory.lock(Role.KILL)
    assert lock
    with lock, pytest.raises(DevsupError, match="devsup kill") as refusal:
        bed.kill()
    assert refusal.value.exit_code == RUNNING
    assert child.is_alive()


# ---- a running supervisor


def start_supervisor(bed: Bed, *options: str) -> Child:
    base = str(bed.scope.directory.path.parent)
    standin = str(TESTS / "standin.py")
    return bed.nursery.cage(sys.executable, standin, str(bed.scope.root), base, READY, *options)


@pytest.mark.parametrize("terms", [1, 2, 0])
def test_a_supervisor_ends_when_asked_or_asked_again_or_is_killed(bed: Bed, terms: int) -> None:
    supervisor = start_supervisor(bed, "--terms", str(terms))
    _, leader = supervisor.words
    said: list[str] = []
    outcome = kill.carry_out(bed.scope, said.append)
    assert reasons(outcome) == {supervisor.pid: Why.SUPERVISOR, leader: Why.SUPERVISED}
    assert supervisor.hear() == [0] * bool(terms)
    assert not supervisor.is_alive()
    assert not bed.scope.directory.path.exists()
    assert bool(said) == (terms != 1)


def test_a_stopped_supervisor_ends_too(bed: Bed) -> None:
    supervisor = start_supervisor(bed)
    os.kill(supervisor.pid, signal.SIGSTOP)
    while state(supervisor.pid) != "T":
        os.sched_yield()
    leader = supervisor.words[1]
    assert reasons(bed.kill()) == {supervisor.pid: Why.SUPERVISOR, leader: Why.SUPERVISED}
    assert supervisor.hear() == [0]
    supervisor.wait_until_gone()


def test_what_a_killed_supervisor_leaves_behind_goes(bed: Bed) -> None:
    supervisor = start_supervisor(bed)
    _, leader = supervisor.words
    os.kill(supervisor.pid, signal.SIGKILL)
    while bed.scope.directory.locked():
        os.sched_yield()
    assert reasons(bed.kill()) == {leader: Why.MARK}
    supervisor.wait_until_gone()


# ---- plans, and the start of the next run


def test_a_plan_touches_nobody_and_tells_pid_service_why_and_ports(bed: Bed) -> None:
    supervisor = start_supervisor(bed)
    child = bed.start_ours("listen", inside=False)
    plan = kill.plan(bed.scope)
    rows = {each.pid: (each.service, each.why, each.ports) for each in plan.findings}
    assert rows == {
        supervisor.pid: (None, Why.SUPERVISOR, (0,)),  # its claim
        supervisor.words[1]: ("web.1", Why.SUPERVISED, ()),
        child.pid: ("web.1", Why.MARK, (child.port,)),
    }
    assert supervisor.is_alive()
    assert child.is_alive()


def test_the_next_run_clears_the_former_one_and_leaves_strays(bed: Bed) -> None:
    stray = bed.start("listen")
    bed.record = replace(bed.record, ports=(stray.port,))
    ours = bed.start_ours("listen")
    bed.write()
    with bed.scope.directory.lock() or pytest.fail("locked"):
        outcome = kill.clear_former_run(bed.scope.root, bed.scope.directory, lambda _: None)
        assert bed.scope.directory.read() is None
    assert reasons(outcome) == {ours.pid: Why.MARK}
    ours.wait_until_gone()
    assert stray.is_alive()
