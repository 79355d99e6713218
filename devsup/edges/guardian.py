"""The processes between the supervisor and its services: one zygote, and one guardian a service.

    supervisor ── zygote ── guardian (one a service) ── leader ── members

Run as a script by an isolated interpreter (`python -I -S`), standard library only, nothing of
devsup: it starts in milliseconds, and a guardian is a fork of it (about one).

Both are subreapers: whatever a process does (double fork, `setsid`, a cleared environment), when
its parent dies it becomes *our* direct child. A direct child cannot be reaped by anybody else, so
its pid cannot be recycled under a signal, and killing direct children until the kernel says that
there are none ends everything, without a scan and without a race.

* A guardian whose lifeline reports end of file (the supervisor is gone, however) kills its service.
* A guardian that is killed leaves its children to the zygote, which kills them.
* A killed zygote leaves the guardians to the supervisor, a subreaper too.

Without a subreaper (macOS) a guardian knows its leader's process group only.

Zygote protocol, on a stream socket: a request is one byte with descriptors.
* `g` (lifeline, output, launch file): fork a guardian. Replies are lines, `forked PID` or
  `refused ERRNO` in the order of the requests, `gone PID` once nothing of that guardian is alive.
* `t` (a terminal that does not block, a file with its modes before and now, by `marshal`): put the
  terminal back when the supervisor is gone. `f`: do not.

Guardian protocol, on the lifeline: `signal NUMBER leader|all` and `kill` in, `guarded PID` (its
own), `started PID`, `failed ERRNO` and `exited CODE` out, `left COUNT` before that of a leader that
ended well and left processes. The launch file holds, separated by NUL: directory, command line,
the environment's `KEY=value` strings.
"""

import contextlib
import ctypes
import errno
import marshal
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

LINUX = sys.platform.startswith("linux")
# Nobody tells a process that is no subreaper of a grandchild's death: it has to look (seconds).
LOOK_AGAIN = None if LINUX else 0.1
PR_SET_CHILD_SUBREAPER = 36
# Made before the forks: whatever a guardian makes for itself is memory of its own.
LIBC = ctypes.CDLL(None)
CATCHABLE = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
DEATHS = {os.CLD_EXITED, os.CLD_KILLED, os.CLD_DUMPED}
SOME = 64  # children watched at once
CLEAN = b"\r\x1b[0m\x1b[J"  # no colour, and no line that says what no longer is


def become_subreaper() -> bool:
    """Let orphaned descendants become our children; False where the kernel cannot (macOS)."""
    return LINUX and LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


def children() -> set[int]:
    """Direct children of this thread, zombies included.

    The kernel may leave some out when an entry goes away while it lists them. Entries go away by
    being reaped, and nobody but the caller does that: the list is complete.
    """
    pid = os.getpid()
    if not LINUX:
        return set()
    try:
        with open(f"/proc/{pid}/task/{pid}/children", "rb") as listing:
            return {int(child) for child in listing.read().split()}
    except FileNotFoundError:
        return _children_by_scan(pid)


def _children_by_scan(parent: int) -> set[int]:
    """For kernels without CONFIG_PROC_CHILDREN; the parent's pid is the second field after `)`."""
    found = set()
    for name in filter(str.isdigit, os.listdir("/proc")):
        with (
            contextlib.suppress(FileNotFoundError, ProcessLookupError),
            open(f"/proc/{name}/stat", "rb") as stat,
        ):
            if int(stat.read().rpartition(b")")[2].split()[1]) == parent:
                found.add(int(name))
    return found


def send_signal(pid: int, number: int) -> None:
    """Signal an unreaped child; passed over when dead already or of another user."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def kill_each(pids: Iterable[int]) -> None:
    """SIGKILL, which a stopped or traced process cannot put off."""
    for pid in pids:
        send_signal(pid, signal.SIGKILL)


def reap(pid: int) -> int | None:
    """Exit code (-signal) of a child that died, which frees its pid; None while it lives.

    Whoever calls PTRACE_TRACEME makes us its tracer, whom the kernel tells of stops, too.
    """
    try:
        reaped, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return None
    return os.waitstatus_to_exitcode(status) if reaped and not os.WIFSTOPPED(status) else None


def end_children(patience: float, spared: AbstractSet[int] = frozenset()) -> bool:
    """Kill every child but the spared, and whatever becomes one by that; False after `patience`."""
    until = time.monotonic() + patience
    while pids := children() - spared:
        kill_each(pids)
        left = until - time.monotonic()
        if left <= 0 or not one_dies(pids, left):
            return False
        for pid in pids:
            reap(pid)
    return True


def one_dies(pids: AbstractSet[int], seconds: float) -> bool:
    """Wait for the death of any of these children: what it leaves behind becomes ours.

    Not of a certain one, which may be of another user and outlive our SIGKILL. Of very many, some
    will do: descriptors may be few, and not all of these are immortal.
    """
    death = select.poll()
    with contextlib.ExitStack() as files:
        for pid in sorted(pids)[:SOME]:
            file = os.pidfd_open(pid)
            files.callback(os.close, file)
            death.register(file, select.POLLIN)
        return bool(death.poll(seconds * 1000))


def exit_code(pid: int) -> int | None:
    """Exit code (-signal) of a child that died, left unreaped; None while it lives."""
    if not hasattr(os, "waitid"):  # macOS before Python 3.13
        return reap(pid)
    dead = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    if dead is None or dead.si_code not in DEATHS:
        return None
    return dead.si_status if dead.si_code == os.CLD_EXITED else -dead.si_status


def signal_group(leader: int, number: int) -> bool:
    """Signal a process group by its leader's pid; False when nobody is left in it."""
    try:
        os.killpg(leader, number)
    except PermissionError:
        return LINUX  # macOS answers EPERM for a group of zombies
    except ProcessLookupError:
        return False
    return True


def wake_on_child_death() -> int:
    """A descriptor that becomes readable on every SIGCHLD, which must have a handler."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    return reader


def drain(fd: int) -> None:
    """Empty a wake-up pipe; one look at the children answers any number of deaths."""
    with contextlib.suppress(BlockingIOError):
        while os.read(fd, 4096):
            pass


def say(sock: socket.socket, line: str) -> None:
    """Tell the supervisor; when it is dead, its end of the socket will tell us that."""
    with contextlib.suppress(OSError):
        sock.sendall(line.encode() + b"\n")


class Guardian:
    """The parent of one service's leader, until nothing of the service is left."""

    def __init__(self, lifeline: socket.socket) -> None:
        self.lifeline = lifeline
        self.leader = 0
        self.leader_exited = False
        self.killing = False
        self.pending = b""

    def run(self, output: int, launch: int) -> None:
        """Start the leader, obey the supervisor, and return when the last child is dead."""
        become_subreaper()
        wake = wake_on_child_death()
        say(self.lifeline, f"guarded {os.getpid()}")
        try:
            self.leader = start_leader(output, launch)
        except OSError as error:
            say(self.lifeline, f"failed {error.errno}")
            return
        except ValueError:  # what no process can be given: a variable without a name
            say(self.lifeline, f"failed {errno.EINVAL}")
            return
        finally:
            os.close(output)
            os.close(launch)
        say(self.lifeline, f"started {self.leader}")
        sources: list[int | socket.socket] = [wake, self.lifeline]
        while not self.is_empty():
            waiting = LOOK_AGAIN if self.leader_exited else None
            ready, _, _ = select.select(sources, [], [], waiting)
            drain(wake)
            if self.lifeline in ready and not self.obey():
                sources.remove(self.lifeline)
            self.bury()

    def obey(self) -> bool:
        """Carry out what the supervisor asks; False, and the end of all, when it is gone."""
        try:
            received = self.lifeline.recv(4096)
        except ConnectionError:
            received = b""
        *lines, self.pending = (self.pending + received).split(b"\n")
        for line in lines:
            self.carry_out(line.decode().split())
        self.killing = self.killing or not received
        return bool(received)

    def carry_out(self, words: list[str]) -> None:
        """One request of the supervisor.

        A stopped process keeps a signal pending, hence a SIGCONT behind each.
        """
        match words:
            case ["kill"]:
                self.killing = True
            case ["signal", number, "leader"] if not self.leader_exited:
                send_signal(self.leader, int(number))
                send_signal(self.leader, signal.SIGCONT)
            case ["signal", number, "all"]:
                self.signal_all(int(number))
                self.signal_all(signal.SIGCONT)

    def signal_all(self, number: int) -> None:
        """Signal the leader's process group and the children that have left it."""
        signal_group(self.leader, number)
        for pid in children():
            with contextlib.suppress(ProcessLookupError):
                if os.getpgid(pid) != self.leader:
                    send_signal(pid, number)

    def bury(self) -> None:
        """Report the leader's end, reap everybody else, and kill who is left if that was asked.

        The leader stays a zombie until the end: it pins its pid, so that the number of its process
        group cannot be given to a stranger while we may still signal it.
        """
        code = None if self.leader_exited else exit_code(self.leader)
        alive = {pid for pid in children() - {self.leader} if reap(pid) is None}
        if code is not None:
            self.leader_exited = True
            if alive and not code:
                say(self.lifeline, f"left {len(alive)}")
            say(self.lifeline, f"exited {code}")
        if self.killing:
            self.kill(alive)

    def kill(self, others: set[int]) -> None:
        """Whoever survives this (a child of a child) becomes a child, and SIGCHLD calls again.

        The group first, the leader with it: the kernel lets no fork slip out of a killpg, while a
        chain of forks may be one ahead of us when its links are killed one by one.
        """
        signal_group(self.leader, signal.SIGKILL)
        kill_each(others)

    def is_empty(self) -> bool:
        """Whether nothing is left by the kernel's word; the leader is reaped as the very last."""
        if not self.leader_exited or children() - {self.leader}:
            return False
        if not LINUX:
            return not signal_group(self.leader, 0)
        # From here on its group's number is no longer ours to signal; ECHILD is the kernel's word.
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, 0):
                kill_each(children())
        return True


def start_leader(output: int, launch: int) -> int:
    """Spawn `/bin/sh -c LINE` in a session of its own, signals at their defaults; its pid.

    posix_spawn and not fork: an error of exec (E2BIG) comes back as an OSError. Where `output` is a
    terminal it is stdin, too; opened by its name, after setsid, it becomes the session's own. The
    kernel then sends SIGHUP to the leader's group when the leader ends: whoever it leaves has a
    grace period to finish in, so that they begin with SIGHUP ignored.
    """
    own = os.isatty(output)
    defaults = CATCHABLE
    if own:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        defaults = CATCHABLE - {signal.SIGHUP}
    stdin, mode = (os.ttyname(output), os.O_RDWR) if own else (os.devnull, os.O_RDONLY)
    with open(launch, "rb", closefd=False) as file:
        directory, line, *environment = file.read().split(b"\0")
    os.chdir(directory)
    return os.posix_spawn(
        "/bin/sh",
        [b"/bin/sh", b"-c", line],
        dict(entry.split(b"=", 1) for entry in environment),
        file_actions=(
            (os.POSIX_SPAWN_OPEN, 0, stdin, mode, 0),
            (os.POSIX_SPAWN_DUP2, output, 1),
            (os.POSIX_SPAWN_DUP2, output, 2),
        ),
        setsid=True,
        setsigmask=[],
        setsigdef=defaults,
    )


class Seat:
    """The terminal that the supervisor sits at, whose modes it has changed."""

    def __init__(self, terminal: int, modes: int) -> None:
        with open(modes, "rb", closefd=False) as file:
            self.before, self.ours = marshal.load(file)  # noqa: S302  from our own supervisor
        self.terminal = os.dup(terminal)

    def put_back(self) -> None:
        """Undo what the supervisor left, unless somebody has set modes of their own meanwhile.

        The kernel lets a process outside of the terminal's session do that without asking who is in
        the foreground.
        """
        import termios  # noqa: PLC0415  an extension module, for once in a lifetime

        with contextlib.suppress(OSError, termios.error):
            if termios.tcgetattr(self.terminal) == self.ours:
                termios.tcsetattr(self.terminal, termios.TCSANOW, self.before)
                os.write(self.terminal, CLEAN)

    def close(self) -> None:
        """Let go of it."""
        os.close(self.terminal)


class Zygote:
    """Forks guardians, buries them, and kills what a killed one leaves behind."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        signal.signal(signal.SIGCHLD, lambda *_: None)  # the guardians inherit it
        self.wake = wake_on_child_death()
        self.guardians: set[int] = set()
        self.lost: set[int] = set()
        self.seat: Seat | None = None

    def run(self) -> None:
        """Serve until the supervisor is gone and then until no child is left."""
        become_subreaper()
        sources: list[int | socket.socket] = [self.wake, self.control]
        while self.control in sources or self.guardians or children():
            ready, _, _ = select.select(sources, [], [])
            if self.control in ready and not self.serve():
                sources.remove(self.control)
                self.wake_guardians()
                if self.seat:
                    self.seat.put_back()
            if self.wake in ready:
                drain(self.wake)
                self.bury()

    def wake_guardians(self) -> None:
        """Somebody may have stopped one, and it could not see that the supervisor is gone."""
        for pid in self.guardians:
            send_signal(pid, signal.SIGCONT)

    def serve(self) -> bool:
        """Carry out one request; False when the supervisor is gone."""
        try:
            request, fds, _, _ = socket.recv_fds(self.control, 1, 3)
        except ConnectionError:
            request = b""
        if not request:
            return False
        try:
            if request == b"g":
                self.fork(fds)
            else:
                self.sit(fds)
        finally:
            for fd in fds:
                os.close(fd)
        return True

    def sit(self, fds: list[int]) -> None:
        """Remember the terminal that the supervisor has changed, or none any more."""
        if self.seat:
            self.seat.close()
            self.seat = None
        if fds:
            with contextlib.suppress(OSError):  # no descriptor is left for it
                self.seat = Seat(*fds)

    def fork(self, fds: list[int]) -> None:
        """Start a guardian around these descriptors."""
        try:
            pid = os.fork()
        except OSError as error:  # no process is to be had: one service fails, not all
            say(self.control, f"refused {error.errno}")
            return
        if not pid:
            self.become_guardian(*fds)
        self.guardians.add(pid)
        say(self.control, f"forked {pid}")

    def become_guardian(self, lifeline: int, output: int, launch: int) -> None:
        """In the fork: never returns. Status 0 tells the zygote that nothing was left behind."""
        for fd in (lifeline, output, launch):
            os.set_inheritable(fd, False)  # recvmsg does not: the leader would get them
        os.close(signal.set_wakeup_fd(-1))
        os.close(self.wake)
        self.control.close()
        self.sit([])
        try:
            Guardian(socket.socket(fileno=lifeline)).run(output, launch)
        except BaseException:  # noqa: BLE001  whatever it is, this fork must not return
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)

    def bury(self) -> None:
        """Reap the dead; a guardian that exits 0 left nothing, of any other we have the orphans.

        Such a lost guardian stays a zombie until they are dead too: the supervisor knows it by its
        pid, which no new guardian may be given before.
        """
        for pid in children() - self.guardians:
            reap(pid)
        for pid in self.guardians - self.lost:
            code = exit_code(pid)
            if code == 0:
                self.tell_gone(pid)
            elif code is not None:
                self.lost.add(pid)
        if self.lost:
            self.sweep()

    def sweep(self) -> None:
        """Kill every child that is no guardian; when there is none, the lost guardians are gone."""
        orphans = children() - self.guardians
        kill_each(orphans)
        if not orphans:
            for pid in self.lost:
                self.tell_gone(pid)
            self.lost.clear()

    def tell_gone(self, pid: int) -> None:
        """Nothing of it is left."""
        reap(pid)
        self.guardians.remove(pid)
        say(self.control, f"gone {pid}")


def main() -> None:
    """Be the zygote: the one argument is the number of the inherited control socket."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # A mask outlives exec: with SIGCHLD blocked by whoever started devsup we would never wake.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    Zygote(control).run()
    os._exit(0)  # the supervisor waits for this end, and there is nothing to tidy up in memory


if __name__ == "__main__":
    main()
