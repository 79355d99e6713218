"""What `devsup kill` says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from seen import seen

from devsup.edges.census import Process
from devsup.pure.evidence import Why
from devsup.pure.kill_report import outcome_lines, plan_lines, program
from devsup.pure.leftovers import Finding, Foreign, Outcome, Plan, WhyNot
from devsup.pure.sighting import Identity

SECRET = "redis://:hunter2@host/0"
WEB = Finding(Identity(70, 1.0), 1, "web.1", Why.MARK, (8000, 0), ("/bin/uvicorn", "app:app"))
CHILD = Finding(Identity(12345, 1.0), 1, None, Why.CHILD, (), ("/bin/python", "-m", "celery"))
FOREIGN = Foreign(42, ("nginx: master process",), WhyNot.ELSEWHERE)


def test_a_plan_lists_pid_service_program_ports_and_why() -> None:
    assert [*plan_lines(Plan((WEB, CHILD)))] == [
        "would remove 2 processes:",
        "  70     web.1  uvicorn  :8000 unix  carries the mark of this project",
        "  12345  -      celery               was started by one of these",
    ]


def test_nothing_to_do_is_said() -> None:
    assert [*plan_lines(Plan())] == ["nothing is left of this project"]
    assert [*outcome_lines(Outcome())] == ["nothing is left of this project"]


def test_what_was_removed_is_listed() -> None:
    first, *_ = outcome_lines(Outcome(removed=(WEB,)))
    assert first == "removed 1 process:"


def test_survivors_are_listed_with_what_to_type() -> None:
    lines = [*outcome_lines(Outcome(survivors=(WEB, CHILD)))]
    assert lines[0] == "cannot kill 2 processes:"
    assert lines[-1] == "root may: sudo kill -9 70 12345"


@pytest.mark.parametrize(
    ("why", "type_this"),
    [
        (WhyNot.ELSEWHERE, "--force"),
        (WhyNot.ANOTHER_PROJECT, "--force"),
        (WhyNot.ANOTHER_USER, "sudo kill 42"),
        (WhyNot.OURSELVES, ""),
    ],
)
def test_who_is_left_alone_is_named_with_the_reason_and_what_to_type(
    why: WhyNot, type_this: str
) -> None:
    *_, line = plan_lines(Plan(foreign=(Foreign(42, ("nginx",), why),)))
    assert line.startswith(f"left alone: 42 nginx, which {why.value}")
    assert line.endswith(type_this or why.value)


def test_an_owner_that_cannot_be_seen_is_for_root() -> None:
    *_, line = plan_lines(Plan(foreign=(Foreign(None, (), WhyNot.HIDDEN),)))
    assert line.endswith("sudo devsup kill --port")


def test_no_command_line_shows_in_a_repr() -> None:
    finding = replace(WEB, command=("celery", SECRET))
    foreign = Foreign(42, ("celery", SECRET), WhyNot.ELSEWHERE)
    assert SECRET not in repr((Outcome((finding,), (foreign,)), seen(command=("x", SECRET))))
    process = Process(70, 1, 70, 1.0, None, None, None, None, ("celery", SECRET))
    assert SECRET not in repr(process)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (("/venv/bin/celery", "-b", SECRET), "celery"),
        (("/usr/bin/python3.11", "/venv/bin/celery", "-b", SECRET), "celery"),
        (("python", "-m", "celery", "-b", SECRET), "celery"),
        (("python", "-c", SECRET), "python"),
        (("sh", "-c", SECRET), "sh"),
        (("redis-cli", SECRET), "redis-cli"),
        ((f"celery: worker {SECRET}",), "celery"),
        (("node",), "node"),
        (("",), "?"),
        ((), "?"),
    ],
    ids=str,
)
def test_of_a_command_line_only_the_program_is_named(command: tuple[str, ...], name: str) -> None:
    assert program(command) == name
