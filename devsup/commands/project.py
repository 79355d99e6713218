"""What the files of a project say: Procfile, configuration, env files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from devsup.edges import files
from devsup.edges.files import MISSING
from devsup.pure import envfile, procfile, utf8
from devsup.pure.envfile import Layer, Settings
from devsup.pure.errors import Problem, UnreadableError
from devsup.pure.options import Options
from devsup.pure.procfile import Entry

PROCFILE = "Procfile"
ENV_FILES = (".env",)
CONFIGS = ("devsup.toml", "pyproject.toml")


@dataclass(frozen=True, slots=True)
class Project:
    """A Procfile with everything that belongs to it; `root` is its directory, resolved."""

    root: Path
    procfile: Path
    entries: tuple[Entry, ...]
    options: Options
    env_files: tuple[Path, ...]


def load(procfile_option: str | None = None, env_options: Sequence[str] = ()) -> Project:
    """Read Procfile and configuration; options are relative to the working directory.

    Raises:
        UnreadableError: with every problem of the first file that has any.
    """
    beside = Path(procfile_option).absolute().parent if procfile_option else Path.cwd()
    options, source = load_options(beside)
    path = Path(procfile_option or options.procfile or PROCFILE)
    path = path.absolute() if procfile_option else beside / path
    entries = load_entries(path)
    if options.services:
        from devsup.pure import config  # noqa: PLC0415  as below

        fail(config.check_services(options, {entry.name for entry in entries}, source))
    root = path.parent.resolve()
    configured = [root / name for name in options.env_files or ENV_FILES]
    chosen = [Path(name).absolute() for name in env_options] or configured
    return Project(root, path, entries, options, tuple(chosen))


def load_options(directory: Path) -> tuple[Options, str]:
    """The configuration beside a Procfile and the name of its file; defaults when there is none."""
    for name in CONFIGS:
        match files.read(directory / name, name):
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


def load_entries(path: Path) -> tuple[Entry, ...]:
    """The lines of a Procfile."""
    match files.read(path, path.name):
        case Problem() as problem:
            raise UnreadableError((problem,))
        case bytes(data):
            entries, problems = procfile.parse(decoded(data, path.name), path.name)
            fail(problems)
            return entries
    raise UnreadableError(
        (Problem(path.name, None, f"there is none in {path.parent}"),),
        hint="write one line `name: command` for each program, or name one: devsup up -f FILE",
    )


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


Contents = tuple[bytes | files.Missing | Problem, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the env files say together; with problems `settings` are the last good ones.

    `touched` is the first file that is not what it was; the `deleted` ones are gone since the last
    reading, and count with their last content.
    """

    settings: Settings
    problems: tuple[Problem, ...]
    touched: str
    deleted: tuple[str, ...]


@dataclass(slots=True)
class EnvFiles:
    """The env files of a run, later ones win; remembers what each last said."""

    root: Path
    paths: tuple[Path, ...]
    shell: Mapping[str, str] = field(repr=False)
    known: dict[Path, bytes] = field(default_factory=dict, repr=False)
    last: Contents = field(default=(), repr=False)
    settings: Settings = field(default_factory=lambda: Settings({}, {}))
    layers: tuple[Layer, ...] = ()

    def contents(self) -> Contents:
        """The files as they are now; nothing is remembered."""
        return tuple(files.read(path, self.shown(path)) for path in self.paths)

    def take(self, contents: Contents) -> Reading:
        """Understand what was read, and remember it as the last that was seen."""
        pairs = list(zip(self.paths, contents, strict=True))
        touched = self._touched(contents)
        self.last = contents
        deleted = tuple(
            self.shown(path)
            for path, each in pairs
            if each is MISSING and path in self.known and path in touched
        )
        parsed = [self._parse(path, each) for path, each in pairs]
        layers = tuple(layer for layer, _ in parsed)
        settings, too_long = envfile.resolve(layers, self.shell)
        problems = tuple(problem for _, found in parsed for problem in found) or too_long
        if not problems:
            self.known |= {path: each for path, each in pairs if isinstance(each, bytes)}
            self.settings, self.layers = settings, layers
        first = self.shown((*touched, *self.paths)[0])
        return Reading(self.settings, problems, first, deleted)

    @property
    def names(self) -> tuple[str, ...]:
        """The files as they are shown."""
        return tuple(map(self.shown, self.paths))

    def shown(self, path: Path) -> str:
        """Relative to the project where it lies in it."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)

    def _touched(self, contents: Contents) -> tuple[Path, ...]:
        before = self.last or (None,) * len(contents)
        each = zip(self.paths, before, contents, strict=True)
        return tuple(path for path, old, new in each if old != new)

    def _parse(
        self, path: Path, content: bytes | files.Missing | Problem
    ) -> tuple[Layer, tuple[Problem, ...]]:
        if isinstance(content, Problem):
            return envfile.parse(b"", self.shown(path))[0], (content,)
        data = self.known.get(path, b"") if isinstance(content, files.Missing) else content
        return envfile.parse(data, self.shown(path))
