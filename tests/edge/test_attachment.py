"""The user's end of `devsup attach`."""

from __future__ import annotations

import os
import socket
from concurrent.futures import ThreadPoolExecutor

from devsup.commands.attach import Attachment
from devsup.pure.protocol import Frame, dump


def test_what_was_typed_last_arrives_although_an_echo_is_unread() -> None:
    ours, theirs = socket.socketpair()
    nowhere = os.open(os.devnull, os.O_RDWR)
    attachment = Attachment(ours, nowhere, nowhere, nowhere)
    theirs.sendall(b"an echo that nobody has read yet\n")
    with ThreadPoolExecutor(1) as user, theirs:
        last = Frame(keys="c\n")
        attachment.send(last)
        user.submit(leave, attachment)
        heard = b"".join(iter(lambda: theirs.recv(1 << 16), b""))
    assert heard == dump(last)
    os.close(nowhere)


def leave(attachment: Attachment) -> None:
    attachment.leave()
    attachment.connection.close()
