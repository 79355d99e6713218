"""What the files of a project say: Procfile, configuration, env files."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from devsup.edges import files
from devsup.edges.rundir import CONFIGS, PROCFILE, project_folder
from devsup.pure import envfile, procfile, utf8
from devsup.pure.envfile import Layer, Settings
from devsup.pure.errors import Problem, UnreadableError
from devsup.pure.options import Options
from devsup.pure.procfile import Entry

ENV_FILES = (".env",)

Content = bytes | files.Missing | Problem
Read = Callable[[Path, str], Content]
"""Reads a file, which a problem with it calls as is given."""


@dataclass(frozen=True, slots=True)
class Project:
    """A Procfile with everything that belongs to it; `root` is its directory, resolved."""

    root: Path
    procfile: Path
    entries: tuple[Entry, ...]
    options: Options
    env_files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the files of a project are: the configuration is in `folder`, absolute.

    Without a `procfile` or `env_files` the configuration says which they are.
    """

    folder: Path
    procfile: Path | None = None
    env_files: tuple[Path, ...] = ()

    @classmethod
    def named(cls, procfile: str | None, env_files: Sequence[str]) -> Self:
        """As options name it, relative to the working directory; else the project it is in."""
        path = Path(procfile).absolute() if procfile else None
        folder = path.parent if path else project_folder(Path.cwd())
        return cls(folder, path, tuple(Path(name).absolute() for name in env_files))

    def procfile_by(self, options: Options) -> Path:
        """The Procfile."""
        return self.procfile or self.folder / (options.procfile or PROCFILE)

    def env_files_by(self, options: Options) -> tuple[Path, ...]:
        """The env files, later ones win."""
        root = self.procfile_by(options).parent.resolve()
        return self.env_files or tuple(root / name for name in options.env_files or ENV_FILES)


def load(procfile_option: str | None = None, env_options: Sequence[str] = ()) -> Project:
    """Read Procfile and configuration; options are relative to the working directory.

    Raises:
        UnreadableError: with every problem of the first file that has any.
    """
    return understand(Place.named(procfile_option, env_options))


def understand(place: Place, read: Read = files.read) -> Project:
    """What Procfile and configuration say.

    Raises:
        UnreadableError: with every problem of the first file that has any.
    """
    options, source = load_options(place.folder, read)
    path = place.procfile_by(options)
    entries = load_entries(path, read)
    if options.services:
        from devsup.pure import config  # noqa: PLC0415  as below

        fail(config.check_services(options, {entry.name for entry in entries}, source))
    return Project(path.parent.resolve(), path, entries, options, place.env_files_by(options))


def load_options(directory: Path, read: Read = files.read) -> tuple[Options, str]:
    """The configuration beside a Procfile and the name of its file; defaults when there is none."""
    for name in CONFIGS:
        match read(directory / name, name):
            case Problem() as problem:
                raise UnreadableError((problem,))
            case bytes(data):
                text = decoded(data, name)
                if name == "pyproject.toml" and "tool.devsup" not in text:
                    continue
                from devsup.pure import config  # noqa: PLC0415  slow, and many projects have none

                options, problems = config.parse_toml(text, name)
                fail(problems)
                return options, name
    return Options(), CONFIGS[-1]


def load_entries(path: Path, read: Read = files.read) -> tuple[Entry, ...]:
    """The lines of a Procfile."""
    match read(path, path.name):
        case Problem() as problem:
            raise UnreadableError((problem,))
        case bytes(data):
            entries, problems = procfile.parse(decoded(data, path.name), path.name)
            fail(problems or tuple(unreadable_lines(entries, path.name)))
            return entries
    raise UnreadableError(
        (Problem(path.name, None, f"there is none in {path.parent}"),),
        hint="write one line `name: command` for each program, or name one: devsup up -f FILE",
    )


def unreadable_lines(entries: Sequence[Entry], name: str) -> Iterator[Problem]:
    """Lines that the shell would refuse, once what runs now is stopped; it is asked if in doubt."""
    from devsup.pure.shell import is_plain  # noqa: PLC0415  as below

    for entry in entries:
        if not is_plain(entry.command):
            from devsup.edges import syntax  # noqa: PLC0415  most lines are plain

            if said := syntax.complaint(entry.command):
                yield Problem(name, entry.line, f"the shell does not understand this: {said}")


def decoded(data: bytes, name: str) -> str:
    """Text of a file that has to be UTF-8."""
    text = utf8.decoded(data, name)
    if isinstance(text, Problem):
        raise UnreadableError((text,))
    return text


def fail(problems: tuple[Problem, ...]) -> None:
    """Refuse to go on with a file that has problems."""
    if problems:
        raise UnreadableError(problems)


def shown(path: Path, root: Path) -> str:
    """Relative to the project where it lies in it."""
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


Contents = Mapping[Path, Content]


@dataclass(slots=True)
class EnvFiles:
    """The env files of a project, later ones win; remembers what each last said."""

    root: Path
    paths: tuple[Path, ...]
    shell: Mapping[str, str] = field(repr=False)
    known: dict[Path, bytes] = field(default_factory=dict, repr=False)
    settings: Settings = field(default_factory=lambda: Settings({}, {}))
    layers: tuple[Layer, ...] = ()

    def contents(self) -> Contents:
        """The files as they are now; nothing is remembered."""
        return {path: files.read(path, self.shown(path)) for path in self.paths}

    def take(self, contents: Contents) -> tuple[Problem, ...]:
        """Understand what was read of them; with problems the settings stay the last good ones.

        One that is deleted counts with its last content.
        """
        parsed = [self._parse(path, contents[path]) for path in self.paths]
        layers = tuple(layer for layer, _ in parsed)
        settings, too_long = envfile.resolve(layers, self.shell, os.sysconf("SC_ARG_MAX"))
        problems = tuple(problem for _, found in parsed for problem in found) or too_long
        if not problems:
            read = {path: contents[path] for path in self.paths}
            self.known |= {path: each for path, each in read.items() if isinstance(each, bytes)}
            self.settings, self.layers = settings, layers
        return problems

    @property
    def names(self) -> tuple[str, ...]:
        """The files as they are shown."""
        return tuple(map(self.shown, self.paths))

    @property
    def missing(self) -> tuple[str, ...]:
        """Those that are not there, as they are shown; a link to nowhere is there, and broken."""
        return tuple(self.shown(path) for path in self.paths if not os.path.lexists(path))

    def shown(self, path: Path) -> str:
        """Relative to the project where it lies in it."""
        return shown(path, self.root)

    def _parse(self, path: Path, content: Content) -> tuple[Layer, tuple[Problem, ...]]:
        if isinstance(content, Problem):
            return envfile.parse(b"", self.shown(path))[0], (content,)
        data = self.known.get(path, b"") if isinstance(content, files.Missing) else content
        return envfile.parse(data, self.shown(path))
