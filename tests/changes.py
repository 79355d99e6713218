"""How a file at root/app/.env changes: for each way, what is there before, and the edit."""

from __future__ import annotations

import mmap
import os
import shutil
from collections.abc import Callable
from pathlib import Path

Change = tuple[Callable[[Path], None], Callable[[Path], None]]


def plain(root: Path) -> None:
    (root / "app").mkdir()
    (root / "app/.env").write_text("A=1\n")
    # The clock of a file system may be coarse: an edit at once after this must differ all the same.
    os.utime(root / "app/.env", (0, 0))


def absent(root: Path) -> None:
    (root / "app").mkdir()


def nothing(_root: Path) -> None:
    pass


def linked(root: Path) -> None:
    plain(root)
    (root / "shared").mkdir()
    (root / "app/.env").rename(root / "shared/settings")
    (root / "app/.env").symlink_to("../shared/settings")


def linked_folder(root: Path) -> None:
    """As mounted secrets are laid out: .env -> ..data/.env, ..data -> version1."""
    (root / "app/version1").mkdir(parents=True)
    (root / "app/version1/.env").write_text("A=1\n")
    (root / "app/..data").symlink_to("version1")
    (root / "app/.env").symlink_to("..data/.env")


def in_place(root: Path) -> None:
    (root / "app/.env").write_text("A=2\n")


def append(root: Path) -> None:
    with (root / "app/.env").open("a") as file:
        file.write("B=2\n")


def truncate(root: Path) -> None:
    os.truncate(root / "app/.env", 0)


def atomic_rename(root: Path) -> None:
    (root / "app/.env.new").write_text("A=2\n")
    (root / "app/.env.new").replace(root / "app/.env")


def rename_from_elsewhere(root: Path) -> None:
    (root / "new").write_text("A=2\n")
    (root / "new").replace(root / "app/.env")


def delete(root: Path) -> None:
    (root / "app/.env").unlink()


def delete_and_create(root: Path) -> None:
    delete(root)
    in_place(root)


def permission(root: Path) -> None:
    (root / "app/.env").chmod(0o600)


def swap_link(root: Path) -> None:
    (root / "shared/other").write_text("A=2\n")
    (root / "app/link").symlink_to("../shared/other")
    (root / "app/link").replace(root / "app/.env")


def edit_target(root: Path) -> None:
    (root / "shared/settings").write_text("A=2\n")


def swap_folder_link(root: Path) -> None:
    shutil.copytree(root / "app/version1", root / "app/version2")
    (root / "app/link").symlink_to("version2")
    (root / "app/link").replace(root / "app/..data")


def replace_folder(root: Path) -> None:
    shutil.copytree(root / "app", root / "new")
    (root / "app").rename(root / "old")
    (root / "new").rename(root / "app")


def delete_folder(root: Path) -> None:
    shutil.rmtree(root / "app")


def replace_parent(root: Path) -> None:
    shutil.copytree(root, root.with_name("new"))
    root.rename(root.with_name("old"))
    root.with_name("new").rename(root)


def hard_linked(root: Path) -> None:
    plain(root)
    (root / "other").hardlink_to(root / "app/.env")


def edit_other_link(root: Path) -> None:
    (root / "other").write_text("A=2\n")


def through_mmap(_root: Path) -> None:
    memory = MAPPED.pop()
    memory[:] = b"A=2\n"
    memory.flush()
    memory.close()


MAPPED: list[mmap.mmap] = []


def mapped(root: Path) -> None:
    """Opened and closed before: closing a file that was open for writing is an event."""
    plain(root)
    with (root / "app/.env").open("r+b") as file:
        MAPPED.append(mmap.mmap(file.fileno(), 4))


EVENTS: dict[str, Change] = {
    "in place": (plain, in_place),
    "append": (plain, append),
    "truncate": (plain, truncate),
    "atomic rename": (plain, atomic_rename),
    "rename from elsewhere": (plain, rename_from_elsewhere),
    "delete": (plain, delete),
    "delete and create": (plain, delete_and_create),
    "create": (absent, in_place),
    "create with its folder": (nothing, plain),
    "permission": (plain, permission),
    "swap of a link": (linked, swap_link),
    "edit of the target of a link": (linked, edit_target),
    "swap of a link to a folder": (linked_folder, swap_folder_link),
    "replaced folder": (plain, replace_folder),
    "deleted folder": (plain, delete_folder),
}

NO_EVENTS: dict[str, Change] = {
    "through mmap": (mapped, through_mmap),
    "through another hard link": (hard_linked, edit_other_link),
    "replaced parent of the folder": (plain, replace_parent),
    "replaced parent of an empty folder": (absent, replace_parent),
}
