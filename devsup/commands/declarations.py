"""The files that declare a run, read together: configuration, Procfile, env files."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from devsup.commands import project
from devsup.commands.project import Content, Contents, EnvFiles, Place, Project
from devsup.edges import files
from devsup.edges.files import MISSING
from devsup.edges.rundir import CONFIGS
from devsup.pure import procfile
from devsup.pure.declaration import Declaration
from devsup.pure.envfile import Settings
from devsup.pure.errors import DevsupError, Problem, UnreadableError
from devsup.pure.options import Options

Build = Callable[[Project, Settings, Mapping[str, int]], Declaration]
"""What is asked for of a project, given the first PORT of each process type."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the files say together, or their problems.

    `touched` are the files that are not what they were, `deleted` those that are gone since the
    last reading and count with their last content, `returned` those that are there again, `later`
    the options that count from the next run.
    """

    declared: Declaration
    problems: tuple[Problem, ...]
    touched: tuple[str, ...]
    deleted: tuple[str, ...]
    returned: tuple[str, ...]
    later: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Look:
    """The files as they were, and the configuration in them."""

    contents: Contents
    options: Options

    def touched_since(self, earlier: "_Look") -> Iterator[Path]:
        """Files that are not what they were; most of a pyproject.toml is about other things."""
        for path, each in self.contents.items():
            matters = path.name not in CONFIGS or self.options != earlier.options
            if matters and each != earlier.contents.get(path, each):
                yield path

    def gone_in(self, later: Contents) -> Iterator[Path]:
        """Files that are not there any more."""
        for path, each in later.items():
            if each is MISSING and self.contents.get(path, MISSING) is not MISSING:
                yield path


class Declarations:
    """Every file of a run; remembers what each last said.

    All of them count or none does: a new command line never meets the old settings.
    """

    def __init__(
        self, place: Place, shell: Mapping[str, str], first_port: int, build: Build
    ) -> None:
        """Read everything for the first time.

        Raises:
            UnreadableError: a file has problems.
            DevsupError: what is asked for is not there.
        """
        self._place = place
        self._first_port = first_port
        self._build = build
        self._configs: tuple[Content, ...] = ()
        self._options = Options()
        self._ports: dict[str, int] = {}
        self._known: dict[Path, bytes] = {}
        contents = self.contents()
        self.project = project.understand(place, self._reader(contents))
        self._begun_with = self._options
        self._latest = self._good = _Look(contents, self._options)
        self.env = EnvFiles(self.project.root, self.project.env_files, shell)
        self.declared = self._understood(contents)
        # Which Procfile it is stays as it is, whatever the configuration says later.
        self._place = replace(place, procfile=self.project.procfile)

    # ---- reading

    @property
    def last(self) -> Contents:
        """What was taken last."""
        return self._latest.contents

    @property
    def changing(self) -> tuple[str, ...]:
        """The files that are not what they were when they were taken last."""
        found = self.contents()
        return tuple(self._shown(path) for path in found if found[path] != self.last.get(path))

    def counting(self, path: Path) -> Content:
        """What a file is taken to say: of one that is missing what it said last."""
        content = self.last.get(path, MISSING)
        known = self._known.get(path) or self.env.known.get(path)
        return content if known is None or content is not MISSING else known

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every file that was looked for."""
        return tuple(self.last)

    def contents(self) -> Contents:
        """The files as they are now; nothing is taken for true."""
        folder = self._place.folder
        found = {folder / name: files.read(folder / name, name) for name in CONFIGS}
        options = self._options_in(found)
        path = self._place.procfile_by(options)
        found[path] = files.read(path, path.name)
        root = path.parent.resolve()
        for each in self._place.env_files_by(options):
            found[each] = files.read(each, project.shown(each, root))
        return found

    def _options_in(self, contents: Contents) -> Options:
        """The last good ones, as far as these are broken: they say which files there are."""
        configs = tuple(contents[self._place.folder / name] for name in CONFIGS)
        if configs != self._configs:
            self._configs = configs
            with suppress(UnreadableError):
                self._options, _ = project.load_options(self._place.folder, self._reader(contents))
        return self._options

    def _reader(self, contents: Contents) -> project.Read:
        """Reads what was read already; of a Procfile that is deleted what it said last."""

        def read(path: Path, _name: str) -> Content:
            content = contents.get(path, MISSING)
            return self._known.get(path, MISSING) if content is MISSING else content

        return read

    # ---- understanding

    def take(self, contents: Contents) -> Reading:
        """Understand what was read, and remember it as the last that was seen."""
        before, self._latest = self._latest, _Look(contents, self._options_in(contents))
        returned = tuple(filter(self._is_known, self._latest.gone_in(before.contents)))
        problems: tuple[Problem, ...] = ()
        try:
            self.declared = self._understood(contents)
        except UnreadableError as error:
            problems = error.problems
        except DevsupError as error:
            problems = (Problem(self.project.procfile.name, None, error.message),)
        # Whatever was edited while there were problems has waited until now.
        touched = self._latest.touched_since(before if problems else self._good)
        self._good = self._good if problems else self._latest
        return Reading(
            self.declared,
            problems,
            touched=tuple(map(self._shown, touched)),
            deleted=tuple(map(self._shown, filter(self._is_known, before.gone_in(contents)))),
            returned=tuple(map(self._shown, returned)),
            later=tuple(self._put_off(before.options)),
        )

    def _understood(self, contents: Contents) -> Declaration:
        found = project.understand(self._place, self._reader(contents))
        self.env.paths = found.env_files
        problems = self.env.take(contents)
        if problems:
            raise UnreadableError(problems)
        ports = procfile.first_ports(found.entries, self._first_port, self._ports)
        declared = self._build(found, self.env.settings, ports)
        self.project, self._ports = found, ports
        text = contents[found.procfile]
        if isinstance(text, bytes):
            self._known[found.procfile] = text
        return declared

    def _is_known(self, path: Path) -> bool:
        """Whether what it said last stays in force when it is gone."""
        return path in self._known or path in self.env.known

    def _put_off(self, before: Options) -> Iterator[str]:
        """Options that were edited, and are looked at only when a run begins."""
        now, begun = self._latest.options, self._begun_with
        if now.log_size not in {before.log_size, begun.log_size}:
            yield "log-size"
        if now.procfile not in {before.procfile, begun.procfile}:
            yield "procfile"

    def _shown(self, path: Path) -> str:
        return self.env.shown(path) if path in self.env.paths else path.name
