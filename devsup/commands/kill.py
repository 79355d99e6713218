"""`devsup kill`: what is left of a project, and removing it, the running supervisor included.

A call returns data; `kill_report` has the words.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGTERM

from devsup.commands.patience import Patience
from devsup.commands.removal import Removal
from devsup.commands.search import Scope, Search
from devsup.edges import processes
from devsup.edges.rundir import Lock, Role, RunDirectory
from devsup.pure.errors import RUNNING, DevsupError
from devsup.pure.leftovers import Demand, Finding, Outcome, Plan
from devsup.pure.record import Record
from devsup.pure.sighting import Identity

LADDER = ((SIGTERM, 2.0), (SIGTERM, 5.0), (SIGKILL, 5.0))
"""What the supervisor gets, with the seconds for each: end; end at once, killing; be killed."""


def plan(scope: Scope, *, port: int | None = None, force: bool = False) -> Plan:
    """What `carry_out` would remove now."""
    record = _record(scope.directory)
    demand = Demand(_supervisor(scope.directory, record), strays=True, port=port, force=force)
    search = Search(scope, record, demand)
    return Plan(search.look().findings, search.foreign)


def carry_out(
    scope: Scope, say: Callable[[str], None], *, port: int | None = None, force: bool = False
) -> Outcome:
    """Remove what is left of the project; `say` hears of waits above a second.

    Raises:
        DevsupError: this command runs inside the stack, or another devsup is at work on it.
    """
    record = _record(scope.directory)
    demand = Demand(_supervisor(scope.directory, record), strays=True, port=port, force=force)
    before: tuple[Finding, ...] = ()
    if demand.supervisor:
        before = Search(scope, record, demand).look().findings
        end_supervisor(demand.supervisor, say)
    with _lock(scope.directory):
        # The supervisor kept its record up to date while it was ending services.
        last = Search(scope, _record(scope.directory) or record, replace(demand, supervisor=None))
        return _remove(last, before, say)


def clear_former_run(root: Path, directory: RunDirectory, say: Callable[[str], None]) -> Outcome:
    """Remove what is certainly left of a former run, and no strays; the caller holds the lock."""
    record = _record(directory)
    search = Search(Scope(root, directory), record, Demand())
    return _remove(search, (), say) if record or search.look().findings else Outcome()


def _remove(search: Search, before: tuple[Finding, ...], say: Callable[[str], None]) -> Outcome:
    survivors = Removal(search, say).run()
    if not survivors:
        search.scope.directory.forget()
    seen = search.known | {each.identity: each for each in before}
    left = {each.identity for each in survivors}
    removed = tuple(each for each in seen.values() if each.identity not in left)
    return Outcome(removed, search.foreign, survivors)


def _record(directory: RunDirectory) -> Record | None:
    """The record of the run, if its pids mean anything in this boot."""
    record = directory.read()
    return record if record and record.boot == processes.boot() else None


def _supervisor(directory: RunDirectory, record: Record | None) -> Identity | None:
    """The live supervisor, by the lock, by the claim, or by the record."""
    holder = directory.holder()
    if holder:
        return holder.identity if holder.role is Role.UP else None
    return record.supervisor if record and processes.is_alive(record.supervisor) else None


def end_supervisor(supervisor: Identity, say: Callable[[str], None]) -> None:
    """Have the supervisor end its services, less and less politely.

    Its guardians kill everything by themselves when it is killed.

    Raises:
        DevsupError: we run inside it, or it survives.
    """
    if supervisor.pid in processes.lineage():
        raise DevsupError(
            f"this command runs inside the stack that it should end (pid {supervisor.pid})",
            hint="type it in a terminal of its own",
        )
    grip = processes.hold(supervisor)
    if grip is None:
        return
    with closing(grip):
        for number, seconds in LADDER:
            grip.send(number)
            grip.send(SIGCONT)
            patience = Patience(
                seconds, lambda: say(f"waiting for devsup ({supervisor.pid}) to end")
            )
            if patience.wait([grip]):
                return
    raise DevsupError(f"devsup (pid {supervisor.pid}) survives SIGKILL", hint="see: ps -l")


def _lock(directory: RunDirectory) -> Lock:
    lock = directory.lock(Role.KILL)
    if lock:
        return lock
    holder = directory.holder()
    who = f"devsup {holder.role.value} (pid {holder.identity.pid})" if holder else "another devsup"
    raise DevsupError(
        f"{who} has just begun to work on this project",
        hint="when it is done, try again",
        exit_code=RUNNING,
    )
