"""Environments as the kernel shows them: `KEY=value` NUL …, or what was written over that."""

from collections.abc import Mapping

# A login, a shell, a desktop, cron and systemd each set some of these, and children inherit them.
USUAL = frozenset({"HOME", "PWD", "USER", "LOGNAME", "SHLVL", "INVOCATION_ID"})


def parse(data: bytes) -> tuple[dict[str, str], bool]:
    """An environment from the kernel's `KEY=value` NUL …, and whether it looks untouched.

    A process may write anything over it (setproctitle, PostgreSQL): that is not the same as having
    been started without one.
    """
    entries = data.removesuffix(b"\0").split(b"\0") if data else []
    pairs = (entry.decode(errors="surrogateescape").partition("=") for entry in entries)
    return {key: value for key, is_set, value in pairs if is_set}, all(
        b"=" in entry for entry in entries
    )


def is_cleared(environ: Mapping[str, str], *, intact: bool) -> bool:
    """Whether a process was started without the environment that users' processes have."""
    return intact and USUAL.isdisjoint(environ)
