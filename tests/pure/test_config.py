"""`[tool.devsup]`: what its keys mean, and that no mistake in it is passed over."""

import tomllib
from dataclasses import astuple
from signal import Signals

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsup.pure.config import (
    OnExit,
    Options,
    ServiceOptions,
    check_services,
    parse,
    parse_toml,
)
from devsup.pure.errors import Problem
from devsup.pure.programs import HttpReady, LogReady, PortReady

EXAMPLE = r"""
[build-system]
requires = ["hatchling"]

[tool.devsup]
procfile = "Procfile"
env-files = [".env", ".env.local"]     # later wins
on-exit = "wait"
stop-timeout = 5.0

[tool.devsup.services.worker]
stop-signal = "TERM"
stop-timeout = 10.0
ready = { log = 'ready\.$' }
after = ["redis"]
env-restart = ["SQLALCHEMY_*", "DATABASE_URL"]
"""


def read(text: str, file: str = "devsup.toml") -> Options:
    options, problems = parse_toml(text, file)
    assert problems == ()
    return options


def said(text: str, file: str = "devsup.toml") -> list[str]:
    return [str(problem) for problem in parse_toml(text, file)[1]]


def worker(text: str) -> ServiceOptions:
    return read(f"[services.worker]\n{text}").services["worker"]


def test_every_key_of_the_documentation_is_read() -> None:
    assert read(EXAMPLE, "pyproject.toml") == Options(
        procfile="Procfile",
        env_files=(".env", ".env.local"),
        on_exit=OnExit.WAIT,
        stop_timeout=5.0,
        services={
            "worker": ServiceOptions(
                stop_signal=Signals.SIGTERM,
                stop_timeout=10.0,
                ready=LogReady(r"ready\.$"),
                after=("redis",),
                env_restart=("SQLALCHEMY_*", "DATABASE_URL"),
            )
        },
    )


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("", "devsup.toml"),
        ("", "pyproject.toml"),
        ("[tool.black]\nline-length = 9", "pyproject.toml"),
        ("[tool.devsup]", "pyproject.toml"),
        ("[services]", "devsup.toml"),
    ],
)
def test_without_a_word_the_defaults_hold(text: str, file: str) -> None:
    assert read(text, file) == Options(
        procfile=None, env_files=None, on_exit=OnExit.WAIT, stop_timeout=None, services={}
    )
    assert read("[services.web]").services["web"] == ServiceOptions(
        stop_signal=None, stop_timeout=None, ready=None, after=(), env_restart=("*",)
    )


def test_the_files_name_decides_where_the_table_is() -> None:
    assert read("procfile = 'P'", "some/devsup.toml").procfile == "P"
    assert read("procfile = 'P'", "pyproject.toml").procfile is None
    assert read("tool.devsup.procfile = 'P'", "some/pyproject.toml").procfile == "P"


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("stop-signal = 'SIGINT'", {"stop_signal": Signals.SIGINT}),
        ("stop-signal = 'quit'", {"stop_signal": Signals.SIGQUIT}),
        ("stop-timeout = 1", {"stop_timeout": 1.0}),
        ("stop-timeout = 0.1", {"stop_timeout": 0.1}),
        ("stop-timeout = 86400", {"stop_timeout": 86400.0}),
        ("ready.port = 8000", {"ready": PortReady(8000)}),
        ("ready = { port = 65535 }", {"ready": PortReady(65535)}),
        ("ready = { http = 'http://[::1]:80/x' }", {"ready": HttpReady("http://[::1]:80/x")}),
        ("ready = { log = '[[]x' }", {"ready": LogReady("[[]x")}),
        ("ready = { http = 'https://a.b' }", {"ready": HttpReady("https://a.b")}),
        ("after = []", {"after": ()}),
        ("after = ['a', 'b']", {"after": ("a", "b")}),
        ("env-restart = true", {"env_restart": ("*",)}),
        ("env-restart = false", {"env_restart": ()}),
        ("env-restart = []", {"env_restart": ()}),
        ("env-restart = ['A*']", {"env_restart": ("A*",)}),
    ],
)
def test_a_services_options_have_these_forms(text: str, option: dict[str, object]) -> None:
    assert worker(text) == ServiceOptions(**option)  # type: ignore[arg-type]


@pytest.mark.parametrize("on_exit", list(OnExit))
def test_on_exit_is_one_of_three_words(on_exit: OnExit) -> None:
    assert read(f"on-exit = '{on_exit.value}'").on_exit is on_exit


def test_a_list_of_no_env_files_is_a_list() -> None:
    assert read("env-files = []").env_files == ()


@pytest.mark.parametrize("size", [1, 1024])
def test_the_log_has_a_size_in_mebibytes(size: int) -> None:
    assert read(f"log-size = {size}").log_size == size


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("procfile = 1", "must be a text"),
        ("procfile = ''", "must be a text"),
        (r'procfile = "a\u0000b"', "must be a text"),
        ("env-files = '.env'", "list of texts"),
        ("env-files = [1]", "list of texts"),
        ("env-files = ['']", "list of texts"),
        ("on-exit = 'die'", '"wait", "restart" or "stop"'),
        ("on-exit = []", '"wait", "restart" or "stop"'),
        ("on-exit = true", '"wait", "restart" or "stop"'),
        ("stop-timeout = true", "must be a number"),
        ("stop-timeout = '5'", "must be a number"),
        ("stop-timeout = 0", "above 0"),
        ("stop-timeout = -1.0", "above 0"),
        ("stop-timeout = nan", "above 0"),
        ("stop-timeout = inf", "at most"),
        ("stop-timeout = 86401", "at most"),
        (f"stop-timeout = 1{'0' * 400}", "at most"),
        ("log-size = 0", "from 1 to 1024"),
        ("log-size = 1025", "from 1 to 1024"),
        ("log-size = 1.5", "whole number"),
        ("log-size = true", "whole number"),
        ("services = 1", "must be a table"),
        ("services = []", "must be a table"),
        ("services.worker = 'x'", "must be a table"),
        ("stop-timout = 1", 'is not known; did you mean "stop-timeout"?'),
        ("stop_timeout = 1", 'is not known; did you mean "stop-timeout"?'),
        ("zzz = 1", "is not known"),
        ("watch = []", "is not known"),
        ("services.worker.stop-signal = 'KILL'", "cannot be KILL"),
        ("services.worker.stop-signal = 'SIGSTOP'", "cannot be STOP"),
        ("services.worker.stop-signal = 'TREM'", 'did you mean "TERM"?'),
        ("services.worker.stop-signal = ''", "must be a text"),
        ("services.worker.stop-signal = 15", "must be a text"),
        ("services.worker.stop-timeout = false", "must be a number"),
        ("services.worker.ready = 'log'", "one of `log`, `port`, `http`"),
        ("services.worker.ready = {}", "one of `log`, `port`, `http`"),
        ("services.worker.ready = { port = 1, log = 'x' }", "one of `log`, `port`, `http`"),
        ("services.worker.ready = { prot = 1 }", 'is not known; did you mean "port"?'),
        ("services.worker.ready = { log = '(' }", "is no regular expression"),
        ("services.worker.ready = { log = 'a{99999999999}' }", "is no regular expression"),
        ("services.worker.ready = { log = '' }", "must be a text"),
        ("services.worker.ready = { port = 0 }", "from 1 to 65535"),
        ("services.worker.ready = { port = 65536 }", "from 1 to 65535"),
        ("services.worker.ready = { port = true }", "from 1 to 65535"),
        ("services.worker.ready = { port = '80' }", "from 1 to 65535"),
        ("services.worker.ready = { http = 'localhost' }", "an address like"),
        ("services.worker.ready = { http = 'ftp://localhost' }", "an address like"),
        ("services.worker.ready = { http = 'http://' }", "an address like"),
        ("services.worker.ready = { http = 'http://[x' }", "an address like"),
        ("services.worker.ready = { http = 'http://a:99999' }", "an address like"),
        ("services.worker.ready = { http = 80 }", "must be a text"),
        ("services.worker.after = 'redis'", "list of texts"),
        ("services.worker.env-restart = 'A'", "true, false or a list"),
        ("services.worker.env-restart = [1]", "true, false or a list"),
        ("services.worker.env-restart = 0", "true, false or a list"),
        ("services.worker.pty = 'yes'", "must be true or false"),
        ("services.worker.watch = '**/*.py'", "list of texts"),
        ("services.worker.watch = ['app/**.py']", "does not stand alone: write `**/*.py`"),
        ("services.worker.watch = ['a', '*/../b']", 'names "*/../b", which goes up'),
        ("services.worker.redy = {}", 'is not known; did you mean "ready"?'),
        ("services.worker.procfile = 'x'", "is not known"),
    ],
)
def test_a_wrong_value_is_a_problem_with_its_key_and_line(text: str, words: str) -> None:
    [message] = said(f"# first\n\n{text}\n")
    assert message.startswith("devsup.toml:3: `")
    assert words in message


def test_a_key_that_is_wrong_counts_as_not_written_and_the_rest_holds() -> None:
    options, problems = parse_toml(
        "stop-timeout = 0\nprocfile = 'P'\n[services.a]\nafter = 1\nstop-timeout = 1\n",
        "devsup.toml",
    )
    assert options == Options(procfile="P", services={"a": ServiceOptions(stop_timeout=1.0)})
    assert [problem.line for problem in problems] == [1, 4]


WRONG = """[project]
name = 'x'
[tool.devsup]
zzz = 1
on-exit = 2
[tool.devsup.services.web]
after = [
  "zzz",
]
ready = { port = 0 }
[tool.devsup.services.b]
ready.port = 0
pty = 0
"""


def test_each_of_several_problems_has_its_own_line() -> None:
    assert said(WRONG, "pyproject.toml") == [
        "pyproject.toml:4: `zzz` is not known",
        'pyproject.toml:5: `on-exit` must be "wait", "restart" or "stop"',
        "pyproject.toml:10: `services.web.ready.port` must be a number from 1 to 65535",
        "pyproject.toml:12: `services.b.ready.port` must be a number from 1 to 65535",
        "pyproject.toml:13: `services.b.pty` must be true or false",
    ]


def test_a_table_without_its_text_has_problems_without_lines() -> None:
    assert parse({"zzz": 1}, "x") == (Options(), (Problem("x", None, "`zzz` is not known"),))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = \n", 1),
        ("a = 1\n\nb = [1,\n", 3),
        ("a = 1\na = 2", 2),
        ("a = '''", 1),
        ("\n\n!", 3),
        ("a = 1\n\n\n[", 4),
    ],
)
def test_text_that_is_no_toml_has_the_line_where_the_parser_stopped(text: str, line: int) -> None:
    options, [problem] = parse_toml(text, "devsup.toml")
    assert (options, problem.line) == (Options(), line)
    assert problem.message.startswith("is not valid TOML: ")
    assert "(at " not in problem.message


@pytest.mark.parametrize("text", [f"a = {'9' * 5000}", f"a = {'[' * 5000}"])
def test_what_breaks_the_parser_itself_is_a_problem_too(text: str) -> None:
    [message] = said(text)
    assert "is not valid TOML: " in message


@pytest.mark.parametrize(
    ("text", "line"), [("[tool]\ndevsup = 1", 2), ("tool = 1", None), ("[[tool.devsup]]", 1)]
)
def test_a_tool_table_that_is_no_table_is_a_problem(text: str, line: int | None) -> None:
    options, problems = parse_toml(text, "pyproject.toml")
    assert options == Options()
    assert problems == (Problem("pyproject.toml", line, "`tool.devsup` must be a table"),)


def checked(text: str, *types: str) -> list[str]:
    return [str(problem) for problem in check_services(read(text), types, "devsup.toml")]


@pytest.mark.parametrize(
    ("text", "line"),
    [("[tool.devsup]\n", 1), ("\n[tool.devsup.services.web]\npty = true\n", 2)],
)
def test_the_table_of_the_other_file_is_told_from_a_key_with_a_slip(text: str, line: int) -> None:
    options, [problem] = parse_toml(text, "devsup.toml")
    assert options == Options()
    assert (problem.line, problem.file) == (line, "devsup.toml")
    assert "in devsup.toml the keys stand without `tool.devsup`" in problem.message


def test_options_of_types_that_the_procfile_has_are_fine() -> None:
    text = "[services.web]\nafter = ['db', 'redis']\n[services.redis]\nafter = ['db']"
    assert checked(text, "web", "db", "redis") == []
    assert checked("", "web") == []


def test_options_of_a_type_that_the_procfile_does_not_have_are_a_problem() -> None:
    assert checked("\n[services.wbe]\nafter = ['dbb']", "web", "db") == [
        'devsup.toml:2: `services.wbe` names "wbe", not in the Procfile; did you mean "web"?',
        'devsup.toml:3: `services.wbe.after` names "dbb", not in the Procfile; did you mean "db"?',
    ]


@pytest.mark.parametrize(
    ("after", "circles"),
    [
        ({"a": "a"}, {"a after a"}),
        ({"a": "b", "b": "a"}, {"a after b after a", "b after a after b"}),
        (
            {"d": "a", "a": "b", "b": "c", "c": "a"},
            {"a after b after c after a", "b after c after a after b", "c after a after b after c"},
        ),
    ],
)
def test_services_that_wait_for_each_other_are_a_problem(
    after: dict[str, str], circles: set[str]
) -> None:
    text = "".join(f"[services.{name}]\nafter = ['{other}']\n" for name, other in after.items())
    [problem] = check_services(read(text), "abcd", "devsup.toml")
    before, _, circle = problem.message.partition(" goes in a circle: ")
    assert circle in circles
    assert before == f"`services.{circle[0]}.after`"
    assert text.split("\n")[(problem.line or 0) - 1] == f"after = ['{after[circle[0]]}']"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
SERVICE_KEYS = st.sampled_from(
    ["stop-signal", "stop-timeout", "ready", "after", "watch", "env-restart", "pty", "x"]
)
READY = st.dictionaries(st.sampled_from(["log", "port", "http", "x"]), VALUES, max_size=2)
SERVICES = st.dictionaries(
    st.sampled_from(["a", "b"]), st.dictionaries(SERVICE_KEYS, VALUES | READY) | VALUES
)
KEYS = st.sampled_from(
    ["procfile", "env-files", "on-exit", "stop-timeout", "log-size", "services", "y"]
)


@given(st.dictionaries(KEYS, VALUES | SERVICES))
def test_whatever_stands_there_is_an_option_or_a_problem(table: dict[str, object]) -> None:
    options, problems = parse(table, "f")
    refused = {problem.message.split("`")[1].split(".")[0] for problem in problems}
    for key in table.keys() - refused - {"services"}:
        assert getattr(options, key.replace("-", "_")) is not None
    assert {"y"} & table.keys() <= refused


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    options, problems = parse_toml(text, "devsup.toml")
    assert isinstance(options, Options)
    try:
        tomllib.loads(text)
    except ValueError:
        assert problems


READIES = (
    st.integers(1, 65535).map(PortReady)
    | st.sampled_from(["x", r"ready\.$"]).map(LogReady)
    | st.sampled_from(["http://a/b", "https://a:1"]).map(HttpReady)
)


@given(
    st.sampled_from(Signals).filter(lambda s: s.name not in {"SIGKILL", "SIGSTOP"}),
    st.floats(0.001, 86400),
    st.lists(st.sampled_from("abc")),
    READIES,
)
def test_good_options_are_read_as_they_are_written(
    signal: Signals, timeout: float, after: list[str], ready: PortReady | LogReady | HttpReady
) -> None:
    table = {
        "stop-signal": signal.name,
        "stop-timeout": timeout,
        "after": after,
        "ready": {type(ready).__name__.removesuffix("Ready").lower(): astuple(ready)[0]},
    }
    options, problems = parse({"services": {"w": table}}, "f")
    assert problems == ()
    assert options.services == {"w": ServiceOptions(signal, timeout, ready, tuple(after))}
