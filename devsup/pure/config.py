"""`[tool.devsup]` to options, with a problem for every key that is wrong."""

import re
import tomllib
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import PurePath
from signal import Signals
from typing import Any, TypeVar
from urllib.parse import urlsplit

from devsup.pure import globs
from devsup.pure.errors import Problem
from devsup.pure.nearest import did_you_mean
from devsup.pure.options import EVERY_KEY, OnExit, Options, ServiceOptions
from devsup.pure.programs import HttpReady, LogReady, PortReady, Ready
from devsup.pure.toml_lines import NOWHERE, Path, key_lines

__all__ = [
    "EVERY_KEY",
    "OnExit",
    "Options",
    "ServiceOptions",
    "check_services",
    "parse",
    "parse_toml",
]

OWN_FILE = "devsup.toml"
LARGEST_LOG = 1024
LONGEST_TIMEOUT = 24 * 60 * 60
_PORTS = range(1, 65536)
_WITHOUT = "`env-files = …` at the top, `[services.web]`"


class _RefusedError(Exception):
    """A value that a key cannot have: how the sentence goes on after the key's name.

    `key` is the one at fault when the value is a table itself.
    """

    def __init__(self, message: str, *key: str) -> None:
        super().__init__(message)
        self.key = key


Parsed = tuple[Options, tuple[Problem, ...]]
_Value = TypeVar("_Value")
_Converter = Callable[[Any], object]
_Fault = tuple[Path, str]


def parse_toml(text: str, file: str) -> Parsed:
    """The options of a file's text: `devsup.toml` as a whole, else its `[tool.devsup]` table."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        return Options(), (_syntax_problem(str(error), text, file),)
    home = () if PurePath(file).name == OWN_FILE else ("tool", "devsup")
    lines = {p[len(home) :]: n for p, n in key_lines(text).items() if p[: len(home)] == home}
    if not home and "tool" in document:
        message = f"`tool`: in {OWN_FILE} the keys stand without `tool.devsup`: {_WITHOUT}"
        return Options(), (Problem(file, lines.get(("tool",)), message),)
    table: Any = document
    for key in home:
        table = table.get(key, {}) if isinstance(table, dict) else None
    if not isinstance(table, dict):
        return Options(), (Problem(file, lines.get(()), "`tool.devsup` must be a table"),)
    return parse(table, file, lines)


def _syntax_problem(error: str, text: str, file: str) -> Problem:
    """The parser says the place within its sentence: `Invalid value (at line 3, column 5)`."""
    message, _, place = error.rpartition(" (at ")
    line = re.match(r"line (\d+)", place)
    at_end = text.rstrip("\n").count("\n") + 1
    return Problem(file, int(line[1]) if line else at_end, f"is not valid TOML: {message or error}")


def parse(table: Mapping[str, object], file: str, lines: Mapping[Path, int] = NOWHERE) -> Parsed:
    """The options of a table. A key that is wrong is a problem and counts as not written."""
    values, faults = _convert(table, _KEYS, ())
    services, service_faults = _services(values.pop("services", {}))
    options = Options(**values, services=services, lines=lines)
    return options, _problems((*faults, *service_faults), file, lines)


def check_services(options: Options, types: Collection[str], file: str) -> tuple[Problem, ...]:
    """What is wrong with the tables of process types in view of the Procfile's."""
    faults = [*_unknown_types(options, types), *_circle(options)]
    return _problems(faults, file, options.lines)


def _unknown_types(options: Options, types: Collection[str]) -> Iterator[_Fault]:
    for name, service in options.services.items():
        path = ("services", name)
        for of, wanted in ((path, name), *(((*path, "after"), after) for after in service.after)):
            if wanted not in types:
                near = did_you_mean(wanted, types)
                yield of, f'names "{wanted}", not in the Procfile{near}'


def _circle(options: Options) -> Iterator[_Fault]:
    order = TopologicalSorter({name: own.after for name, own in options.services.items()})
    try:
        order.prepare()
    except CycleError as error:
        circle = error.args[1][::-1]
        path = ("services", circle[0], "after")
        yield path, f"goes in a circle: {' after '.join(circle)}"


def _problems(
    faults: Collection[_Fault], file: str, lines: Mapping[Path, int]
) -> tuple[Problem, ...]:
    return tuple(
        Problem(file, lines.get(path), f"`{'.'.join(path)}` {message}") for path, message in faults
    )


def _services(tables: Mapping[str, object]) -> tuple[Mapping[str, ServiceOptions], list[_Fault]]:
    services: dict[str, ServiceOptions] = {}
    faults: list[_Fault] = []
    for name, table in tables.items():
        path: Path = ("services", name)
        if not isinstance(table, dict):
            faults.append((path, "must be a table"))
            continue
        values, own_faults = _convert(table, _SERVICE_KEYS, path)
        services[name] = ServiceOptions(**values)
        faults += own_faults
    return services, faults


def _convert(
    table: Mapping[str, object], keys: Mapping[str, _Converter], path: Path
) -> tuple[dict[str, Any], list[_Fault]]:
    """Arguments for the dataclass from the keys that are right, faults from the others."""
    values: dict[str, Any] = {}
    faults: list[_Fault] = []
    for key, value in table.items():
        try:
            values[key.replace("-", "_")] = _converter(keys, key)(value)
        except _RefusedError as refused:
            faults.append(((*path, key, *refused.key), str(refused)))
    return values, faults


def _converter(keys: Mapping[str, Callable[[Any], _Value]], key: str) -> Callable[[Any], _Value]:
    if key not in keys:
        raise _RefusedError(f"is not known{did_you_mean(key, keys)}")
    return keys[key]


def _text(value: object) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        raise _RefusedError("must be a text that is not empty")
    return value


def _texts(value: object) -> tuple[str, ...]:
    try:
        return tuple(map(_text, value if isinstance(value, list) else [None]))
    except _RefusedError:
        raise _RefusedError('must be a list of texts, as in ["one", "two"]') from None


def _globs(value: object) -> tuple[str, ...]:
    texts = _texts(value)
    for text in texts:
        try:
            globs.parse(text)
        except globs.GlobError as error:
            raise _RefusedError(f'names "{text}", which {error}') from None
    return texts


def _table(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise _RefusedError("must be a table")
    return value


def _on_exit(value: object) -> OnExit:
    try:
        return OnExit(value)
    except ValueError:
        raise _RefusedError('must be "wait", "restart" or "stop"') from None


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _RefusedError("must be a number of seconds")
    if not 0 < value <= LONGEST_TIMEOUT:
        raise _RefusedError(f"must be above 0 and at most {LONGEST_TIMEOUT} seconds")
    return float(value)


def _stop_signal(value: object) -> Signals:
    name = _text(value).upper().removeprefix("SIG")
    known = [signal.name.removeprefix("SIG") for signal in Signals]
    if name not in known:
        raise _RefusedError(f"is no signal's name{did_you_mean(name, known)}")
    if name in {"KILL", "STOP"}:
        raise _RefusedError(f"cannot be {name}: no program can act on it (KILL is the last step)")
    return Signals[f"SIG{name}"]


def _env_restart(value: object) -> tuple[str, ...]:
    if isinstance(value, bool):
        return EVERY_KEY if value else ()
    try:
        return _texts(value)
    except _RefusedError:
        raise _RefusedError('must be true, false or a list of keys, as in ["DB_*"]') from None


def _ready(value: object) -> Ready:
    if not isinstance(value, dict) or len(value) != 1:
        raise _RefusedError("must be a table with one of `log`, `port`, `http`")
    [(key, witness)] = value.items()
    try:
        return _converter(_READY, key)(witness)
    except _RefusedError as refused:
        raise _RefusedError(str(refused), key) from None


def _log_ready(value: object) -> LogReady:
    pattern = _text(value)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sets that a later Python may read otherwise
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise _RefusedError(f"is no regular expression: {error}") from None
    return LogReady(pattern)


def _port_ready(value: object) -> PortReady:
    if type(value) is not int or value not in _PORTS:
        raise _RefusedError("must be a number from 1 to 65535")
    return PortReady(value)


def _http_ready(value: object) -> HttpReady:
    url = _text(value)
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise _RefusedError("must be an address like http://127.0.0.1:8000/health")
    return HttpReady(url)


def _pty(value: object) -> bool:
    if not isinstance(value, bool):
        raise _RefusedError("must be true or false")
    return value


def _mebibytes(value: object) -> int:
    if type(value) is not int or not 0 < value <= LARGEST_LOG:
        raise _RefusedError(f"must be a whole number of MiB from 1 to {LARGEST_LOG}")
    return value


_READY: Mapping[str, Callable[[object], Ready]] = {
    "log": _log_ready,
    "port": _port_ready,
    "http": _http_ready,
}
_SERVICE_KEYS: Mapping[str, _Converter] = {
    "stop-signal": _stop_signal,
    "stop-timeout": _seconds,
    "ready-timeout": _seconds,
    "ready": _ready,
    "after": _texts,
    "watch": _globs,
    "env-restart": _env_restart,
    "pty": _pty,
}
_KEYS: Mapping[str, _Converter] = {
    "procfile": _text,
    "env-files": _texts,
    "on-exit": _on_exit,
    "stop-timeout": _seconds,
    "ready-timeout": _seconds,
    "log-size": _mebibytes,
    "services": _table,
}
