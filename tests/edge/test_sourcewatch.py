"""Every change of a watched source file is told, by events or by the patrol, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import mmap
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest
from users import NOBODY, as_nobody

from devsup.edges import notify, sourcewatch
from devsup.edges.inotify import Directories
from devsup.edges.sourcewatch import SourceWatch
from devsup.edges.tree import Tree
from devsup.pure.globs import anchored

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection

    from devsup.edges.sourcewatch import Changed

TIMEOUT = 20
NEVER = 3600.0
PATTERNS = ("app/**/*.py", "../shared/**")


def no_events(_loop: object, _heard: object) -> Directories:
    raise OSError


class News:
    """What was told of a project so far."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: list[str] = []
        self.unwatched: list[int] = []
        self._came = asyncio.Event()

    def __call__(self, changed: Changed) -> None:
        self.files += [os.path.relpath(path, self.root) for path in changed]
        self._came.set()

    async def after(self, edit: Callable[[], object], *files: str) -> None:
        """An edit is told, with all of these files; others are no matter here."""
        self.files.clear()
        edit()
        async with asyncio.timeout(TIMEOUT):
            while not {*files} <= {*self.files}:
                self._came.clear()
                await self._came.wait()


@contextlib.asynccontextmanager
async def watching(
    root: Path,
    *patterns: str,
    source: Callable[..., sourcewatch.Directories] = Directories,
) -> AsyncIterator[News]:
    news = News(root)
    aims = anchored({"worker": patterns or PATTERNS})
    tree = Tree({os.path.normpath(root / anchor): each for anchor, each in aims.items()})
    watch = SourceWatch(tree, news, news.unwatched.append, source)
    try:
        watch.start(asyncio.get_running_loop())
        yield news
    finally:
        watch.close()


def write(path: Path, text: str = "x = 1\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with two files of which the clock says that they are old."""
    root = tmp_path / "root"
    for name in ("app/a.py", "app/sub/b.py"):
        write(root / name)
        os.utime(root / name, (0, 0))
    return root


@pytest.fixture
def no_patrol(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sourcewatch, "PERIOD", NEVER)


@pytest.fixture
def patrol_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sourcewatch, "PERIOD", 0.01)


# ---- ways to change a file


def in_place(root: Path) -> None:
    write(root / "app/a.py", "x = 2\n")


def atomic(root: Path) -> None:
    write(root / "app/a.py.new", "x = 2\n")
    (root / "app/a.py.new").replace(root / "app/a.py")


def same_size_and_back_in_time(root: Path) -> None:
    write(root / "app/a.py", "x = 2\n")
    os.utime(root / "app/a.py", (1, 1))


def touch(root: Path) -> None:
    (root / "app/a.py").touch()


def delete(root: Path) -> None:
    (root / "app/a.py").unlink()


def delete_and_create(root: Path) -> None:
    delete(root)
    in_place(root)


def append(root: Path) -> None:
    with (root / "app/a.py").open("a") as file:
        file.write("y = 1\n")


def replace_tree(root: Path) -> None:
    shutil.copytree(root / "app", root / "new")
    (root / "app").rename(root / "old")
    (root / "new").rename(root / "app")


def delete_tree(root: Path) -> None:
    shutil.rmtree(root / "app")


def swap_for_folder(root: Path) -> None:
    delete(root)
    (root / "app/a.py").mkdir()


CHANGES = (
    in_place,
    atomic,
    same_size_and_back_in_time,
    touch,
    delete,
    delete_and_create,
    append,
    replace_tree,
    delete_tree,
    swap_for_folder,
)
SOURCES = (Directories, notify.Directories)


def played(
    root: Path,
    edit: Callable[[Path], object],
    *files: str,
    source: Callable[..., sourcewatch.Directories] = Directories,
    patterns: tuple[str, ...] = (),
) -> None:
    """The edit is told; and so is the next one, when everything was put in its place again."""

    async def play() -> None:
        async with watching(root, *patterns, source=source) as news:
            await news.after(lambda: edit(root), *files)
            await news.after(lambda: write(root / "app/later/c.py"), "app/later/c.py")

    asyncio.run(play())


@pytest.mark.usefixtures("no_patrol")
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("edit", CHANGES)
def test_events_alone_tell_of_a_change(
    root: Path, edit: Callable[[Path], object], source: Callable[..., Directories]
) -> None:
    played(root, edit, "app/a.py", source=source)


@pytest.mark.usefixtures("patrol_only")
@pytest.mark.parametrize("edit", CHANGES)
def test_the_patrol_alone_tells_of_a_change(root: Path, edit: Callable[[Path], object]) -> None:
    played(root, edit, "app/a.py", source=no_events)


@pytest.mark.usefixtures("no_patrol")
def test_folders_that_appear_later_are_watched_to_their_ends(root: Path) -> None:
    def unpack(root: Path) -> None:
        write(root / "made/x/y/z/d.py")
        (root / "made").rename(root / "app/made")

    played(root, unpack, "app/made/x/y/z/d.py")


@pytest.mark.usefixtures("no_patrol")
def test_a_pattern_may_name_what_does_not_exist_yet(root: Path) -> None:
    def clone(root: Path) -> None:
        write(root / "../shared/lib/a.txt")

    played(root, clone, "../shared/lib/a.txt")


@pytest.mark.usefixtures("no_patrol")
def test_a_whole_tree_that_goes_and_comes_is_watched_again(root: Path) -> None:
    async def play() -> None:
        async with watching(root) as news:
            await news.after(lambda: delete_tree(root), "app/a.py", "app/sub/b.py")
            await news.after(lambda: write(root / "app/sub/b.py"), "app/sub/b.py")
            await news.after((root / "app/sub/b.py").touch, "app/sub/b.py")

    asyncio.run(play())


def make_anew(folder: Path) -> None:
    """Another folder with the number of the old one, which is free again, as far as one can see."""
    number = folder.stat().st_ino
    for _ in range(100):
        folder.rmdir()
        folder.mkdir()
        if folder.stat().st_ino == number:
            return
    pytest.skip("this file system gives no number twice")


@pytest.mark.usefixtures("no_patrol")
@pytest.mark.parametrize("source", SOURCES)
def test_a_folder_that_is_made_anew_with_its_old_number_is_watched_again(
    root: Path, source: Callable[..., Directories]
) -> None:
    def replace_folder() -> None:
        (root / "app/sub/b.py").unlink()
        make_anew(root / "app/sub")
        write(root / "app/sub/b.py", "x = 2\n")

    async def play() -> None:
        async with watching(root, source=source) as news:
            await news.after(replace_folder, "app/sub/b.py")
            await news.after(lambda: write(root / "app/sub/b.py", "x = 33\n"), "app/sub/b.py")

    asyncio.run(play())


class Unlucky(Directories):
    """Files are written at the worst moment: after a look at a folder, before it is watched."""

    edits: ClassVar[list[Callable[[], object]]] = []

    def arm(self, directories: Collection[str]) -> frozenset[str]:
        if self.edits:
            self.edits.pop()()
        return super().arm(directories)


@pytest.mark.usefixtures("no_patrol")
def test_a_change_between_a_look_and_the_watch_is_told(root: Path) -> None:
    async def play() -> None:
        Unlucky.edits = [lambda: in_place(root)]
        async with watching(root, source=Unlucky) as news:
            assert news.files == ["app/a.py"]
            Unlucky.edits = [lambda: write(root / "app/new/c.py")]
            await news.after((root / "app/new").mkdir, "app/new/c.py")

    asyncio.run(play())


@pytest.mark.usefixtures("no_patrol")
def test_500_files_in_hundreds_of_folders_are_all_told(root: Path) -> None:
    names = [f"app/d{at % 20}/e{at % 200}/f{at}.py" for at in range(500)]

    async def play() -> None:
        async with watching(root) as news:
            for _ in range(2):
                await news.after(lambda: [write(root / name) for name in names], *names)

    asyncio.run(play())


# ---- links


@pytest.mark.usefixtures("no_patrol")
def test_a_linked_file_and_a_linked_folder_are_watched_where_they_are(root: Path) -> None:
    write(root / "../elsewhere/c.py")
    write(root / "../elsewhere/lib/d.py")
    (root / "app/link.py").symlink_to("../../elsewhere/c.py")
    (root / "app/lib").symlink_to("../../elsewhere/lib")

    async def play() -> None:
        async with watching(root) as news:
            for _ in range(2):
                await news.after((root / "../elsewhere/c.py").touch, "app/link.py")
                await news.after((root / "../elsewhere/lib/d.py").touch, "app/lib/d.py")

    asyncio.run(play())


@pytest.mark.usefixtures("no_patrol")
def test_a_link_that_leads_elsewhere_now_is_a_change(root: Path) -> None:
    for version in ("one", "two"):
        write(root / f"../{version}/c.py", version)
    (root / "app/current").symlink_to("../../one")

    def switch() -> None:
        (root / "next").symlink_to("../../two")
        (root / "next").replace(root / "app/current")

    async def play() -> None:
        async with watching(root) as news:
            await news.after(switch, "app/current/c.py")
            await news.after((root / "../two/c.py").touch, "app/current/c.py")

    asyncio.run(play())


@pytest.mark.usefixtures("no_patrol")
def test_loops_of_links_end(root: Path) -> None:
    (root / "app/up").symlink_to("..")
    (root / "app/self").symlink_to("self")
    (root / "app/sub/top").symlink_to("../../app")
    for at in range(6):
        (root / f"app/hub{at}").mkdir()
        for other in range(6):
            (root / f"app/hub{at}/to{other}").symlink_to(f"../hub{other}")
    played(root, in_place, "app/a.py")


@pytest.mark.usefixtures("no_patrol")
def test_the_target_of_a_broken_link_may_come(root: Path) -> None:
    (root / "app/link.py").symlink_to("../../shared.py")
    played(root, lambda root: write(root / "../shared.py"), "app/link.py")


# ---- what is no change


QUIET = {
    "a chmod": lambda root: (root / "app/a.py").chmod(0o600),
    "reading": lambda root: (root / "app/a.py").read_text(),
    "another name": lambda root: write(root / "app/a.txt"),
    "a log": lambda root: write(root / "log"),
    "bytecode": lambda root: write(root / "app/__pycache__/a.py"),
    "node_modules": lambda root: write(root / "app/node_modules/x/a.py"),
    "git": lambda root: write(root / "app/.git/a.py"),
    "a virtual environment": lambda root: (
        write(root / "env/pyvenv.cfg"),
        write(root / "env/lib/a.py"),
        (root / "env").rename(root / "app/env"),
    ),
    "an autosave": lambda root: write(root / "app/.#a.py"),
    "what .gitignore names": lambda root: write(root / "app/generated/a.py"),
    "a nested .gitignore": lambda root: write(root / "app/sub/skipped.py"),
    "a fifo": lambda root: os.mkfifo(root / "app/fifo.py"),
    "an empty folder": lambda root: (root / "app/new").mkdir(),
}


@pytest.mark.usefixtures("no_patrol")
@pytest.mark.parametrize("noise", QUIET.values(), ids=QUIET.keys())
def test_what_is_no_change_is_not_told(root: Path, noise: Callable[[Path], object]) -> None:
    write(root / ".gitignore", "/app/generated/\n*.txt\n!a.txt\n")
    write(root / "app/sub/.gitignore", "skipped.py\n")
    (root / ".git").mkdir()

    async def play() -> None:
        async with watching(root) as news:
            noise(root)
            await news.after(lambda: in_place(root), "app/a.py")
            assert {*news.files} == {"app/a.py"}

    asyncio.run(play())


@pytest.mark.usefixtures("no_patrol")
def test_what_is_ignored_is_not_even_entered(root: Path) -> None:
    for at in range(50):
        write(root / f"app/node_modules/m{at}/a.py")
        write(root / f"docs/d{at}/a.py")

    async def play() -> None:
        async with watching(root) as news:
            assert news.unwatched == []

    asyncio.run(play())
    aims = anchored({"worker": PATTERNS})
    tree = Tree({str(root): aims[""]})
    tree.read()
    assert {*tree.folders} == {str(root), f"{root}/app", f"{root}/app/sub"}


@pytest.mark.usefixtures("no_patrol")
def test_rules_that_change_hold_from_then_on(root: Path) -> None:
    async def play() -> None:
        async with watching(root) as news:
            await news.after(lambda: write(root / "app/.gitignore", "sub/\n"), "app/sub/b.py")
            (root / "app/sub/b.py").touch()
            await news.after(lambda: in_place(root), "app/a.py")
            assert news.files == ["app/a.py"]
            await news.after((root / "app/.gitignore").unlink, "app/sub/b.py")

    asyncio.run(play())


@pytest.mark.usefixtures("no_patrol")
def test_what_a_pattern_names_without_a_wildcard_is_watched_though_git_ignores_it(
    root: Path,
) -> None:
    write(root / ".gitignore", "generated\nnode_modules\n*.local\n")
    (root / ".git").mkdir()
    (root / "app/generated").mkdir()

    async def play() -> None:
        async with watching(root, "app/generated/*.py", "settings.local") as news:
            await news.after(lambda: write(root / "app/generated/a.py"), "app/generated/a.py")
            await news.after(lambda: write(root / "settings.local"), "settings.local")

    asyncio.run(play())


def test_the_rules_of_the_repository_around_a_project_hold(root: Path) -> None:
    (root.parent / ".git").mkdir()
    write(root.parent / ".gitignore", "/root/app/sub/\n")
    tree = Tree({str(root): anchored({"worker": PATTERNS})[""]})
    tree.read()
    assert {*tree._seen} == {f"{root}/app/a.py"}


# ---- where the kernel is no help


@pytest.mark.usefixtures("patrol_only")
def test_the_patrol_finds_what_causes_no_event(root: Path) -> None:
    (root / "twin").hardlink_to(root / "app/a.py")
    with (root / "app/sub/b.py").open("r+b") as file:
        memory = mmap.mmap(file.fileno(), 6)

    def map_and_flush() -> None:
        memory[:] = b"x = 3\n"
        memory.flush()

    def replace_root() -> None:
        shutil.copytree(root, root.with_name("copy"))
        root.rename(root.with_name("old"))
        root.with_name("copy").rename(root)

    async def play() -> None:
        async with watching(root) as news:
            await news.after(lambda: write(root / "twin", "x = 2\n"), "app/a.py")
            await news.after(map_and_flush, "app/sub/b.py")
            await news.after(replace_root, "app/a.py")
            await news.after(lambda: in_place(root), "app/a.py")

    asyncio.run(play())
    memory.close()


@pytest.mark.usefixtures("no_patrol")
def test_news_that_the_kernel_had_no_room_for_are_not_lost(root: Path) -> None:
    room = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())

    def flood() -> None:
        for at in range(room + 1):
            (root / "app" / "ab"[at % 2]).touch()
        (root / "app/sub/b.py").touch()

    async def play() -> None:
        async with watching(root) as news:
            await news.after(flood, "app/sub/b.py")

    asyncio.run(play())


CONSTRAINED = """
import asyncio, sys
from pathlib import Path
sys.path[:0] = {path!r}
import test_sourcewatch as test

async def play():
    async with test.watching(root := Path({root!r})) as news:
        assert news.unwatched == [1], news.unwatched
        for name in ("app/a.py", "app/sub/b.py", "app/late/c.py"):
            await news.after(lambda: test.write(root / name, "y = 1"), name)
        assert len(news.unwatched) == 1, "said twice"

asyncio.run(play())
"""


def test_without_enough_watches_it_compares_and_says_so_once(root: Path) -> None:
    """The limit of a user namespace of its own: five directories want a watch, four get one."""
    script = CONSTRAINED.format(path=sys.path, root=str(root))
    (root.parent / "shared").mkdir()
    limit = "echo 4 > /proc/sys/user/max_inotify_watches"
    command = f'{limit} && exec "$0" -c "$1"'
    unshare = ["unshare", "--user", "--map-root-user"]
    if subprocess.run([*unshare, "sh", "-c", limit], check=False, capture_output=True).returncode:
        pytest.skip("no user namespaces here")
    subprocess.run([*unshare, "sh", "-c", command, sys.executable, script], check=True)


@pytest.mark.root
def test_a_folder_that_becomes_readable_is_watched(root: Path) -> None:
    """To root everything is readable: another user looks, in a folder that he can reach."""
    place = Path(tempfile.mkdtemp())
    try:
        place.chmod(0o755)
        shutil.copytree(root, place / "root")
        os.chown(place / "root/app/sub", NOBODY, NOBODY)
        assert as_nobody(lambda: readable_again(place / "root")) == "told twice"
    finally:
        shutil.rmtree(place)


def readable_again(root: Path) -> str:
    sub = root / "app/sub"
    sub.chmod(0)

    async def play() -> None:
        async with watching(root) as news:
            await news.after(lambda: sub.chmod(0o755), "app/sub/b.py")
            await news.after(lambda: write(sub / "c.py"), "app/sub/c.py")
            assert not news.unwatched

    asyncio.run(play())
    return "told twice"


# ---- the end


@pytest.mark.parametrize("source", [*SOURCES, no_events])
def test_after_closing_nothing_is_told_and_nothing_is_left(
    root: Path, source: Callable[..., Directories], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sourcewatch, "PERIOD", 0.01)
    before = {*threading.enumerate()}

    async def play() -> None:
        async with watching(root, source=source) as news:
            pass
        in_place(root)
        await asyncio.sleep(0.05)
        assert news.files == []

    asyncio.run(play())
    for thread in {*threading.enumerate()} - before:
        thread.join(5)  # the kernel takes its time to close
    assert {*threading.enumerate()} <= before


def test_closing_is_harmless_before_the_start_and_twice(root: Path) -> None:
    watch = SourceWatch(Tree({str(root): anchored({"w": ["*"]})[""]}), print, print)
    watch.close()
    watch.close()
