"""The example application reads its settings plainly: without devsup, without servers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BACKEND = Path(__file__).parents[2] / "examples" / "backend"
KEYS = ("SQLALCHEMY_", "DATABASE_", "CELERY_", "DB_PORT", "BROKER_PORT", "DEVSUP_")


def run(*command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    pristine = {key: value for key, value in os.environ.items() if not key.startswith(KEYS)}
    return subprocess.run(
        [sys.executable, *command],
        cwd=BACKEND,
        env={**pristine, **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def evaluate(expression: str, **settings: str) -> str:
    result = run("-c", f"from app.db.session import *; print({expression})", **settings)
    assert result.stderr == ""
    return result.stdout.strip()


BAD = [
    ("SQLALCHEMY_POOL_SIZE", "ten"),
    ("SQLALCHEMY_POOL_SIZE", "-77"),
    ("SQLALCHEMY_MAX_OVERFLOW", "lots"),
    ("SQLALCHEMY_DISABLE_POOL", "perhaps"),
    ("DATABASE_URL", "postgresql://me:secret@there/name"),
    ("DATABASE_URL", "postgresql+asyncpg://me:secret@there:port/name"),
    ("DATABASE_URL", "secret"),
    ("DB_PORT", "secret"),
]


@pytest.mark.parametrize(("key", "value"), BAD)
def test_a_bad_setting_ends_the_import_with_one_line_that_names_the_key_alone(
    key: str, value: str
) -> None:
    result = run("-c", "import app.settings", **{key: value})
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"settings: {key} must ")
    assert result.stderr.count("\n") == 1
    assert value not in result.stderr
    assert "secret" not in result.stderr


@pytest.mark.parametrize(
    "program",
    [("uvicorn", "app.main:app", "--port", "0"), ("celery", "-A", "app.worker", "worker")],
    ids=["uvicorn", "celery"],
)
def test_a_bad_setting_ends_each_program_of_the_stack_with_that_line(
    program: tuple[str, ...],
) -> None:
    result = run("-m", *program, SQLALCHEMY_POOL_SIZE="ten")
    assert result.returncode == 1
    assert result.stderr == "settings: SQLALCHEMY_POOL_SIZE must be a whole number\n"


def test_the_defaults_need_no_settings() -> None:
    assert evaluate("engine.url") == "postgresql+asyncpg://app@127.0.0.1:54329/app"
    assert evaluate("pool_report().pool, pool_report().size") == "AsyncAdaptedQueuePool 5"


def test_an_empty_value_counts_as_not_set() -> None:
    settings = {"SQLALCHEMY_POOL_SIZE": "", "SQLALCHEMY_DISABLE_POOL": "", "DATABASE_URL": ""}
    assert evaluate("pool_report().size", **settings) == "5"


def test_the_pool_is_the_one_that_the_settings_ask_for() -> None:
    assert evaluate("pool_report().pool", SQLALCHEMY_DISABLE_POOL="1") == "NullPool"
    assert evaluate("pool_report().size", SQLALCHEMY_POOL_SIZE="7") == "7"


def test_the_report_carries_the_generation() -> None:
    assert evaluate("pool_report().generation") == "None"
    assert evaluate("pool_report().generation", DEVSUP_GENERATION="3") == "3"


def test_no_value_that_may_be_secret_stands_in_the_repr_of_the_settings() -> None:
    shown = evaluate(
        "settings, engine",
        DATABASE_URL="postgresql+asyncpg://me:hidden@there/name",
        CELERY_BROKER_URL="redis://:hidden@there/0",
    )
    assert "disable_pool=False" in shown
    assert "hidden" not in shown
