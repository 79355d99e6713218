"""`.env` files: python-dotenv's dialect, problems that say where and never what, environments."""

from collections.abc import Mapping
from io import StringIO

import pytest
from dotenv import dotenv_values
from hypothesis import assume, given
from hypothesis import strategies as st

from devsup.pure import envfile
from devsup.pure.envfile import (
    LARGEST_FILE,
    LARGEST_STRING,
    LARGEST_TOTAL,
    Diff,
    Layer,
    Settings,
    diff,
    environment,
    hidden_by,
    resolve,
)

KEYS = st.text(st.sampled_from("ABCD_"), min_size=1, max_size=3)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
ENVIRONMENTS = st.dictionaries(KEYS, st.text(st.sampled_from("xyz"), max_size=2))


def settings(*texts: str, shell: Mapping[str, str] | None = None) -> Settings:
    """What files of these texts say; there must be nothing wrong with them."""
    layers = []
    for number, text in enumerate(texts):
        layer, problems = envfile.parse(text.encode(), f".env{number}")
        assert problems == ()
        layers.append(layer)
    resolved, problems = resolve(layers, shell or {})
    assert problems == ()
    return resolved


def places(data: bytes) -> list[int | None]:
    layer, problems = envfile.parse(data, ".env")
    assert (layer == Layer(".env", ())) or not problems
    return [problem.line for problem in problems]


def message(data: bytes) -> str:
    _, [problem] = envfile.parse(data, ".env")
    return problem.message


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {}),
        ("# A=1\n\n  # B", {}),
        ("A=1", {"A": "1"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("\ufeffA=1", {"A": "1"}),
        ("export A=1\n  export  B = 2", {"A": "1", "B": "2"}),
        ("A=\nB=''\nC=\"\"", {"A": "", "B": "", "C": ""}),
        ("A= x y  # note", {"A": "x y"}),
        ("A=x#y", {"A": "x#y"}),
        ("A='x # y' # z", {"A": "x # y"}),
        (r"A='a\'b\n'", {"A": r"a'b\n"}),
        (r'A="a\"b\tc\\d"', {"A": 'a"b\tc\\d'}),
        ("A='1\n2\n3'\nB=4", {"A": "1\n2\n3", "B": "4"}),
        ('A="1\r\n2"', {"A": "1\n2"}),
        ("'A'=1", {"A": "1"}),
        ("'A B'=1", {"A B": "1"}),
        ("a.b-c=1", {"a.b-c": "1"}),
        ("A=1\nA=2", {"A": "2"}),
        ("A=it's", {"A": "it's"}),
        ("A=caf\u00e9", {"A": "caf\u00e9"}),
        ("A=b=c", {"A": "b=c"}),
    ],
)
def test_a_file_means_what_it_means_to_python_dotenv(text: str, values: dict[str, str]) -> None:
    assert dict(settings(text)) == values
    assert dict(dotenv_values(stream=StringIO(text.replace("\r\n", "\n")))) == values


SNIPPETS = st.sampled_from(
    [*"ABC='\"\\${}:-# \n\t", "A=", "\nB=", "${A}", "${B:-x}", "export ", "\\n", "'x'", '"y"']
)


@given(st.lists(SNIPPETS, max_size=25).map("".join), ENVIRONMENTS)
def test_whatever_is_accepted_has_python_dotenvs_values(text: str, shell: dict[str, str]) -> None:
    layer, problems = envfile.parse(text.encode(), ".env")
    assume(not problems)
    with pytest.MonkeyPatch.context() as patch:
        for key in "ABC":
            patch.delenv(key, raising=False)
        for key, value in shell.items():
            patch.setenv(key, value)
        theirs = dotenv_values(stream=StringIO(text))
    assert dict(resolve([layer], shell)[0]) == theirs


@pytest.mark.parametrize(
    ("texts", "shell", "values"),
    [
        (["A=1\nB=${A}${A}"], {}, {"A": "1", "B": "11"}),
        (["A=1\nB=$A-$(x)"], {}, {"A": "1", "B": "$A-$(x)"}),
        (["B='${A}'"], {"A": "s"}, {"B": "s"}),
        (["A=${A}2"], {"A": "1"}, {"A": "12"}),
        (["A=1\nA=${A}2\nA=${A}3"], {"A": "s"}, {"A": "123"}),
        (["B=${A}\nA=1"], {"A": "s"}, {"A": "1", "B": "s"}),
        (["B=${A}\nA=1"], {}, {"A": "1", "B": ""}),
        (["A=\nB=${A:-x}${C:-y}"], {}, {"A": "", "B": "y"}),
        (["B=${A:-x}"], {"A": "s"}, {"B": "s"}),
        (["A=1\nB=${A}", "A=2\nC=${A}${B}"], {}, {"A": "2", "B": "1", "C": "21"}),
        (["A=${B}", "B=1"], {}, {"A": "", "B": "1"}),
    ],
)
def test_references_mean_what_was_bound_before_them_else_the_shell(
    texts: list[str], shell: dict[str, str], values: dict[str, str]
) -> None:
    assert dict(settings(*texts, shell=shell)) == values


def test_nothing_is_read_from_the_running_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", "live")
    assert settings("B=${A}${PATH:-none}") == {"B": "none"}


def test_each_setting_knows_the_file_that_set_it_last() -> None:
    both = settings("A=1\nB=1", "B=2")
    assert {key: both.source(key) for key in both} == {"A": ".env0", "B": ".env1"}
    assert len(both) == 2


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"A", [1]),
        (b"A=1\n\n\n  B\nC=1\n\nD", [4, 7]),
        (b"export A", [1]),
        (b"export", [1]),
        (b"A # =", [1]),
        (b"=1", [1]),
        (b"A=1\n\n=1\nB=2\nC D=2", [3, 5]),
        (b"A: 1", [1]),
        (b"A=1\nB='1", [2]),
        (b'A=1\n\nB="1\nC=2\nD', [3]),
        (b"A=1\n'B=1\nC", [2]),
        (b"A='1'x\nB", [1]),
        (b'\n\nA="1\nB="2"\nC', [3]),
        (b"A\nB='1\nC", [1, 2]),
        (b"A x='1'\nB", [1]),
        (b"it's\nB", [1]),
        (b"'A=B'=1", [1]),
        (b"A=1\n'A\nB'=1", [2]),
        (b"A=1\n\xff\nB", [2]),
        (b"A=1\nB=\0\nC", [2]),
        (b"A=1\nB=x" + b" " * 1000 + b"y\nC", [2]),
        (b"A=1\nB=" + b"${" * 1001 + b"\nC", [2, 3]),
        (b"A=1\nB=" + b"x" * (LARGEST_STRING + 1) + b"\nC", [2, 3]),
        (b"\nA=1" * (LARGEST_FILE // 4) + b"\n", [None]),
        (b"A=1\nB=x" + b" " * 999 + b"y", []),
        (b"A=1\nB=" + b"${" * 1000, []),
        (b"\n" * LARGEST_FILE, []),
    ],
)
def test_what_is_wrong_is_told_with_its_line(data: bytes, lines: list[int | None]) -> None:
    assert places(data) == lines


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"A", "no `=`"),
        (b"=1", "KEY=value"),
        (b"A B", "KEY=value"),
        (b"A B='1'", "KEY=value"),
        (b"A='1", "not closed"),
        (b'export A = "1\n2', "not closed"),
        (b"'A'='1\n2", "not closed"),
        (b"'A=1", "not closed"),
        (b"export 'A=1", "not closed"),
        (b"A='1' 2", "follows"),
        (b"'A' = '1\n2\\'3' 4", "follows"),
        (b'A="1\nB="2"', "follows"),
        (b"'A=B'=1", "name"),
        (b"\xff", "UTF-8"),
        (b"A=\0", "NUL"),
        (b"A=x" + b" " * 1000, "blanks"),
        (b"A=" + b"${}" * 1001, "references"),
        (b"A=" + b"x" * LARGEST_STRING + b"x", "128 KiB"),
        (b"#" * LARGEST_FILE + b"#", "1 MiB"),
    ],
)
def test_a_problem_says_what_is_wrong(data: bytes, words: str) -> None:
    assert words in message(data)


def test_problems_name_the_file() -> None:
    assert str(envfile.parse(b"\nA", "dev/.env")[1][0]).startswith("dev/.env:2: ")


@pytest.mark.parametrize("key", ["A", "KEY" * 9])
def test_a_string_may_be_as_long_as_the_kernel_takes(key: str) -> None:
    fits = "x" * (LARGEST_STRING - len(key) - 2)
    assert settings(f"{key}={fits}")[key] == fits
    layer, _ = envfile.parse(f"B=1\n{key}={fits}x".encode(), ".env")
    assert [problem.line for problem in resolve([layer], {})[1]] == [2]


@pytest.mark.parametrize(
    ("shell", "text", "lines"),
    [
        ("\u00e9" * (LARGEST_STRING // 4), "A=1\nB=${H}\nC=${H}${H}", [3]),
        ("\udcff" * (LARGEST_STRING - 4), "A=${H}\nAA=${H}\nAAA=${H}", [3]),
    ],
)
def test_a_string_is_measured_in_bytes_and_with_its_references(
    shell: str, text: str, lines: list[int]
) -> None:
    layer, _ = envfile.parse(text.encode(), ".env")
    values, problems = resolve([layer], {"H": shell})
    assert [problem.line for problem in problems] == lines
    assert dict(values) == {}


@pytest.mark.parametrize("lines", ["A=${A}${A}", "A=${A}${B}\nB=${B}${A}"])
def test_references_that_multiply_are_a_problem_at_once(lines: str) -> None:
    layer, _ = envfile.parse(b"A=xx\nB=xx\n" + f"{lines}\n".encode() * 100, ".env")
    _, [problem] = resolve([layer], {})
    assert problem.line is not None
    assert 10 < problem.line < 40


def test_all_settings_together_fit_what_the_kernel_takes() -> None:
    big = "x" * (LARGEST_STRING - 10)
    layers = [envfile.parse(f"A{n}={big}".encode(), f".env{n}")[0] for n in range(9)]
    assert resolve(layers[:8], {})[1] == ()
    [problem] = resolve(layers, {})[1]
    assert (problem.file, problem.line) == (".env8", 1)
    assert 8 * LARGEST_STRING == LARGEST_TOTAL


def test_the_settings_leave_room_for_what_the_shell_exports_and_they_do_not_replace() -> None:
    layer, _ = envfile.parse(b"A=xx\nB=xx\n", ".env")
    shell = {"OTHER": "x" * 1000, "A": "x" * 1000}
    takes = len("OTHER=\0") + 1000 + len("A=xx\0B=xx\0") + envfile.RESERVE
    assert resolve([layer], shell, takes)[1] == ()
    [problem] = resolve([layer], shell, takes - 1)[1]
    assert problem.line == 2


SECRET = "s3cr3t"  # a piece that no name, message or repr of ours contains
LINES = st.sampled_from(
    [
        *("A=@", "A='@'", 'A="@"', "A='@", 'A="@', "A='@'@", 'A="@" @', "@", "@'", '@"', " @ # @"),
        *(
            "A=@ '@",
            "'@",
            "'@'",
            "@ @",
            "=@",
            "@=",
            "A=\\@",
            "",
            "#@",
            "A=${@}",
            "B=${A:-@}",
            "A=@\0",
        ),
        *("A=@\u00ff", "export @", "-----@-----", "@==", "\\@'", "A=\n@\n", 'A="\n@\nB="@\n@\n"'),
    ]
)


@given(st.lists(LINES, min_size=1).map("\n".join), st.booleans())
def test_no_problem_contains_any_text_of_the_file(text: str, latin: bool) -> None:  # noqa: FBT001
    data = text.replace("@", SECRET).encode("latin-1" if latin else "utf-8")
    layer, problems = envfile.parse(data, ".env")
    assert SECRET not in "".join(map(str, problems)) + repr(problems)
    if problems:
        assert SECRET not in repr(layer)


ALPHABET = st.characters(min_codepoint=0x100, exclude_categories=["Cs"])


@given(st.text(ALPHABET, min_size=2), st.text(ALPHABET, min_size=2))
def test_no_repr_and_no_exception_contains_a_value(old: str, new: str) -> None:
    assume(not old.isspace() and not new.isspace())
    layer, problems = envfile.parse(f"A='{old}'\nB='{new}'\nC=${{A}}".encode(), ".env")
    assert problems == ()
    both = resolve([layer], {"D": old})[0]
    assert both["C"] == old
    with pytest.raises(KeyError) as error:
        both["E"]
    seen = f"{layer!r} {layer} {both!r} {both} {both.keys()!r} {error.value!r} {layer.bindings}"
    seen += f"{diff(both, {'A': new})!r} {hidden_by(both, {'A': new})}"
    assert not set(old + new) & set(seen)
    assert "A" in repr(both)
    assert "A" in repr(layer)


@pytest.mark.parametrize(
    ("old", "new", "expected", "text"),
    [
        ({}, {}, Diff(), ""),
        ({"A": "1"}, {"A": "1"}, Diff(), ""),
        ({"A": "1"}, {"A": "2"}, Diff(changed=("A",)), "~A"),
        ({}, {"A": ""}, Diff(added=("A",)), "+A"),
        ({"A": ""}, {}, Diff(removed=("A",)), "-A"),
        (
            {"A": "1", "B": "1", "C": "1", "E": "1"},
            {"D": "1", "B": "2", "A": "2", "E": "1"},
            Diff(added=("D",), removed=("C",), changed=("B", "A")),
            "~B ~A +D -C",
        ),
    ],
)
def test_a_difference_names_what_was_changed_added_and_removed(
    old: dict[str, str], new: dict[str, str], expected: Diff, text: str
) -> None:
    assert diff(old, new) == expected
    assert str(diff(old, new)) == text
    assert bool(diff(old, new)) == bool(text)


@given(ENVIRONMENTS, ENVIRONMENTS)
def test_a_difference_has_every_key_that_differs_once(
    old: dict[str, str], new: dict[str, str]
) -> None:
    found = diff(old, new)
    assert sorted(found.keys) == sorted(
        key for key in old.keys() | new.keys() if old.get(key) != new.get(key)
    )
    assert bool(found) == (old != new)
    back = diff(new, old)
    assert set(back.added) == set(found.removed)
    assert set(back.changed) == set(found.changed)


def test_an_edit_that_changes_no_value_is_no_difference() -> None:
    before = settings("A=1\nB=2")
    assert not diff(before, settings("# touched\nB='2'\nexport A = 1  # same\n"))
    assert before == settings("B=2\nA=1")
    assert before != settings("B=2\nA=2")


def test_keys_that_the_shell_exports_with_another_value_are_named() -> None:
    shell = {"A": "1", "B": "2", "X": "3"}
    assert hidden_by(settings("A=1\nB=3\nC=4"), shell) == ("B",)


def child(shell: Mapping[str, str], text: str = "", *, terminal: bool = False) -> dict[str, str]:
    marks = {"DEVSUP_RUN": "run", "DEVSUP_SERVICE": "web.1", "DEVSUP_GENERATION": "3"}
    env = environment(shell, settings(text), port=5000, terminal=terminal, marks=marks)
    assert marks.items() <= env.items()
    return {key: value for key, value in env.items() if key not in marks}


PLAIN = {"PORT": "5000", "PYTHONUNBUFFERED": "1"}


@pytest.mark.parametrize(
    ("shell", "text", "expected"),
    [
        ({}, "", PLAIN),
        ({"A": "1", "B": "1"}, "B=2", PLAIN | {"A": "1", "B": "2"}),
        ({"PORT": "80"}, "", PLAIN),
        ({"PORT": "80"}, "PORT=81", PLAIN | {"PORT": "81"}),
        ({"PYTHONUNBUFFERED": ""}, "", PLAIN | {"PYTHONUNBUFFERED": ""}),
        ({}, "PYTHONUNBUFFERED=0", PLAIN | {"PYTHONUNBUFFERED": "0"}),
        (
            {"DEVSUP_RUN": "outer", "DEVSUP_X": "1", "DEVSUPPORT": "1"},
            "",
            PLAIN | {"DEVSUPPORT": "1"},
        ),
        ({}, "DEVSUP_RUN=forged\nDEVSUP_X=2", PLAIN | {"DEVSUP_X": "2"}),
    ],
)
def test_a_child_gets_the_shell_then_the_files_then_what_devsup_adds(
    shell: dict[str, str], text: str, expected: dict[str, str]
) -> None:
    assert child(shell, text) == expected


@pytest.mark.parametrize(
    ("shell", "text", "colour"),
    [
        ({}, "", "1"),
        ({"FORCE_COLOR": "3"}, "", "3"),
        ({"FORCE_COLOR": "3"}, "FORCE_COLOR=0", "0"),
        ({"NO_COLOR": "1"}, "", None),
        ({"TERM": "dumb"}, "", None),
        ({"TERM": "xterm"}, "", "1"),
        ({}, "NO_COLOR=1", None),
    ],
)
def test_colour_is_asked_for_on_a_terminal_where_nobody_said_otherwise(
    shell: dict[str, str], text: str, colour: str | None
) -> None:
    assert child(shell, text, terminal=True).get("FORCE_COLOR") == colour
    assert "FORCE_COLOR" not in child({}, "", terminal=False)


@given(ENVIRONMENTS, ENVIRONMENTS, TEXTS)
def test_composing_an_environment_changes_nothing_it_was_made_from(
    shell: dict[str, str], values: dict[str, str], mark: str
) -> None:
    before = dict(shell), dict(values)
    env = environment(shell, values, port=1, terminal=True, marks={"DEVSUP_RUN": mark})
    assert (shell, values) == before
    assert (shell | values).items() <= env.items()


@given(st.binary(max_size=200))
def test_any_bytes_are_settings_or_problems(data: bytes) -> None:
    layer, problems = envfile.parse(data, ".env")
    lines = data.count(b"\n") + data.count(b"\r") + 1
    assert all(problem.line is None or 1 <= problem.line <= lines for problem in problems)
    assert [b.line for b in layer.bindings] == sorted(b.line for b in layer.bindings)
