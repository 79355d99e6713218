"""Leaving root: PostgreSQL refuses it, and no server needs it."""

import ctypes
import os
import pwd
from pathlib import Path

CLONE_NEWUSER = 0x10000000  # <linux/sched.h>; `os.unshare` exists from Python 3.12 on


def leave(folder: Path) -> None:
    """Make this single-threaded process no longer root, and still the owner of `folder`.

    Root in a user namespace that maps an ordinary user to it is an ordinary user to every program
    that asks, and yet keeps its own files, the virtual environment in a private home included. A
    container may forbid namespaces: there the folder goes to `nobody`, for this and later starts.
    """
    if os.geteuid() != 0:
        return
    nobody = pwd.getpwnam("nobody")
    owner = folder.stat()
    if owner.st_uid == 0:
        if _enter_namespace_as(nobody):
            return
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        owner = folder.stat()
    os.setgroups([])
    os.setgid(owner.st_gid)
    os.setuid(owner.st_uid)


def _enter_namespace_as(user: pwd.struct_passwd) -> bool:
    group = os.getegid()
    unshare = getattr(ctypes.CDLL(None), "unshare", None)
    if unshare is None or unshare(CLONE_NEWUSER) != 0:
        return False
    process = Path("/proc/self")
    # user_namespaces(7): a group may be mapped from inside only once setgroups is given up.
    (process / "setgroups").write_text("deny")
    (process / "uid_map").write_text(f"{user.pw_uid} 0 1")
    (process / "gid_map").write_text(f"{user.pw_gid} {group} 1")
    return True
