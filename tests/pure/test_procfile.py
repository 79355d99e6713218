"""The Procfile, the formation, and the services that follow from both."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsup.pure.errors import USAGE, DevsupError, Problem
from devsup.pure.procfile import Entry, Service, first_ports, parse, parse_formation, services

NAMES = st.text(st.sampled_from("abcXYZ019_-"), min_size=1, max_size=8)
COMMANDS = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=20
)
PROCFILES = st.dictionaries(NAMES, COMMANDS, min_size=1, max_size=5)

THREE = (Entry("web", "serve", 1), Entry("worker", "work", 2), Entry("clock", "tick", 3))


def said(text: str) -> list[str]:
    return [str(problem) for problem in parse(text, "Procfile")[1]]


def refusal(error: pytest.ExceptionInfo[DevsupError]) -> str:
    assert error.value.exit_code == USAGE
    return f"{error.value.message} | {error.value.hint}"


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("web: serve --port $PORT", Entry("web", "serve --port $PORT", 1)),
        ("web: serve\n", Entry("web", "serve", 1)),
        ("web:serve", Entry("web", "serve", 1)),
        ("web:\t serve \t", Entry("web", "serve", 1)),
        ("web: serve\r\n", Entry("web", "serve", 1)),
        ("\r\n\r\n# note\r\nweb: serve\r\n", Entry("web", "serve", 4)),
        ("\ufeffweb: serve", Entry("web", "serve", 1)),
        ("  # note\n \t\nWeb_2-x: serve # not ours", Entry("Web_2-x", "serve # not ours", 3)),
        ("web: a: b", Entry("web", "a: b", 1)),
        ("web: caf\u00e9\u2028bar\x0cbaz", Entry("web", "caf\u00e9\u2028bar\x0cbaz", 1)),
    ],
)
def test_an_entry_is_a_name_a_colon_and_a_command(text: str, entry: Entry) -> None:
    assert parse(text, "Procfile") == ((entry,), ())


@pytest.mark.parametrize(
    ("text", "place", "word"),
    [
        ("web serve", "Procfile:1: ", "name: command"),
        ("web: serve\n\njunk", "Procfile:3: ", "name: command"),
        ("web: serve\n indented: serve", "Procfile:2: ", "name: command"),
        ("web : serve", "Procfile:1: ", "name: command"),
        ("we b: serve", "Procfile:1: ", "name: command"),
        ("caf\u00e9: serve", "Procfile:1: ", "name: command"),
        (": serve", "Procfile:1: ", "name: command"),
        ("web:", "Procfile:1: ", "no command"),
        ("web:  \r\n", "Procfile:1: ", "no command"),
        ("web: a\0b", "Procfile:1: ", "NUL"),
        ("web: a\n\nweb: b", "Procfile:3: ", "line 1"),
        ("", "Procfile: ", "declares nothing"),
        ("\n# web: serve\n", "Procfile: ", "declares nothing"),
    ],
)
def test_no_line_is_ever_passed_over_in_silence(text: str, place: str, word: str) -> None:
    [message] = said(text)
    assert message.startswith(place)
    assert word in message


def test_every_wrong_line_is_told_at_once_and_the_right_ones_are_read() -> None:
    entries, problems = parse("web: a\njunk\nweb: b\nworker: c\nx:", "Procfile")
    assert entries == (Entry("web", "a", 1), Entry("worker", "c", 4))
    assert [problem.line for problem in problems] == [2, 3, 5]


@given(PROCFILES, st.sampled_from(["\n", "\r\n"]), st.sampled_from(["", "\ufeff"]))
def test_what_is_written_is_what_is_read(procfile: dict[str, str], newline: str, bom: str) -> None:
    text = bom + newline.join(f"{name}: {command}" for name, command in procfile.items())
    entries, problems = parse(text, "Procfile")
    assert problems == ()
    assert {entry.name: entry.command for entry in entries} == procfile
    assert [entry.line for entry in entries] == list(range(1, len(procfile) + 1))


@given(st.text())
def test_every_line_is_an_entry_a_problem_or_skipped_on_purpose(text: str) -> None:
    entries, problems = parse(text, "Procfile")
    heard = {entry.line for entry in entries} | {problem.line for problem in problems}
    lines = text.removeprefix("\ufeff").split("\n")
    for number, line in enumerate(lines, 1):
        assert (number in heard) == bool(line.strip() and not line.strip().startswith("#"))
    assert entries or problems


@pytest.mark.parametrize(
    ("text", "formation"),
    [
        ("web=1,worker=2", {"web": 1, "worker": 2}),
        ("all=2", {"all": 2}),
        (" web = 0 , worker=100 ", {"web": 0, "worker": 100}),
        ("web=007", {"web": 7}),
    ],
)
def test_a_formation_counts_instances(text: str, formation: dict[str, int]) -> None:
    assert parse_formation(text) == formation


@pytest.mark.parametrize(
    "text",
    [
        *("", "web", "web=", "=1", "web=-1", "web=1.5", "web=x", "web=1,", "web=\u0662"),
        *("web=1,web=2", "web=101", "web=9999999999", "web=1 worker=2", "web=1;worker=2"),
    ],
)
def test_a_formation_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(DevsupError) as error:
        parse_formation(text)
    assert "formation" in refusal(error)


@given(st.dictionaries(NAMES, st.integers(0, 100), min_size=1))
def test_a_formation_is_read_as_it_is_written(formation: dict[str, int]) -> None:
    assert parse_formation(",".join(f"{k}={v}" for k, v in formation.items())) == formation


def test_each_type_has_one_instance_and_its_hundred_of_ports() -> None:
    assert services(THREE, {}, (), 5000) == (
        Service("web.1", "web", 1, "serve", 5000),
        Service("worker.1", "worker", 1, "work", 5100),
        Service("clock.1", "clock", 1, "tick", 5200),
    )


@pytest.mark.parametrize(
    ("formation", "only", "names"),
    [
        ({"worker": 2}, (), "web.1:5000 worker.1:5100 worker.2:5101 clock.1:5200"),
        ({"all": 0, "worker": 1}, (), "worker.1:5100"),
        ({"all": 2, "web": 1, "clock": 0}, (), "web.1:5000 worker.1:5100 worker.2:5101"),
        ({"worker": 2}, ("worker",), "worker.1:5100 worker.2:5101"),
        ({"worker": 2}, ("worker.2", "web"), "web.1:5000 worker.2:5101"),
        ({}, ("clock", "clock.1", "web.1"), "web.1:5000 clock.1:5200"),
    ],
)
def test_the_formation_and_the_names_choose(
    formation: dict[str, int], only: tuple[str, ...], names: str
) -> None:
    chosen = services(THREE, formation, only, 5000)
    assert " ".join(f"{service.name}:{service.port}" for service in chosen) == names


@pytest.mark.parametrize(
    ("formation", "only", "words"),
    [
        ({"wrok": 1}, (), ['"wrok"', "web, worker, clock"]),
        ({"wroker": 1}, (), ['"wroker"', 'did you mean "worker"?']),
        ({"web.1": 1}, (), ['"web.1"']),
        ({}, ("wbe",), ['"wbe"', 'did you mean "web"?']),
        ({}, ("worker.2",), ['"worker.2"', 'did you mean "worker.1"?']),
        ({}, ("worker.01",), ['"worker.01"']),
        ({"web": 0}, ("web", "worker"), ['"web"', "formation"]),
        ({"all": 0}, (), ["formation", "nothing"]),
        ({"web": 100}, ("web.101",), ['"web.101"']),
    ],
)
def test_a_name_that_starts_nothing_is_refused(
    formation: dict[str, int], only: tuple[str, ...], words: list[str]
) -> None:
    with pytest.raises(DevsupError) as error:
        services(THREE, formation, only, 5000)
    assert all(word in refusal(error) for word in words)


@pytest.mark.parametrize("base", [65336, 65500, 0, -1])
def test_a_port_that_does_not_exist_is_refused(base: int) -> None:
    with pytest.raises(DevsupError) as error:
        services(THREE, {}, (), base)
    assert "--port" in refusal(error)
    assert services(THREE, {}, (), 65335)[-1].port == 65535
    assert services(THREE, {}, (), 1)[0].port == 1


@given(PROCFILES, st.data())
def test_services_never_share_a_name_or_a_port(
    procfile: dict[str, str], data: st.DataObject
) -> None:
    entries = tuple(Entry(name, command, 1) for name, command in procfile.items())
    counts = st.dictionaries(st.sampled_from(sorted(procfile)), st.integers(1, 100))
    every = services(entries, data.draw(counts), (), 5000)
    assert len({service.port for service in every}) == len(every)
    only = data.draw(st.sets(st.sampled_from(sorted(procfile)), min_size=1))
    some = services(entries, {}, sorted(only), 5000)
    assert {service.type for service in some} == only
    assert set(some) <= set(every), "ports do not depend on what else is started"


@pytest.mark.parametrize(
    ("kept", "ports"),
    [
        ({}, {"api": 5000, "web": 5100, "beat": 5200}),
        ({"web": 5000}, {"api": 5100, "web": 5000, "beat": 5200}),
        ({"web": 5000, "worker": 5100}, {"api": 5100, "web": 5000, "beat": 5200}),
        ({"beat": 5000, "web": 5100}, {"api": 5200, "web": 5100, "beat": 5000}),
        ({"web": 5200}, {"api": 5000, "web": 5200, "beat": 5300}),
    ],
)
def test_a_type_keeps_its_ports_and_a_new_one_gets_those_of_its_place_or_the_next_that_are_free(
    kept: dict[str, int], ports: dict[str, int]
) -> None:
    entries = tuple(Entry(name, "x", 1) for name in ("api", "web", "beat"))
    assert first_ports(entries, 5000, kept) == ports
    chosen = services(entries, {}, (), 5000, kept)
    assert {service.type: service.port for service in chosen} == ports


def test_problems_name_the_file_they_were_given() -> None:
    assert parse("x", "dev/Procfile.dev")[1] == (
        Problem("dev/Procfile.dev", 1, parse("x", "p")[1][0].message),
    )
