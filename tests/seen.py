"""Sightings for tables: a process of the user in a terminal, unless something else is said."""

from __future__ import annotations

from typing import Any

from devsup.pure.record import Record, Session
from devsup.pure.sighting import Identity, Marks, Row, Sighting

UID = 1000
KEY = "12345678"
RUN = f"{KEY}-00000001"
ROOT = "/srv/app"
BEGAN = 100.0
INIT = Row(pid=1, ppid=0, session=1, terminal=False, alive=True, started=0.0)
RECORD = Record(
    run=RUN,
    root=ROOT,
    boot="boot",
    supervisor=Identity(50, BEGAN),
    sessions=(Session("web.1", Identity(60, 101.0)),),
)


def row(pid: int = 70, **changes: Any) -> Row:
    usual = {
        "ppid": 1,
        "session": 7,
        "terminal": False,
        "alive": True,
        "started": 200.0,
    }
    return Row(pid=pid, **{**usual, **changes})


def seen(pid: int = 70, **changes: Any) -> Sighting:
    """`ppid`, `session`, `terminal`, `started` go to the row, `run` and `service` to the marks."""
    rows = {key: changes.pop(key) for key in [*changes] if key in Row.__slots__}
    marks = {key: changes.pop(key) for key in [*changes] if key in Marks.__slots__}
    usual: dict[str, Any] = {
        "parent": None,
        "uid": UID,
        "cleared": False,
        "directory": f"{ROOT}/backend",
        "command": ("/usr/bin/sleep", "60"),
    }
    return Sighting(row=row(pid, **rows), marks=Marks(**marks), **{**usual, **changes})
