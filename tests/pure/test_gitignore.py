"""What a `.gitignore` names; the same is held against git itself in edge/test_git.py."""

import pytest

from devsup.pure.gitignore import parse


@pytest.mark.parametrize(
    ("rules", "path", "verdict"),
    [
        ("*.log", "a.log", True),
        ("*.log", "a/b.log", True),
        ("*.log", "a.logs", None),
        ("/a", "a", True),
        ("/a", "b/a", None),
        ("a/b", "a/b", True),
        ("a/b", "c/a/b", None),
        ("**/a/b", "c/a/b", True),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/c/d/b", True),
        ("a/**", "a/b/c", True),
        ("a/**", "a", None),
        ("*.log\n!keep.log", "keep.log", False),
        ("!keep.log\n*.log", "keep.log", True),
        ("build/", "build", None),
        ("# build", "# build", None),
        (r"\#build", "#build", True),
        (r"\!build", "!build", True),
        ("a  ", "a", True),
        ("a\\ ", "a ", True),
        ("a\r\nb\r\n", "a", True),
        ("[ab]?.py", "ax.py", True),
        ("[!ab].py", "a.py", None),
        ("[[:digit:]]", "5", True),
        ("[b-a]", "a", None),
        ("[a", "[a", None),
        ("a\\", "a\\", None),
        ("*/b", "a/c/b", None),
        ("\ufeffa", "a", True),
        ("", "a", None),
    ],
)
def test_a_rule_names_a_file(rules: str, path: str, verdict: bool | None) -> None:  # noqa: FBT001
    assert parse(rules.encode()).verdict(path.encode(), directory=False) is verdict


def test_a_slash_at_the_end_means_folders_only() -> None:
    rules = parse(b"build/\n")
    assert rules.verdict(b"a/build", directory=True) is True
    assert rules.verdict(b"a/build", directory=False) is None
