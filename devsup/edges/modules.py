"""Where a Python module lies in a project, and which Python a program on the PATH runs on."""

import os
import shutil
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from devsup.pure.hints import Python

DEPTH = 3
MOST = 500
"""Directories below a project that are looked into: a hint must not keep a run waiting."""
ENVIRONMENTS = (".venv", "venv", "env")
SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages"})


def places(root: Path, module: str) -> tuple[str, ...]:
    """The directories of a project from which Python could import a module, nearest first."""
    inner = Path(*module.split("."))
    return tuple(str(folder.relative_to(root)) for folder in _folders(root) if _has(folder, inner))


def environment_with(root: Path, module: str) -> str:
    """A virtual environment of a project in which a module is installed, relative; or nothing."""
    top = Path(module.partition(".")[0])
    for folder in (root, *_inside(root)):
        for name in ENVIRONMENTS:
            if any(_has(each, top) for each in _libraries(folder / name)):
                return str((folder / name).relative_to(root))
    return ""


def python_of(program: str, path: str, root: Path) -> Python:
    """What a word of a command line starts, by the PATH."""
    found = shutil.which(program, path=path)
    if found is None:
        return Python()
    environment = Path(found).parent.parent
    if not (environment / "pyvenv.cfg").is_file():
        return Python(found)
    within = environment.is_relative_to(root)
    name = str(environment.relative_to(root) if within else environment)
    has_pip = any(_has(folder, Path("pip")) for folder in _libraries(environment))
    return Python(found, name, has_pip=has_pip)


def _libraries(environment: Path) -> Iterator[Path]:
    """Where a virtual environment keeps its modules; nowhere if that is not for us to see."""
    with suppress(OSError):
        yield from environment.glob("lib/python3*/site-packages")


def _has(folder: Path, inner: Path) -> bool:
    """Not by pathlib, which raises for what is not ours to look into, or has too long a name."""
    module = os.path.join(folder, inner)  # noqa: PTH118
    return os.path.isdir(module) or os.path.isfile(f"{module}.py")  # noqa: PTH112, PTH113


def _folders(root: Path) -> Iterator[Path]:
    """The project and what is below it, level by level."""
    waiting, seen = deque([(root, 0)]), 0
    while waiting and seen < MOST:
        folder, depth = waiting.popleft()
        seen += 1
        yield folder
        if depth < DEPTH:
            waiting += ((each, depth + 1) for each in _inside(folder))


def _inside(folder: Path) -> list[Path]:
    """The directories in which code of the project's own may be."""
    with suppress(OSError), os.scandir(folder) as entries:
        return sorted(
            Path(each.path)
            for each in entries
            if each.is_dir(follow_symlinks=False)
            and not each.name.startswith(".")
            and each.name not in SKIPPED
            and not os.path.lexists(os.path.join(each.path, "pyvenv.cfg"))  # noqa: PTH118  many
        )
    return []
