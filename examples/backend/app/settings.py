"""The settings, read once, at import, from the environment.

There is no `load_dotenv` here: who starts the processes gives them their environment, and a process
whose settings never change cannot disagree with itself.

A bad value ends the process at once with one line that names the key. Values are secrets: nothing
here prints one, in no message, repr or traceback. An empty value counts as not set.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

SWITCH = {"0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}


class SettingError(ValueError):
    """A setting that cannot be used: its key and the rule that it breaks, not its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What this process runs on; the defaults fit the servers of the top-level Procfile."""

    database_url: URL = field(repr=False)
    disable_pool: bool
    pool_size: int
    max_overflow: int
    broker_url: str = field(repr=False)
    result_backend: str = field(repr=False)


def read(environ: Mapping[str, str]) -> Settings:
    """Read all settings; raises SettingError for the first bad one."""
    db_port = _number(environ, "DB_PORT", 54329, least=1)
    broker_port = _number(environ, "BROKER_PORT", 63799, least=1)
    broker_url = environ.get("CELERY_BROKER_URL") or f"redis://127.0.0.1:{broker_port}/0"
    return Settings(
        database_url=_database_url(environ, f"postgresql+asyncpg://app@127.0.0.1:{db_port}/app"),
        disable_pool=_switch(environ, "SQLALCHEMY_DISABLE_POOL", default="0"),
        pool_size=_number(environ, "SQLALCHEMY_POOL_SIZE", 5, least=1),
        max_overflow=_number(environ, "SQLALCHEMY_MAX_OVERFLOW", 10, least=0),
        broker_url=broker_url,
        result_backend=environ.get("CELERY_RESULT_BACKEND") or broker_url,
    )


def read_or_exit() -> Settings:
    """Read the environment of this process; a bad setting ends it, plainly."""
    try:
        return read(os.environ)
    except SettingError as error:
        sys.exit(f"settings: {error}")


# `from None`, three times: the exceptions underneath quote the value.


def _number(environ: Mapping[str, str], key: str, default: int, *, least: int) -> int:
    try:
        number = int(environ.get(key) or default)
    except ValueError:
        raise SettingError(f"{key} must be a whole number") from None
    if number < least:
        raise SettingError(f"{key} must be {least} or more")
    return number


def _switch(environ: Mapping[str, str], key: str, *, default: str) -> bool:
    try:
        return SWITCH[(environ.get(key) or default).lower()]
    except KeyError:
        raise SettingError(f"{key} must be 0 or 1") from None


def _database_url(environ: Mapping[str, str], default: str) -> URL:
    rule = "DATABASE_URL must look like postgresql+asyncpg://user:password@host:5432/name"
    try:
        url = make_url(environ.get("DATABASE_URL") or default)
    except (ArgumentError, ValueError):
        raise SettingError(rule) from None
    if url.drivername != "postgresql+asyncpg":
        raise SettingError(rule)
    return url


settings = read_or_exit()
