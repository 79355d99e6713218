"""The shell line that a service is started with, and what it says about the program.

Of the shell's language this reads only what is safe to read: simple commands joined by `&&` and
`;`. Every other line is left alone, and `sh` does with it what it would do without devsup.
"""

import re
from collections.abc import Iterable
from itertools import groupby

# Expansions that contain no quotes and no further expansions; others are not read at all.
_EXPANSION = (
    r"\$(?:\w+|[@*#?$!-]|\{[^{}'\"`\\$\n]*\}|\(\([^()'\"`\\]*\)\)|\([^()'\"`\\]*\))"
    r"|`[^`'\"\\]*`"
)
_DOLLAR = r"\$(?![({'\"])"
_DOUBLE_QUOTED = rf'"(?:[^"\\$`]|\\[^\n]|{_EXPANSION}|{_DOLLAR})*+"'
_SINGLE_QUOTED = r"'[^']*+'"
_ESCAPED = r"\\[^\n]"
_PLAIN = r"[^\s'\"\\$`|&;<>()]++"
_WORD = rf"(?:{_PLAIN}|{_SINGLE_QUOTED}|{_DOUBLE_QUOTED}|{_ESCAPED}|{_EXPANSION}|{_DOLLAR})++"

_TOKEN = re.compile(
    r"(?P<ignored>[ \t]++|#[^\n]*+)"
    r"|(?P<joint>&&|;(?!;))"
    rf"|(?P<redirection>\d*+(?:>>|>\||<>|[<>]&?)[ \t]*+{_WORD})"
    rf"|(?P<word>{_WORD})"
)
_QUOTE = re.compile(rf"{_SINGLE_QUOTED}|{_DOUBLE_QUOTED}|{_ESCAPED}")
_ESCAPE_IN_QUOTES = re.compile(r'\\([$`"\\])')
_ANY_EXPANSION = re.compile(_EXPANSION)

_CHANGE_OF_DIRECTORY = re.compile(r"(?<![\w./-])(?:cd|chdir|pushd)\s")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_NAME = re.compile(r"[\w.~/][\w.+@,:~/ -]*")
_ACTIVATE = re.compile(r"(?:.*/)?bin/activate")


def _vocabulary(words: str) -> frozenset[str]:
    return frozenset(words.split())


_KEYWORDS = _vocabulary("""
    ! { } [[ ]] case coproc do done elif else esac fi for function if in select then time until
    while
""")
_BUILTINS = _vocabulary("""
    . : [ alias bg bind break builtin caller cd chdir command compgen complete compopt continue
    declare dirs disown echo enable eval exec exit export false fc fg getopts hash help history
    jobs kill let local logout mapfile popd printf pushd pwd read readarray readonly return set
    shift shopt source suspend test times trap true type typeset ulimit umask unalias unset wait
""")
"""Of dash and of bash. `exec` runs programs only, and programs of these names may differ."""

_UNFORESEEABLE = _vocabulary(". alias builtin command enable eval source trap")
"""Builtins that can change what a later word means, or leave something to do at the end."""

Token = re.Match[str]


def with_exec(command: str) -> str:
    """The line with `exec` before its last command, so that no waiting `sh` is the leader.

    dash waits even for a single command. Assignments and redirections stay where they are:
    `cd app && DEBUG=1 serve` becomes `cd app && DEBUG=1 exec serve`.
    """
    *earlier, last = _commands(command)
    program = _program(last)
    if program is None or not _is_external(program) or not all(map(_is_harmless, earlier)):
        return command
    return f"{command[: program.start()]}exec {command[program.start() :]}"


def program_words(command: str) -> tuple[str, ...]:
    """The last command's words without quotes, assignments, redirections and `exec`.

    Expansions stay as they are written (`$PORT`). Nothing when the line is not understood, or ends
    with a loop or the like.
    """
    *_, last = _commands(command)
    program = _program(last)
    if program is None or program["word"] in _KEYWORDS:
        return ()
    words = [token for token in last if token["word"] and token.start() >= program.start()]
    names = tuple(_unquoted(token["word"]) for token in words)
    return names[1:] if names[0] == "exec" else names


def sought_program(command: str) -> str | None:
    """What the shell is sure to look for on PATH as the last command."""
    name = next(iter(program_words(command)), "")
    is_sought = name and "/" not in name and "$" not in name and name not in _BUILTINS
    return name if is_sought else None


def changes_directory(command: str) -> bool:
    """Whether a relative path may mean something else at its end; a `cd` in any place counts."""
    return _CHANGE_OF_DIRECTORY.search(command) is not None


def is_plain(command: str) -> bool:
    """Whether it is nothing but simple commands, with every quote closed."""
    programs = [_program(each) for each in _commands(command)]
    is_cut = command.rstrip().endswith("&&")
    return not is_cut and all(each and each["word"] not in _KEYWORDS for each in programs)


def _commands(line: str) -> list[list[Token]]:
    """Words and redirections of each simple command; a single empty one for any other line."""
    tokens = list(_TOKEN.finditer(line))
    if sum(len(token.group()) for token in tokens) < len(line):
        return [[]]
    commands = groupby(_significant(tokens), lambda token: token["joint"] is None)
    return [list(command) for is_command, command in commands if is_command] or [[]]


def _significant(tokens: Iterable[Token]) -> Iterable[Token]:
    return (token for token in tokens if token["ignored"] is None)


def _program(command: Iterable[Token]) -> Token | None:
    """The word that names the program."""
    words = (token for token in command if token["word"])
    return next((word for word in words if not _ASSIGNMENT.match(word["word"])), None)


def _is_external(word: Token) -> bool:
    """Whether `exec` finds what the word alone would start."""
    name = _name(word["word"])
    return name is not None and name not in _KEYWORDS | _BUILTINS


def _is_harmless(command: list[Token]) -> bool:
    """Whether the commands after this one mean what they say."""
    program = _program(command)
    if program is None:
        return True
    name = _name(program["word"])
    if name in {".", "source"}:
        arguments = [token["word"] for token in command if token.start() > program.start()]
        return len(arguments) == 1 and _ACTIVATE.fullmatch(_unquoted(arguments[0])) is not None
    return name is not None and name not in _KEYWORDS | _UNFORESEEABLE


def _name(word: str) -> str | None:
    """What a word is sure to name: literally, or as a path, which is no builtin and no function."""
    plain = _unquoted(word)
    fixed = _ANY_EXPANSION.sub("", plain)
    is_path = "/" in fixed and _NAME.fullmatch(fixed)
    return plain if is_path or _NAME.fullmatch(plain) or plain in _KEYWORDS | _BUILTINS else None


def _unquoted(word: str) -> str:
    return _QUOTE.sub(lambda quote: _content(quote.group()), word)


def _content(quote: str) -> str:
    if quote[0] == "\\":
        return quote[1:]
    return quote[1:-1] if quote[0] == "'" else _ESCAPE_IN_QUOTES.sub(r"\1", quote[1:-1])
