"""The terminals of the services, each as wide as what is left beside the prefix."""

import os
from collections.abc import Callable
from functools import partial

from devsup.edges.output import Output
from devsup.edges.pty import Pty, Size, size_of
from devsup.pure.stack import Spec


class Screen:
    """What a service draws in its terminal."""

    def __init__(self, pty: Pty, prompted: Callable[[], None]) -> None:
        self.pty = pty
        self.prompted = prompted

    def draw(self, data: bytes) -> None:
        """What it wrote."""


class Terminals:
    """Who has one; `fd` is devsup's own, or none, and then services get pipes unless they ask."""

    def __init__(self, output: Output, fd: int, *, by_default: bool) -> None:
        self.output = output
        self.fd = fd
        self.by_default = by_default
        self.screens: dict[str, Screen] = {}

    def open(self, spec: Spec, seen: Callable[[bytes], None]) -> int:
        """Read a terminal, or a pipe, from now on; the service's end of it, to be closed.

        Raises:
            OSError: no descriptors or no terminals are left.
        """
        name = spec.name
        if not (self.by_default if spec.pty is None else spec.pty):
            ours, theirs = os.pipe()
            self.output.attach(name, ours, seen)
            return theirs
        pty, ours, theirs = Pty.opened(self.size)
        screen = self.screens[name] = Screen(pty, partial(self.prompted, name))
        self.output.attach(name, ours, seen, screen)
        return theirs

    def close(self, name: str) -> None:
        """Nothing of the service is left."""
        if name in self.screens:
            self.screens.pop(name).pty.close()

    def resize(self) -> None:
        """Devsup's own terminal has another size."""
        for screen in self.screens.values():
            screen.pty.resize(self.size)

    @property
    def size(self) -> Size:
        """Of each: what the prefix of the lines leaves."""
        return size_of(self.fd).without(self.output.indent)

    def prompted(self, name: str) -> None:
        """It waits for an answer that it cannot get from here."""
        self.output.say(f"{name} waits at a prompt: devsup attach {name}")
