"""How two declarations differ, in words for people."""

from dataclasses import replace

import pytest
from history import spec

from devsup.pure.declaration import Declaration
from devsup.pure.options import OnExit
from devsup.pure.stack import Spec

WEB, WORKER, BEAT = spec("web"), spec("worker"), spec("beat")
ANOTHER_WEB = replace(WEB, shell_line="another")
SECOND = replace(WEB, name="web.2")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ((WEB, WORKER), (WEB, WORKER), ""),
        ((WEB, WORKER), (WORKER, WEB), ""),
        ((WEB, BEAT), (ANOTHER_WEB, WORKER), "~web +worker -beat"),
        ((WEB,), (replace(WEB, after=("worker",)),), "~web"),
        ((WEB, SECOND), (ANOTHER_WEB, replace(SECOND, shell_line="another")), "~web"),
    ],
)
def test_services_differ_by_process_type(
    old: tuple[Spec, ...], new: tuple[Spec, ...], said: str
) -> None:
    changes = Declaration(old, {}).changes(Declaration(new, {}))
    assert str(changes) == said
    assert bool(changes) is bool(said)


def test_everything_that_differs_is_named_and_no_value() -> None:
    old = Declaration((WEB,), {"A": "secret 1", "B": "secret 2"})
    new = Declaration((WEB, WORKER), {"A": "secret 3"}, OnExit.STOP)
    assert str(old.changes(new)) == "+worker ~on-exit ~A -B"


def test_neither_settings_nor_command_lines_are_in_a_repr() -> None:
    secret = replace(WEB, command="secret", shell_line="secret")
    assert "secret" not in repr(Declaration((secret,), {"A": "secret"}))
    assert "secret" not in repr(secret)
