"""What `devsup kill` does, as a command: python killer.py ROOT BASE; prints the removed pids."""

from __future__ import annotations

import sys
from pathlib import Path

from devsup.commands import kill
from devsup.commands.search import Scope
from devsup.edges.rundir import RunDirectory

root, base = map(Path, sys.argv[1:])
outcome = kill.carry_out(Scope(root, RunDirectory.of(root, base)), print)
print(*(each.pid for each in outcome.removed))  # noqa: T201
