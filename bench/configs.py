"""The same services, said to every tool in its own language."""

import json
from collections.abc import Mapping


def files(services: Mapping[str, str], folder: str) -> dict[str, str]:
    """Name of a file to its text; `services` is name to command line."""
    return {
        "Procfile": procfile(services),
        "loop.sh": shell_loop(services),
        "circus.ini": circus(services, folder),
        "supervisord.conf": supervisor(services, folder),
        "ecosystem.config.js": pm2(services),
        "mprocs.yaml": mprocs(services),
        "process-compose.yaml": process_compose(services),
    }


def procfile(services: Mapping[str, str]) -> str:
    return "".join(f"{name}: exec {line}\n" for name, line in services.items())


def shell_loop(services: Mapping[str, str]) -> str:
    """The floor: it starts processes and waits for them; Ctrl-C ends them, and it."""
    starts = "".join(f"{line} &\n" for line in services.values())
    # A shell lets its background jobs ignore SIGINT: they are told with SIGTERM.
    trap = "trap 'trap \"\" TERM; kill 0; wait; exit' INT\n"
    return f"{trap}set -a; [ ! -e .env ] || . ./.env; set +a\n{starts}wait\n"


def circus(services: Mapping[str, str], folder: str) -> str:
    head = f"[circus]\nendpoint = ipc://{folder}/c1\npubsub_endpoint = ipc://{folder}/c2\n"
    return head + "".join(
        f"[watcher:{name}]\ncmd = {line}\ncopy_env = True\n"
        "stdout_stream.class = StdoutStream\nstderr_stream.class = StdoutStream\n"
        for name, line in services.items()
    )


def supervisor(services: Mapping[str, str], folder: str) -> str:
    head = (
        "[supervisord]\nnodaemon = true\nlogfile = /dev/null\nlogfile_maxbytes = 0\n"
        f"pidfile = {folder}/pid\n"
    )
    return head + "".join(
        f"[program:{name}]\ncommand = {line}\nredirect_stderr = true\n"
        "stdout_logfile = /dev/fd/1\nstdout_logfile_maxbytes = 0\n"
        for name, line in services.items()
    )


def pm2(services: Mapping[str, str]) -> str:
    """It has no word for env files; it can watch one."""
    apps = [
        {
            "name": name,
            "script": words[0],
            "args": words[1:],
            "interpreter": "none",
            "watch": [".env"],
        }
        for name, words in ((name, line.split()) for name, line in services.items())
    ]
    return f"module.exports = {json.dumps({'apps': apps})}\n"


def mprocs(services: Mapping[str, str]) -> str:
    return json.dumps({"procs": {name: {"shell": line} for name, line in services.items()}})


def process_compose(services: Mapping[str, str]) -> str:
    return json.dumps(
        {
            "version": "0.5",
            "env_file": [".env"],
            "processes": {name: {"command": f"exec {line}"} for name, line in services.items()},
        }
    )
