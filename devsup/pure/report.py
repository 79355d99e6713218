"""What devsup says to people: one sentence a notice. Keys are named, values never are."""

import signal
from collections.abc import Iterable, Mapping, Sequence
from functools import singledispatch

from devsup.pure import notices as tell
from devsup.pure.lifecycle import State
from devsup.pure.lines import Tone
from devsup.pure.notices import Cause, Next, Notice
from devsup.pure.programs import HttpReady, ListenReady, LogReady, PortReady, Ready, SettleReady
from devsup.pure.unit import Unit
from devsup.pure.words import ENDED, count, enumerated, seconds

NAMED = 3
"""Of very many awaited services so many are named: a line has to be read at a glance."""

FAILURES = frozenset({State.CRASHED, State.STUCK})


def ending(code: int | None) -> str:
    """How a process ended, signals by name."""
    if code is None:
        return "ended unseen: its guardian is gone"
    if code >= 0:
        return f"exited with status {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def tone(notice: Notice) -> Tone:
    """How loudly to say it."""
    match notice:
        case tell.Steady(services=services):
            failed = any(state in FAILURES for _, state, _ in services)
            return Tone.ALARM if failed else Tone.REPORT
        case tell.Exited(code=0):
            return Tone.PLAIN
        case tell.Exited() | tell.Blocked() | tell.Late() | tell.Stuck():
            return Tone.ALARM
        case tell.Unverified() | tell.Broken():
            return Tone.ALARM
        case _:
            return Tone.PLAIN


def about(notice: Notice) -> str:
    """The one service that it is about; empty for any other notice."""
    match notice:
        case tell.Exited(name) | tell.Following(name) | tell.Blocked(name) | tell.Late(name):
            return name
        case tell.Signalled(name) | tell.Killed(name) | tell.Stuck(name):
            return name
        case _:
            return ""


@singledispatch
def sentence(notice: Notice) -> str:
    """A notice as devsup says it in the output."""
    raise TypeError(f"no sentence for {type(notice).__name__}")


@sentence.register
def _(notice: tell.Restarting) -> str:
    parts = [f"removing {enumerated(notice.removed)}"] if notice.removed else []
    for verb, names in (("restarting", notice.names), ("starting", notice.idle)):
        if names:
            parts.append(f"{verb} {enumerated(names)}")
    generation = f" on generation {notice.generation}" if notice.names or notice.idle else ""
    return _reason(notice) + ", ".join(parts) + generation


def _reason(notice: tell.Restarting | tell.Steady) -> str:
    """What was changed: `.env: ~KEY +OTHER: app/tasks.py +3: `; nothing when no file was."""
    edit = f"{notice.file}: {notice.diff or 'back to what it was'}: "
    sources = f"{_named(notice.sources)}: " if notice.sources else ""
    return (edit if notice.cause is Cause.EDIT else "") + sources


def _named(files: Sequence[str]) -> str:
    """The first of some files, and how many more: `app/tasks.py +3`."""
    return f"{files[0]} +{len(files) - 1}" if files[1:] else files[0]


def reloaded_twice(service: str) -> str:
    """A warning: a program that reloads itself is restarted at the same change."""
    return (
        f"{service} is reloaded twice by a change: its program does that itself, and `watch`"
        " restarts it; take one of the two away"
    )


def changes_itself(service: str, files: Sequence[str], wait: float) -> str:
    """A restart is put off, because the same files changed soon after each of the last starts."""
    return (
        f"{_named(files)} changed again soon after a start of {service}: the next restart waits"
        f" {seconds(wait)}; should {service} write it, take it out of its `watch`"
    )


def unwatched(directories: int) -> str:
    """The kernel refuses to watch so many directories."""
    return (
        f"no inotify watch is left for {count(directories, 'directory', 'directories')}: changes"
        " there are found by comparing, in seconds; for more watches:"
        " sysctl fs.inotify.max_user_watches=1048576"
    )


@sentence.register
def _(notice: tell.Steady) -> str:
    up = [f"{name} ({how})" for name, state, how in notice.services if state is State.UP]
    others = (each for each in notice.services if each[1] is not State.UP)
    parts = [
        *([f"{enumerated(up)} on generation {notice.generation}"] if up else []),
        *(f"{name} {_short_of_up(state)}" for name, state, _ in others),
        *(f"{name} waits for {other}" for name, other in notice.waiting),
    ]
    parts = parts or ["done"]  # somebody was removed, and nobody restarted
    parts[-1] += f" in {seconds(notice.stop + notice.start + notice.verify)} {_phases(notice)}"
    parts.append(f"{count(notice.processes, 'process', 'processes')} verified")
    return _reason(notice) + ", ".join(parts)


def _short_of_up(state: State) -> str:
    """One that still starts was late: nobody waits for it any more."""
    return "not ready" if state is State.STARTING else state.value


def _phases(notice: tell.Steady) -> str:
    """Where the time went, in seconds: `(stop 0.3, start 1.6, verify 0.0)`."""
    stop = f"stop {notice.stop:.1f}, " if notice.stop else ""
    return f"({stop}start {notice.start:.1f}, verify {notice.verify:.1f})"


@sentence.register
def _(notice: tell.NotConcerned) -> str:
    return f"{notice.file}: {notice.diff}: nothing has to be restarted for that"


@sentence.register
def _(notice: tell.Exited) -> str:
    unasked = "" if notice.code is None else ", and nobody had asked it to"
    return f"{notice.name} {ending(notice.code)}{unasked}"


@sentence.register
def _(notice: tell.Following) -> str:
    match notice.what:
        case Next.WAIT:
            again = f"or until you type: devsup start {notice.name}"
            return f"{notice.name} is down until the next edit, {again}; the rest is left running"
        case Next.RESTART:
            return f"{notice.name} is started again in {seconds(notice.delay)}"
        case Next.STOP:
            return f"{notice.name} is down: stopping everything, as on-exit says"


@sentence.register
def _(notice: tell.Blocked) -> str:
    return f"{notice.name} is not started: it comes after {notice.after}, which is not running"


@sentence.register
def _(notice: tell.Late) -> str:
    return (
        f"{late(notice.name, notice.ready, notice.seconds)}; it is left running, and what comes"
        " after it waits (see: devsup logs; `ready` or `ready-timeout` in the configuration)"
    )


def late(name: str, ready: Ready, after: float) -> str:
    """`web.1 is not ready after 60 s (until port 8000 answers)`."""
    return f"{name} is not ready after {seconds(after)} ({awaited_sign(ready)})"


@sentence.register
def _(notice: tell.Signalled) -> str:
    return f"{notice.name} is still running: {notice.signal.name}"


@sentence.register
def _(notice: tell.Killed) -> str:
    return f"{notice.name}: SIGKILL to every process that is left"


@sentence.register
def _(notice: tell.Stuck) -> str:
    return (
        f"{notice.name} is stuck: the kernel does not end it even on SIGKILL (a process of another"
        " user, or one that waits for a device)"
        + (f"; as root: kill -9 {' '.join(map(str, notice.pids))}" if notice.pids else "")
        + (f"; not started before it is gone: {' '.join(notice.waiting)}" if notice.waiting else "")
    )


@sentence.register
def _(notice: tell.Swept) -> str:
    return f"strays of this run killed: {' '.join(map(str, notice.pids))}"


@sentence.register
def _(notice: tell.Unverified) -> str:
    text = f"generation {notice.generation} is NOT verified"
    if notice.strays:
        pids = " ".join(map(str, notice.strays))
        text += f"; strays of this run are still alive: {pids} (type: devsup kill)"
    if notice.stale:
        pids = " ".join(map(str, notice.stale))
        text += f"; on older settings: {pids} (type: devsup env --live)"
    return text


@sentence.register
def _(notice: tell.Broken) -> str:
    problems = "\n".join(map(str, notice.problems))
    return f"{problems}\nkept running on generation {notice.generation}; save the file to try again"


@sentence.register
def _(notice: tell.Repaired) -> str:
    return f"the files are readable again and the same as those of generation {notice.generation}"


@sentence.register
def _(notice: tell.Quitting) -> str:
    if not notice.names:
        return "ending"
    how = {0: "", 1: " (Ctrl-C to kill)"}.get(notice.interrupts, " (Ctrl-C twice to kill)")
    return f"stopping {enumerated(notice.names)}{how}"


@sentence.register
def _(_: tell.Ended) -> str:
    return ENDED


def left_behind(name: str, children: int) -> str:
    """A program has made itself a daemon, which has no place in a run."""
    return (
        f"{name} left {count(children, 'process', 'processes')} behind, to be ended with it: a"
        " service stays in the foreground (many daemons have an option for that)"
    )


def waiting(units: Iterable[Unit], deadlines: Mapping[str, float], now: float) -> str:
    """Who is awaited and how long still; empty when nobody is."""
    moving = [unit for unit in units if unit.moving]
    parts = [_awaited(unit, deadlines, now) for unit in moving[:NAMED]]
    if more := len(moving) - len(parts):
        parts.append(f"{more} more")
    return f"waiting: {'; '.join(parts)}" if parts else ""


def _awaited(unit: Unit, deadlines: Mapping[str, float], now: float) -> str:
    """`worker.1 finishing, 7 s before SIGQUIT`, `web.1 starting for 3 s (port 8000)`."""
    name, life = unit.spec.name, unit.life
    so_far = f"{now - unit.since:.0f} s"
    match life.state:
        case State.STOPPING:
            left = max(0.0, deadlines[name] - now)
            asked_once = life.step == 1 and life.exit_code is None
            verb = "finishing" if asked_once else "stopping"
            return f"{name} {verb}, {left:.0f} s before {_following(unit)}"
        case State.KILLING:
            return f"{name} killed, not gone for {so_far}"
        case _:
            return f"{name} starting for {so_far} ({awaited_sign(unit.asked)})"


def _following(unit: Unit) -> str:
    """The signal of the next step of a stop sequence."""
    steps, step = unit.started_as.steps, unit.life.step
    return steps[step].signal.name if step < len(steps) else "SIGKILL"


def awaited_sign(ready: Ready) -> str:
    """What has to happen before a service counts as ready."""
    match ready:
        case LogReady(pattern):
            return f"until a line has {pattern}"
        case PortReady(port) | ListenReady(int(port)):
            return f"until port {port} answers"
        case ListenReady():
            return "until it listens"
        case HttpReady():
            return "until its address answers"
        case SettleReady():
            return "until it has settled"
