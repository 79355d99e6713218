"""The control socket itself, made before anything is started; `control` serves who connects."""

import socket
from pathlib import Path

from devsup.pure.errors import DevsupError


def listen(path: Path) -> socket.socket:
    """A socket of ours alone at `path`, in a directory that is; whoever connects is kept waiting.

    Raises:
        DevsupError: something is in the way there, or it cannot be made.
    """
    listener = socket.socket(socket.AF_UNIX)
    try:
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen()
    except OSError as error:
        listener.close()
        raise DevsupError(
            f"the control socket {path} cannot be made: {error.strerror}",
            hint=f"remove what is in its place: rm -r {path}",
        ) from None
    return listener
