"""What a shell line says about its program; real shells check the rest in tests/edge."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsup.pure.shell import changes_directory, program_words, sought_program, with_exec

FRAGMENTS = st.lists(
    st.sampled_from(
        [*" ;&|<>()'\"\\#$`{}!\n=a1/", "&&", "a b", "A=1 ", "exec ", "cd x && ", "${A}", "$(b)"]
    )
).map("".join)


@pytest.mark.parametrize(
    ("line", "shell_line"),
    [
        ("serve", "exec serve"),
        ("A=1 B='2' serve --x", "A=1 B='2' exec serve --x"),
        ("cd backend && A=1 serve", "cd backend && A=1 exec serve"),
        ("A=1; B=$A serve", "A=1; B=$A exec serve"),
        ("prepare; serve; # done", "prepare; exec serve; # done"),
        (". .venv/bin/activate && serve", ". .venv/bin/activate && exec serve"),
        ("source '.venv/bin/activate'; serve", "source '.venv/bin/activate'; exec serve"),
        ("$VENV/bin/serve", "exec $VENV/bin/serve"),
        (". .venv/bin/activate x && serve", ". .venv/bin/activate x && serve"),
        (". ./functions && serve", ". ./functions && serve"),
        ("$SETUP && serve", "$SETUP && serve"),
        ("while true; do serve; done", "while true; do serve; done"),
        ("if ready; then serve", "if ready; then serve"),
        ("serve | tee log", "serve | tee log"),
        ("export A=1", "export A=1"),
        ("A=1", "A=1"),
        ("", ""),
    ],
)
def test_exec_comes_before_the_last_program_or_not_at_all(line: str, shell_line: str) -> None:
    assert with_exec(line) == shell_line


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("serve --port $PORT", ("serve", "--port", "$PORT")),
        ('serve -b "0.0.0.0:${PORT}"', ("serve", "-b", "0.0.0.0:${PORT}")),
        ("cd x && A=1 >log serve 2>&1 'a b' c\\ d # e", ("serve", "a b", "c d")),
        (r'"say \"hi\" \$A \x" \"', (r'say "hi" $A \x', '"')),
        ("exec serve -x", ("serve", "-x")),
        ("A=1 exec serve", ("serve",)),
        ("exec", ()),
        ("echo hi", ("echo", "hi")),
        ("first; second", ("second",)),
        ("serve | tee log", ()),
        ("serve 'x", ()),
        ("serve &", ()),
        ("while true; do echo x; sleep 7; done", ()),
        ("if true; then serve; fi", ()),
        ("{ serve; }", ()),
        ("A=1", ()),
        ("", ()),
    ],
)
def test_the_programs_words_are_those_of_the_last_command(
    line: str, words: tuple[str, ...]
) -> None:
    assert program_words(line) == words


@pytest.mark.parametrize(
    ("line", "program"),
    [
        ("A=1 exec serve --port $PORT", "serve"),
        ("for i in 1 2; do sleep 9; done", None),
        ("read _ < gate", None),
        ("trap x TERM; wait", None),
        ("bin/serve", None),
        ("$SERVE", None),
        ("serve &", None),
    ],
)
def test_only_what_the_shell_looks_for_on_path_is_sought(line: str, program: str | None) -> None:
    assert sought_program(line) == program


@given(FRAGMENTS)
def test_nothing_but_one_exec_is_ever_added(line: str) -> None:
    changed = with_exec(line)
    assert changed == line or line in _without_one_exec(changed)


def _without_one_exec(line: str) -> set[str]:
    places = [at for at in range(len(line)) if line.startswith("exec ", at)]
    return {line[:at] + line[at + len("exec ") :] for at in places}


@given(FRAGMENTS)
def test_adding_exec_twice_adds_it_once(line: str) -> None:
    assert with_exec(with_exec(line)) == with_exec(line)


@given(FRAGMENTS)
def test_exec_changes_nothing_about_the_programs_words(line: str) -> None:
    assert program_words(with_exec(line)) == program_words(line)


@pytest.mark.parametrize("command", ["cd app && serve", "(cd  app; serve) | tee log", "pushd x;a"])
def test_a_line_that_changes_directory_is_told(command: str) -> None:
    assert changes_directory(command)


@pytest.mark.parametrize("command", ["serve", "abcd x", "./cd app", "serve --cd app", "serve cd"])
def test_a_line_that_stays_where_it_is_is_told(command: str) -> None:
    assert not changes_directory(command)
