"""What `devsup kill` says: a plan or an outcome in, lines out.

Command lines may hold secrets that a shell has expanded: of a process only the program is named.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath

from devsup.pure.leftovers import Finding, Foreign, Outcome, Plan, WhyNot
from devsup.pure.sighting import UNIX_SOCKET

INTERPRETER = re.compile(r"python[\d.]*|node|ruby|perl|php|(ba|da|z|k)?sh")
NOTHING = "nothing is left of this project"


def plan_lines(plan: Plan) -> Iterator[str]:
    """What `--dry-run` shows: who would be removed and why, and who would be left alone."""
    yield from _heading("would remove", plan.findings)
    yield from map(foreign_line, plan.foreign)


def outcome_lines(outcome: Outcome) -> Iterator[str]:
    """What was done: who was removed and why, who is left, who was left alone."""
    yield from _heading("removed", outcome.removed, quiet=bool(outcome.survivors))
    if outcome.survivors:
        yield from _heading("cannot kill", outcome.survivors)
        yield f"root may: sudo kill -9 {' '.join(str(each.pid) for each in outcome.survivors)}"
    yield from map(foreign_line, outcome.foreign)


def _heading(verb: str, findings: Sequence[Finding], *, quiet: bool = False) -> Iterator[str]:
    if findings:
        noun = "process" if len(findings) == 1 else "processes"
        yield f"{verb} {len(findings)} {noun}:"
        yield from table(findings)
    elif not quiet:
        yield NOTHING


def table(findings: Iterable[Finding]) -> Iterator[str]:
    """A line a process: pid, service, program, ports, why."""
    rows = [
        (str(each.pid), each.service or "-", program(each.command), ports(each), each.why.value)
        for each in findings
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield f"  {'  '.join(cells).rstrip()}"


def ports(finding: Finding) -> str:
    """`:8000 :8001`, and `unix` for a Unix socket."""
    return " ".join("unix" if port == UNIX_SOCKET else f":{port}" for port in finding.ports)


def foreign_line(foreign: Foreign) -> str:
    """Who holds the port that was asked for, why it stays, and what to type."""
    if foreign.pid is None:
        return (
            "the port is taken by a process that this user cannot see; try: sudo devsup kill --port"
        )
    line = f"left alone: {foreign.pid} {program(foreign.command)}, which {foreign.why.value}"
    match foreign.why:
        case WhyNot.ELSEWHERE | WhyNot.ANOTHER_PROJECT:
            return f"{line}; to remove it all the same, add: --force"
        case WhyNot.ANOTHER_USER:
            return f"{line}; to remove it all the same, type: sudo kill {foreign.pid}"
        case _:
            return line


def program(command: Sequence[str]) -> str:
    """What a command line runs, by name: a script or a module rather than its interpreter.

    A process may have put a whole sentence, secrets included, into its first word.
    """
    words = command[0].split() if command else []
    if not words:
        return "?"
    name = PurePath(words[0]).name.rstrip(":")
    if not INTERPRETER.fullmatch(name):
        return name
    match command[1:3]:
        case ("-m", module):
            return module
        case (script, *_) if not script.startswith("-"):
            return PurePath(script).name
    return name
