"""Services that want one port are told before they meet."""

from __future__ import annotations

import pytest

from devsup.pure import procfile, stack
from devsup.pure.clash import clashes
from devsup.pure.options import Options, ServiceOptions
from devsup.pure.programs import LogReady, PortReady, Ready

WEB = "uvicorn app:app --port $PORT"
FIXED = "uvicorn other:app --port 5000"


def found(
    *commands: str, ready: Ready | None = None, **settings: str
) -> list[tuple[int, str, str, bool]]:
    text = "".join(f"{name}: {command}\n" for name, command in zip("abc", commands, strict=False))
    entries, _ = procfile.parse(text, "Procfile")
    services = procfile.services(entries, {}, (), procfile.FIRST_PORT)
    options = Options(services={"b": ServiceOptions(ready=ready)})
    specs = stack.build(services, options, settings)
    return [(each.port, each.first.name, each.second.name, each.is_sure) for each in clashes(specs)]


@pytest.mark.parametrize("second", [FIXED, "cd x && gunicorn -b 0.0.0.0:5000 app"])
def test_a_fixed_port_may_be_the_own_one_of_another(second: str) -> None:
    assert found(WEB, second) == [(5000, "a.1", "b.1", True)]
    assert found(WEB, second, ready=LogReady("ready")) == [(5000, "a.1", "b.1", True)]


def test_a_port_in_a_file_is_everybodys() -> None:
    assert found(WEB, WEB) == []
    assert found(WEB, WEB, PORT="8000") == [(8000, "a.1", "b.1", True)]


def test_each_pair_is_told() -> None:
    pairs = [(first, second) for _, first, second, _ in found(FIXED, FIXED, FIXED)]
    assert pairs == [("a.1", "b.1"), ("a.1", "c.1"), ("b.1", "c.1")]


def test_who_names_a_port_may_only_ask_there() -> None:
    assert found(WEB, "tunnel $PORT", PORT="8000") == [(8000, "a.1", "b.1", False)]


@pytest.mark.parametrize("line", ["DB_PORT=5432 serve", "serve 5000", "uvicorn app:app"])
def test_a_line_that_does_not_say_its_port_is_not_suspected(line: str) -> None:
    assert found(line, FIXED) == []
    assert found(WEB, line) == []


def test_a_port_that_tells_when_a_service_is_ready_may_be_anybodys() -> None:
    assert found(FIXED, "migrate", ready=PortReady(5000)) == []
