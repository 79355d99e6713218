"""`devsup up` as a whole: launch, end, refusals, exit codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stack import Stack

SHOW = "echo value=$VALUE; exec sleep 600"


def test_an_edit_reaches_the_service_and_is_reported(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SHOW}\n")
    stack.write(".env", "VALUE=one\n")
    stack.up().wait_for("value=one")
    stack.wait_for_generation(1)
    stack.write(".env", "VALUE=two\n")
    stack.wait_for("value=two")
    assert ".env: ~VALUE: web.1" in stack.wait_for_generation(2)
    assert stack.interrupt() == 130
