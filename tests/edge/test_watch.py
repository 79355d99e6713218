"""Every way to change a settings file leads to a hint; what watches leaves nothing behind."""

import asyncio
import mmap
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest
from changes import EVENTS, NO_EVENTS, Change, atomic_rename, in_place, plain, replace_folder

from devsup.edges import inotify
from devsup.edges import watch as module
from devsup.edges.inotify import Inotify
from devsup.edges.notify import Notify
from devsup.edges.watch import Events, Watch
from devsup.pure.writing import Writer

TIMEOUT = 20
NEVER = 3600.0
Source = Callable[[asyncio.AbstractEventLoop, Callable[[Writer], None]], Events]


def lose_news(root: Path) -> None:
    """More than the kernel has room for; it merges equal events that follow each other."""
    room = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    for at in range(room + 1):
        (root / "app" / "ab"[at % 2]).touch()


def no_events(_loop: asyncio.AbstractEventLoop, _changed: Callable[[Writer], None]) -> Events:
    raise OSError


class Hints:
    """Counts hints, keeps the latest, and waits for the next one after `clear`."""

    def __init__(self) -> None:
        self.count = 0
        self.writer = Writer.UNKNOWN
        self._came = asyncio.Event()

    def __call__(self, writer: Writer) -> None:
        self.count += 1
        self.writer = writer
        self._came.set()

    async def after(self, edit: Callable[[], object]) -> None:
        """A hint comes after this edit; edits do not await, so that no hint can come during it."""
        self._came.clear()
        edit()
        await asyncio.wait_for(self._came.wait(), TIMEOUT)


@asynccontextmanager
async def watching(path: Path, source: Source) -> AsyncIterator[tuple[Watch, Hints]]:
    hints = Hints()
    watch = Watch([path], hints, source)
    try:
        await hints.after(lambda: watch.start(asyncio.get_running_loop()))
        yield watch, hints
    finally:
        watch.close()


def table(changes: dict[str, Change]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("change", changes.values(), ids=changes.keys())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


async def one_hint(root: Path, change: Change, source: Source) -> None:
    prepare, edit = change
    prepare(root)
    async with watching(root / "app/.env", source) as (_, hints):
        await hints.after(lambda: edit(root))


@table(EVENTS)
@pytest.mark.parametrize("source", [Inotify, Notify])
def test_events_alone_hint_at_a_change(
    root: Path, change: Change, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PERIOD", NEVER)
    asyncio.run(one_hint(root, change, source))


def test_a_write_through_mmap_is_an_event_once_the_file_is_closed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def edit(root: Path) -> None:
        with (root / "app/.env").open("r+b") as file, mmap.mmap(file.fileno(), 4) as memory:
            memory[:] = b"A=2\n"

    monkeypatch.setattr(module, "PERIOD", NEVER)
    asyncio.run(one_hint(root, (plain, edit), Inotify))


@table(EVENTS | NO_EVENTS)
def test_comparisons_alone_hint_at_a_change(root: Path, change: Change) -> None:
    asyncio.run(one_hint(root, change, no_events))


@table(EVENTS | NO_EVENTS)
@pytest.mark.parametrize("source", [Inotify, Notify])
def test_after_each_change_events_are_as_prompt_as_before(
    root: Path, change: Change, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watches follow what was replaced: the next edit needs no comparison."""
    monkeypatch.setattr(module, "PERIOD", NEVER)
    prepare, edit = change

    def edit_and_compare(watch: Watch) -> None:
        edit(root)
        watch._compare()

    async def twice() -> None:
        prepare(root)
        async with watching(root / "app/.env", source) as (watch, hints):
            await hints.after(lambda: edit_and_compare(watch))
            (root / "app").mkdir(exist_ok=True)
            watch._compare()
            await hints.after(lambda: in_place(root))

    asyncio.run(twice())


def test_what_is_as_it_was_is_no_reason(root: Path) -> None:
    async def compare() -> None:
        plain(root)
        async with watching(root / "app/.env", Inotify) as (watch, hints):
            watch._compare()
            assert hints.count == 1

    asyncio.run(compare())


def watched(watch: Watch) -> int:
    """Directories that the kernel watches for us."""
    assert isinstance(watch._events, Inotify)
    return Path(f"/proc/self/fdinfo/{watch._events._queue._fd}").read_text().count("inotify wd:")


def test_a_replaced_folder_is_watched_no_longer(root: Path) -> None:
    async def replace() -> None:
        plain(root)
        async with watching(root / "app/.env", Inotify) as (watch, hints):
            await hints.after(lambda: replace_folder(root))
            assert watched(watch) == 1

    asyncio.run(replace())


@pytest.mark.parametrize("source", [Inotify, Notify, no_events])
def test_each_of_many_edits_is_followed_by_a_hint(root: Path, source: Source) -> None:
    def thirty() -> None:
        for _ in range(30):
            atomic_rename(root)

    async def burst() -> None:
        plain(root)
        async with watching(root / "app/.env", source) as (_, hints):
            await hints.after(thirty)
            await hints.after(thirty)

    asyncio.run(burst())


def test_an_edit_before_the_start_is_told_by_the_first_hint(root: Path) -> None:
    """`watching` itself waits for it."""

    async def first() -> None:
        async with watching(root / "app/.env", Inotify) as (_, hints):
            assert hints.count == 1

    asyncio.run(first())


@pytest.mark.parametrize("target", ["a", "x" * 300, "/"])
def test_impossible_paths_are_watched_without_an_error(root: Path, target: str) -> None:
    """A loop of links, a name that is too long, the root; then the loop becomes a file."""

    async def repair() -> None:
        (root / "a").symlink_to(target)
        async with watching(root / "a", Inotify) as (_, hints):
            (root / "b").write_text("A=1\n")
            await hints.after(lambda: (root / "b").replace(root / "a"))

    asyncio.run(repair())


async def collected() -> None:
    """Events that are due are read now, or after the pause of an earlier read."""
    done = asyncio.Event()
    asyncio.get_running_loop().call_later(2 * inotify.PAUSE, done.set)
    await done.wait()


def test_other_names_and_our_own_reading_are_no_reason(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PERIOD", NEVER)

    async def noise() -> None:
        plain(root)
        loop = asyncio.get_running_loop()
        async with watching(root / "app/.env", Inotify) as (_, hints):
            noticed = Hints()
            other = Inotify(loop, noticed)
            other.arm({str(root / "app"): frozenset({"log"})})
            (root / "app/.env").read_text()
            await noticed.after(lambda: (root / "app/log").write_text("noise"))
            await noticed.after(lambda: (root / "app/log").write_text("more noise"))
            other.close()
            assert hints.count == 1

    asyncio.run(noise())


@pytest.mark.parametrize(
    ("step", "writer"),
    [
        (lambda file: file.write_text("A=2\n"), Writer.DONE),
        (lambda file: file.with_name("new").rename(file), Writer.DONE),
        (lambda file: file.unlink(), Writer.DONE),
        (lambda file: file.touch(), Writer.UNKNOWN),
        (lambda file: file.with_name("later").hardlink_to(file), Writer.UNKNOWN),
        (lambda file: file.with_name("later").symlink_to(file), Writer.UNKNOWN),
    ],
    ids=["closed", "moved there", "removed", "touched", "linked", "linked by name"],
)
def test_a_hint_tells_what_is_known_of_the_writer(
    root: Path, step: Callable[[Path], object], writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PERIOD", NEVER)

    async def written() -> None:
        plain(root)
        (root / "app/new").write_text("A=2\n")
        hints = Hints()
        watch = Watch([root / "app/.env", root / "app/later"], hints, Inotify)
        await hints.after(lambda: watch.start(asyncio.get_running_loop()))
        await hints.after(lambda: step(root / "app/.env"))
        watch.close()
        assert hints.writer is writer

    asyncio.run(written())


def test_a_file_that_is_made_is_open_before_anything_is_in_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PERIOD", NEVER)

    async def made() -> None:
        (root / "app").mkdir()
        async with watching(root / "app/.env", Inotify) as (_, hints):
            with ExitStack() as files:
                await hints.after(lambda: files.enter_context((root / "app/.env").open("w")))
                assert hints.writer is Writer.BUSY

    asyncio.run(made())


def unheard(root: Path, files: ExitStack) -> None:
    """The kernel has no room left to tell that the files are closed."""
    lose_news(root)
    files.close()


@pytest.mark.parametrize(
    "loses", [unheard, lambda root, _: replace_folder(root)], ids=["news", "folder"]
)
def test_a_writer_whose_end_cannot_be_heard_is_not_waited_for(
    root: Path, loses: Callable[[Path, ExitStack], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PERIOD", NEVER)

    async def lost() -> None:
        plain(root)
        async with watching(root / "app/.env", Inotify) as (_, hints):
            with ExitStack() as files:
                await hints.after(lambda: files.enter_context((root / "app/.env").open("w")))
                assert hints.writer is Writer.BUSY
                await hints.after(lambda: loses(root, files))
            await hints.after((root / "app/.env").touch)
            writer: Writer = hints.writer
            assert writer is Writer.UNKNOWN

    asyncio.run(lost())


def test_one_of_two_files_that_is_still_open_counts(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PERIOD", NEVER)

    async def written() -> None:
        plain(root)
        paths, hints = [root / "app/.env", root / "app/.env.local"], Hints()
        watch = Watch(paths, hints, Inotify)
        await hints.after(lambda: watch.start(asyncio.get_running_loop()))
        with paths[0].open("w") as file:
            await hints.after(lambda: None)
            await hints.after(lambda: paths[1].write_text("B=1\n"))
            assert hints.writer is Writer.BUSY
            file.write("A=2\n")
        await hints.after(lambda: None)
        last: Writer = hints.writer
        assert last is Writer.DONE
        watch.close()

    asyncio.run(written())


def test_events_that_the_kernel_had_no_room_for_are_a_reason(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PERIOD", NEVER)

    def flood() -> None:
        lose_news(root)
        in_place(root)

    async def overflow() -> None:
        plain(root)
        async with watching(root / "app/.env", Inotify) as (_, hints):
            await hints.after(flood)

    asyncio.run(overflow())


async def edit_and_close(root: Path, source: Source) -> None:
    plain(root)
    async with watching(root / "app/.env", source) as (watch, hints):
        in_place(root)
        watch.close()
        await collected()
        assert hints.count == 1


@pytest.mark.parametrize("source", [Inotify, Notify, no_events])
def test_after_closing_there_is_no_hint_and_no_thread_stays(
    root: Path, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PERIOD", inotify.PAUSE)  # a comparison would be due as well
    before = {*threading.enumerate()}
    asyncio.run(edit_and_close(root, source))
    join_all_but(before)
    assert {*threading.enumerate()} <= before


def join_all_but(before: set[threading.Thread]) -> None:
    """What closing leaves to a thread (the kernel takes its time) ends by itself."""
    for thread in {*threading.enumerate()} - before:
        thread.join(5)


def test_news_on_their_way_while_closing_are_no_hint(root: Path) -> None:
    async def close() -> None:
        plain(root)
        async with watching(root / "app/.env", Notify) as (watch, hints):
            in_place(root)
            assert isinstance(watch._events, Notify)
            assert watch._events._thread
            watch._events._thread.join()  # it has told the loop, which is held up here
            watch.close()
            await collected()
            assert hints.count == 1

    asyncio.run(close())


def test_after_closing_no_descriptor_is_left(root: Path) -> None:
    """Those of watchfiles are closed by a thread of its own, at its leisure."""
    before = {*map(str, Path("/proc/self/fd").iterdir())}
    threads = {*threading.enumerate()}
    asyncio.run(edit_and_close(root, Inotify))
    join_all_but(threads)
    assert {*map(str, Path("/proc/self/fd").iterdir())} <= before


def test_closing_is_harmless_before_the_start_and_twice(root: Path) -> None:
    watch = Watch([root / ".env"], Hints())
    watch.close()

    async def twice() -> None:
        watch.start(asyncio.get_running_loop())
        watch.close()
        watch.close()

    asyncio.run(twice())
