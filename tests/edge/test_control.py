"""The control socket: whatever its peers do, it serves the others, and its memory is bounded."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import stat
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from stage import descriptors
from users import as_nobody

from devsup.edges import client, control
from devsup.edges.control import ALL_WAITING, MOST_WAITING, Control, Peer
from devsup.edges.listener import listen
from devsup.pure.errors import FAILED, RUNNING, USAGE, DevsupError
from devsup.pure.protocol import LONGEST_REQUEST, Command, Kind, Reply, Request, dump, load_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECONDS = 60.0
"""How long a test waits for what must happen; far more than it takes."""
LINE = "x" * 999 + "\n"
IN_THE_KERNEL = 512 * 1024
"""More than a socket holds by itself."""


class Served:
    """A control socket with a loop of its own, whose handler does as it is asked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.loop = asyncio.new_event_loop()
        self.errors: list[dict[str, Any]] = []
        self.loop.set_exception_handler(lambda _, context: self.errors.append(context))
        self.control = Control([listen(path)], self.handle)
        self.flowed = threading.Event()
        self.given_up = threading.Event()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.do(self.control.start())

    def do(self, what: object) -> None:
        """Have something done in the loop, and wait for it."""
        assert asyncio.iscoroutine(what)
        asyncio.run_coroutine_threadsafe(what, self.loop).result(SECONDS)

    async def handle(self, request: Request, peer: Peer) -> None:
        match request.command:
            case Command.LOGS:
                for _ in range(request.lines):
                    peer.send(Reply(Kind.LINES, LINE))
                self.flowed.set()
            case Command.DOWN:
                for number in range(request.lines):
                    peer.send(Reply(Kind.SAY, f"{number} {LINE}"))
                    await asyncio.sleep(0)
            case Command.START:
                try:
                    await asyncio.get_running_loop().create_future()
                finally:
                    self.given_up.set()
            case Command.ATTACH:
                await peer.hung_up()
                for _ in range(10):
                    peer.send(Reply(Kind.SAY, LINE))
                self.given_up.set()
            case Command.STOP:
                raise DevsupError("no", hint="never", exit_code=FAILED)
            case Command.STATUS:
                peer.send(Reply(Kind.STATUS, status={"services": list(request.services)}))
        peer.send(Reply(Kind.DONE))

    def answers(self) -> bool:
        """Whether it serves somebody who does everything right."""
        [reply] = client.ask([str(self.path)], Request(Command.STATUS, ("web",)))
        return reply.status == {"services": ["web"]}

    def end(self) -> None:
        self.do(self.control.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
        assert self.errors == []


@pytest.fixture
def served() -> Iterator[Served]:
    # Below /tmp itself: the address of a socket has 108 bytes.
    with tempfile.TemporaryDirectory() as folder:
        served = Served(Path(folder) / "control.sock")
        yield served
        served.end()


@contextlib.contextmanager
def connected(served: Served, sent: bytes = b"") -> Iterator[socket.socket]:
    """A peer that has sent this, and nothing else for now."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(SECONDS)
        peer.connect(str(served.path))
        with contextlib.suppress(BrokenPipeError):  # it may have been refused, and hung up on
            peer.sendall(sent)
        yield peer


def everything(peer: socket.socket) -> list[Reply]:
    """Each line that comes until the other end hangs up; the last one may be torn then."""
    return [load_reply(line) for line in received(peer).split(b"\n")[:-1]]


def received(peer: socket.socket) -> bytes:
    """Whoever is sent away with something unread is told so by a reset behind the last byte."""
    data = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while more := peer.recv(1 << 20):
            data += more
    return bytes(data)


def test_every_one_of_many_clients_at_once_is_answered(served: Served) -> None:
    gate = threading.Barrier(200)

    def ask(number: int) -> bool:
        gate.wait(SECONDS)
        [reply] = client.ask([str(served.path)], Request(Command.STATUS, (str(number),)))
        return reply.status == {"services": [str(number)]}

    with ThreadPoolExecutor(200) as clients:
        assert all(clients.map(ask, range(200)))


@pytest.mark.parametrize(
    "sent", [b"\n", b"GET / HTTP/1.1\r\n\r\n", b"\xff\xfe\0\n", b"{}\n", b"[" * 60_000 + b"\n"]
)
def test_garbage_is_refused(served: Served, sent: bytes) -> None:
    with connected(served, sent) as peer:
        [reply] = everything(peer)
    assert (reply.kind, reply.number) == (Kind.REFUSED, USAGE)
    assert served.answers()


def test_an_endless_line_is_cut_off(served: Served) -> None:
    with connected(served) as peer:
        sent = 0
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while True:
                sent += peer.send(b"x" * 65536)
    assert sent < 3 * LONGEST_REQUEST + IN_THE_KERNEL
    assert served.answers()


def test_a_silent_peer_is_sent_away(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "PATIENCE", 0.01)
    with connected(served, b'{"command"') as peer:
        [reply] = everything(peer)
    assert reply.kind is Kind.REFUSED


def test_a_silent_peer_holds_nobody_up(served: Served) -> None:
    with connected(served), connected(served, b'{"command"'):
        assert served.answers()


def test_a_peer_that_does_not_read_is_told_how_many_lines_it_missed(served: Served) -> None:
    with connected(served, dump(Request(Command.LOGS, lines=30_000))) as peer:
        assert served.flowed.wait(SECONDS)
        assert served.answers()
        *lines, missed, done = everything(peer)
    assert {reply.kind for reply in lines} == {Kind.LINES}
    assert done.kind is Kind.DONE
    assert missed.kind is Kind.MISSED
    assert len(lines) + missed.number == 30_000
    assert MOST_WAITING / 2 < len(lines) * len(LINE) < MOST_WAITING + IN_THE_KERNEL


def test_a_peer_that_keeps_up_misses_nothing(served: Served) -> None:
    request = Request(Command.LOGS, lines=900)  # less than may wait for it
    assert [reply.text for reply in client.ask([str(served.path)], request)] == [LINE] * 900


def test_what_comes_while_something_waits_comes_behind_it(served: Served) -> None:
    replies = client.ask([str(served.path)], Request(Command.DOWN, lines=2_000))
    assert [reply.text for reply in replies] == [f"{number} {LINE}" for number in range(2_000)]


def test_what_waits_for_many_that_do_not_read_is_bounded_for_all_of_them(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever is sent away leaves its share to the others: nobody is, also where all this is slow.
    monkeypatch.setattr(control, "PATIENCE", SECONDS)
    with contextlib.ExitStack() as stack:
        request = dump(Request(Command.LOGS, lines=3_000))
        peers = []
        for _ in range(100):
            served.flowed.clear()
            peers.append(stack.enter_context(connected(served, request)))
            assert served.flowed.wait(SECONDS)
        assert served.answers()
        waiting = [len(received(peer)) for peer in peers]
    # The first ones got a larger share, when they were few.
    assert sum(waiting[50:]) < ALL_WAITING + 50 * IN_THE_KERNEL
    assert max(waiting[90:]) < ALL_WAITING / 90 + IN_THE_KERNEL < MOST_WAITING
    assert min(waiting) > 0


def test_whoever_never_reads_is_not_kept_for_ever(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "PATIENCE", 0.01)
    with connected(served, dump(Request(Command.LOGS, lines=30_000))) as peer:
        assert served.flowed.wait(SECONDS)
        with pytest.raises(BrokenPipeError):  # noqa: PT012 - until the other end is gone
            while True:
                peer.send(b"x")
        *_, last = everything(peer)
    assert last.kind is Kind.LINES


def test_nobody_works_for_a_peer_that_hung_up(served: Served) -> None:
    with connected(served, dump(Request(Command.START))):
        pass
    assert served.given_up.wait(SECONDS)
    assert served.answers()


@pytest.mark.parametrize("unread", [0, 100, 3 * LONGEST_REQUEST])
def test_an_end_is_heard_of_behind_whatever_is_unread(served: Served, unread: int) -> None:
    with connected(served, dump(Request(Command.ATTACH)) + b"x" * unread):
        assert not served.given_up.is_set()
    assert served.given_up.wait(SECONDS)
    assert served.answers()


def test_of_what_is_sent_to_who_is_gone_nobody_complains(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    """asyncio would say on stderr, in the middle of a line, that it cannot write."""
    with connected(served, dump(Request(Command.ATTACH))):
        pass
    assert served.given_up.wait(SECONDS)
    assert served.answers()
    assert caplog.messages == []


def test_one_too_many_is_refused_and_the_others_are_served(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "MOST_PEERS", 2)
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(connected(served, dump(Request(Command.START))))
        with pytest.raises(DevsupError, match="too many"):
            served.answers()
    with connected(served) as peer:
        with contextlib.suppress(BrokenPipeError):  # it was refused before it had asked
            peer.sendall(dump(Request(Command.STATUS)))
        assert everything(peer)[-1].kind in {Kind.DONE, Kind.REFUSED}


def test_a_refusal_arrives_with_its_hint_and_exit_code(served: Served) -> None:
    with pytest.raises(DevsupError) as refused:
        [*client.ask([str(served.path)], Request(Command.STOP))]
    error = refused.value
    assert (error.message, error.hint, error.exit_code) == ("no", "never", FAILED)


# ---- whose it is


def test_the_socket_is_ours_alone(served: Served) -> None:
    assert stat.S_IMODE(served.path.stat().st_mode) == 0o600


@pytest.mark.root
def test_another_user_cannot_connect(served: Served) -> None:
    served.path.parent.chmod(0o755)
    assert "PermissionError" in as_nobody(lambda: ask_as_another(served.path))


@pytest.mark.root
def test_another_user_is_refused_even_where_the_socket_is_open(served: Served) -> None:
    served.path.parent.chmod(0o755)
    served.path.chmod(0o666)
    assert "another user" in as_nobody(lambda: ask_as_another(served.path))


def ask_as_another(path: Path) -> str:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(SECONDS)
        peer.connect(str(path))
        with contextlib.suppress(BrokenPipeError):  # it was refused before it had asked
            peer.sendall(dump(Request(Command.STATUS)))
        return peer.recv(1 << 16).decode()


# ---- the end


def test_what_was_sent_before_the_end_is_delivered(served: Served) -> None:
    with connected(served, dump(Request(Command.LOGS, lines=900))) as peer:
        assert served.flowed.wait(SECONDS)
        closing = asyncio.run_coroutine_threadsafe(served.control.close(), served.loop)
        assert len(everything(peer)) == 900 + 1
        closing.result(SECONDS)


def test_whoever_does_not_read_does_not_hold_up_the_end(served: Served) -> None:
    with connected(served, dump(Request(Command.LOGS, lines=30_000))):
        assert served.flowed.wait(SECONDS)
        served.do(served.control.close())


def test_an_answer_without_an_end_is_a_failure(served: Served) -> None:
    with ThreadPoolExecutor(1) as clients, connected(served, dump(Request(Command.STATUS))) as one:
        everything(one)
        waiting = clients.submit(lambda: [*client.ask([str(served.path)], Request(Command.START))])
        wait_until(served, lambda: len(served.control._peers) == 1)
        served.do(served.control.close())
        with pytest.raises(DevsupError, match="ended before"):
            waiting.result(SECONDS)


def wait_until(served: Served, condition: Callable[[], bool]) -> None:
    """Until the loop has brought it about."""

    async def look() -> None:
        async with asyncio.timeout(SECONDS):
            while not condition():  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0)

    served.do(look())


def test_a_devsup_that_does_not_answer_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PATIENCE", 0.02)
    monkeypatch.setattr(client, "SILENCE", 0.01)
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("stopped")
        listener.listen()
        with pytest.raises(DevsupError, match="does not answer"):
            [*client.ask(["stopped"], Request(Command.STATUS))]


@pytest.mark.parametrize("is_left", [False, True])
def test_without_a_listener_nothing_is_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_left: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    if is_left:  # by a supervisor that was killed
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("control.sock")
    with pytest.raises(DevsupError) as refused:
        [*client.ask(["control.sock"], Request(Command.STATUS))]
    assert refused.value.exit_code == RUNNING


def test_no_descriptor_is_left_of_any_peer(served: Served) -> None:
    assert served.answers()
    wait_until(served, lambda: not served.control._peers)
    before = descriptors()
    requests = map(dump, map(Request, (Command.START, Command.STOP, Command.ATTACH)))
    for sent in (b"", b"\n", b"x" * 100, *requests):
        with connected(served, sent):
            pass
    assert served.answers()
    wait_until(served, lambda: not descriptors() - before)
