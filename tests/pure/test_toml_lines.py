"""Where the keys of a TOML text stand."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from devsup.pure.toml_lines import key_lines

TEXT = '''# a comment

a = 1
"b c" = """
[no.header]
d = 2
"""
e.f = { g = 1, h = { i = 2 } }   # [x]
[t]
list = [
  "[u]",
  # w = 1
]
after = 1
[t.sub . "x.y"]

z = 1
[[many]]
n = 1
[[many]]
n = 2
'''


def test_each_key_stands_where_its_statement_begins() -> None:
    assert dict(key_lines(TEXT)) == {
        ("a",): 3,
        ("b c",): 4,
        ("e",): 8,
        ("e", "f"): 8,
        ("e", "f", "g"): 8,
        ("e", "f", "h"): 8,
        ("e", "f", "h", "i"): 8,
        ("t",): 9,
        ("t", "list"): 10,
        ("t", "after"): 14,
        ("t", "sub"): 15,
        ("t", "sub", "x.y"): 15,
        ("t", "sub", "x.y", "z"): 17,
        ("many",): 18,
        ("many", "n"): 19,
    }


def test_line_ends_of_other_systems_count_the_same() -> None:
    assert key_lines(TEXT.replace("\n", "\r\n")) == key_lines(TEXT)


STATEMENTS = st.sampled_from(
    ["", "# [c]", "k = 1", "m = '''\nx = 1\n[y]\n'''", "l = [\n 1,\n\n 2]", "i.j = {v = {w = 0}}"]
)
SECTIONS = st.lists(st.lists(STATEMENTS, unique=True), min_size=1, max_size=4)


@given(SECTIONS)
def test_every_key_of_the_text_is_found_and_no_other(sections: list[list[str]]) -> None:
    text = "\n".join(
        f"[s{number}]\n" + "\n".join(statements) for number, statements in enumerate(sections)
    )
    document = tomllib.loads(text)
    lines = key_lines(text)
    for path, line in lines.items():
        value = document
        for key in path:
            value = value[key]
        written = text.split("\n")[line - 1]
        assert any(key in written for key in path)
    assert {path[:2] for path in lines if len(path) > 1} == {
        (section, key) for section, table in document.items() for key in table
    }
