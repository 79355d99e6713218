"""`with_exec` against real shells: nothing changes but who the leader is."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from devsup.pure.shell import with_exec

SHELLS = [shell for shell in ("dash", "bash") if shutil.which(shell)]

WITH_EXEC = [
    "show",
    "show a b",
    "  show  a\t",
    "A=1 show",
    "A=1 B=${A}2 show",
    "A='1 2' B=\"$HOME x\" C=$(printf c) show",
    "A= show",
    "PATH=extra:$PATH hidden",
    "./show here",
    "./bare",
    '"./show" "a b"',
    "'show' 'it'\\''s' \"say \\\"hi\\\" \\$HOME \\\\ \\x\"",
    '"$HERE"/show path',
    "$HERE/show path",
    "${HERE}/show path",
    'show $HOME ${NOPE:-default} ${NOPE:-two words} $# $? $UNSET "$HERE" $',
    'show $(printf x) "$(printf y)" `printf z`',
    'show $((1 + 2)) "$((3 * 4))"',
    "cd sub && ../show in sub",
    "cd sub; ../show in sub",
    "cd sub && A=1 ../show in sub",
    "mkdir -p made && cd made && ../show",
    "true && show",
    "false && show",
    "false; show",
    "export A=1 && show",
    "A=1; export A; show",
    "set -e; show",
    "unset HOME; show",
    "umask 077 && show",
    "show one; show two",
    "show;",
    "show # a comment",
    "show a#b '#c' # it's a comment; show && (",
    "show *.txt [a]*.txt no*match {a,b} ~ ? !",
    "show > out && ./show a && cat out",
    "show >out 2>&1; cat out",
    "show 2>/dev/null",
    "show >> out; cat < out",
    "show a 2>&1 b",
    ">out show a; cat out",
    ">&2 show a",
    "show < a.txt",
    "cat < a.txt",
    "show 3>&1 1>&2 2>&3",
    "show >/nowhere/at/all",
    "cat missing.txt",
    "not-a-program a",
    "A=1 not-a-program",
    "./a.txt",
    ". venv/bin/activate && show",
    ". ./venv/bin/activate; show",
    "show 'a\nb' \"c\nd\"",
    "show a=b --c=d",
    "show if while do done",
    "env A=1 ./show",
    "show ünï cödé",
]
"""Lines that get an `exec`."""

ALONE = [
    "",
    "   ",
    "# nothing",
    "A=1",
    "echo hi",
    "cd sub",
    "printf x",
    "exec show",
    "A=1 exec show",
    "exec 2>&1; exec show",
    "command show",
    "eval show",
    ". ./lib; greet",
    ". ./lib && show",
    "trap 'echo bye' EXIT; show",
    "show | cat",
    "show |cat; show",
    "show & wait",
    "show &",
    "true & show",
    "show || show again",
    "false || show",
    "! show",
    "! false && show",
    "(show)",
    "(cd sub && ../show)",
    "{ show; }",
    "if true; then show; fi",
    "if true; then show; fi; show",
    "for i in 1 2; do show $i; done",
    "while false; do show; done",
    "case a in a) show;; esac",
    "greet() { show $1; }; greet you",
    "time true",
    "show\nshow",
    "show \\\n a",
    "cat <<EOF\nhello\nEOF",
    "cat <<EOF",
    "show 'unclosed",
    'show "unclosed',
    "show `unclosed",
    "show $(unclosed",
    "show ${unclosed",
    "$PROGRAM a",
    '"$PROGRAM" a',
    "$UNSET show a",
    "`printf show` a",
    "-x/y",
    'show $(printf "a b")',
    "show $(printf \\))",
    "show ${UNSET:-$HOME}",
    "show $'a'",
    "show \\",
    "*/show",
    "A+=1 show",
    "show &>out; cat out",
    "show ;; show",
    "show )",
    "show ;& show",
    "alias show=cat; show a.txt",
]
"""Lines that are left as they are."""

SHOW = """#!/bin/sh
for each in "${0##*/}" "A=$A" "B=$B" "C=$C" "HOME=$HOME" "PWD=$(pwd)" "$@"; do echo "<$each>"; done
echo complaint >&2
exit 3
"""
FILES = {
    "show": SHOW,
    "extra/hidden": SHOW,
    "bare": "echo no interpreter named\n",
    "lib": "greet() { echo hello; }\n",
    "venv/bin/activate": "A=active; export A\n",
    "a.txt": "a\n",
    "b.txt": "b\n",
    "sub/c.txt": "c\n",
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a program that says what it was given."""
    return furnished(tmp_path / "place")


def furnished(place: Path) -> Path:
    for name, text in FILES.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name in ("show", "bare", "extra/hidden"):
        (place / name).chmod(0o755)
    return place


def run(shell: str, line: str, place: Path) -> tuple[int, bytes, bytes]:
    environment = {
        "PATH": f"{place}:/usr/bin:/bin",
        "HERE": str(place),
        "HOME": str(place / "sub"),
        "PROGRAM": "show",
        "LC_ALL": "C.UTF-8",
    }
    done = subprocess.run(
        [shell, "-c", line],
        cwd=place,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("line", WITH_EXEC + ALONE)
def test_a_line_does_the_same_with_and_without_exec(shell: str, line: str, tmp_path: Path) -> None:
    plain = run(shell, line, furnished(tmp_path / "place"))
    shutil.rmtree(tmp_path / "place")
    with_it = run(shell, with_exec(line), furnished(tmp_path / "place"))
    assert with_it[:2] == plain[:2]
    assert with_it[0] in NOT_STARTED or timeless(with_it[2]) == timeless(plain[2])


NOT_STARTED = (126, 127)  # where the shell's own words for it differ


def timeless(complaint: bytes) -> bytes:
    """Without the digits, which are a duration when they come from `time`."""
    return re.sub(rb"\d", b"", complaint)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("line", ["; show", "show && ; show", "show &&", "show &&;", "&& show"])
def test_a_line_that_is_no_shell_stays_none(shell: str, line: str, place: Path) -> None:
    status, out, _ = run(shell, with_exec(line), place)
    assert (status != 0, out) == (True, b"")


@pytest.mark.parametrize("line", WITH_EXEC)
def test_a_line_that_is_understood_gets_exec_once(line: str) -> None:
    assert with_exec(line).count("exec ") == 1
    assert with_exec(line).replace("exec ", "") == line
    assert with_exec(with_exec(line)) == with_exec(line)


@pytest.mark.parametrize("line", ALONE)
def test_a_line_that_is_not_surely_understood_is_left_alone(line: str) -> None:
    assert with_exec(line) == line


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    "before",
    [
        "",
        "A=1 ",
        "A=1 B='2 3' ",
        "cd sub && ",
        "cd sub; ",
        "true && A=1 ",
        ". venv/bin/activate && ",
        "ulimit -n 256 && ",
        "2>&1 ",
        "PATH=/usr/bin:/bin:$PATH ",
    ],
)
def test_where_exec_was_added_the_shell_becomes_the_program(
    shell: str, before: str, place: Path
) -> None:
    program = place / "pid"
    program.write_text("#!/bin/sh\necho $$\n")
    program.chmod(0o755)
    process = subprocess.Popen(
        [shell, "-c", with_exec(f'{before}"$HERE"/pid')],
        cwd=place,
        env={**os.environ, "HERE": str(place)},
        stdout=subprocess.PIPE,
    )
    out, _ = process.communicate(timeout=60)
    assert int(out) == process.pid
