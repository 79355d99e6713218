"""Where each setting comes from; pure. Values on demand only."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from devsup.pure.envfile import Layer, Settings
from devsup.pure.words import columns

SHELL = "the shell's"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the value of a key comes from, and whose other values it hides."""

    key: str
    source: str
    hides: tuple[str, ...]


def origins(layers: Sequence[Layer], settings: Settings, shell: Mapping[str, str]) -> list[Origin]:
    """One for each key of the files, sorted by key."""
    return [origin(key, layers, settings, shell) for key in sorted(settings)]


def origin(
    key: str, layers: Sequence[Layer], settings: Settings, shell: Mapping[str, str]
) -> Origin:
    """Where this key's value comes from."""
    source = settings.source(key)
    others = [
        layer.file
        for layer in layers
        if layer.file != source and any(binding.key == key for binding in layer.bindings)
    ]
    is_hiding = shell.get(key, settings[key]) != settings[key]
    return Origin(key, source, (*others, *([SHELL] if is_hiding else [])))


def origin_lines(found: Sequence[Origin], settings: Mapping[str, str] | None) -> Iterator[str]:
    """A line a key; with its value when `settings` are given."""
    rows = [(each.key, described(each)) for each in found]
    for line, each in zip(columns(rows) if rows else (), found, strict=True):
        yield line if settings is None else f"{line}  {settings[each.key]}"


def described(origin: Origin) -> str:
    """`.env (hides the shell's)`."""
    return (
        f"{origin.source} (hides {' and '.join(origin.hides)})" if origin.hides else origin.source
    )
