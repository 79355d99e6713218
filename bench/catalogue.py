"""Every measure by name: its title, its unit, and which end is the good one."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measure:
    title: str
    unit: str
    more_is_better: bool = False


CATALOGUE = {
    "launch/2": Measure("Launch to 2 services started", "ms"),
    "launch/20": Measure("Launch to 20 services started", "ms"),
    "launch/100": Measure("Launch to 100 services started", "ms"),
    "exit/2": Measure("Ctrl-C to exit, 2 services", "ms"),
    "exit/20": Measure("Ctrl-C to exit, 20 services", "ms"),
    "exit/100": Measure("Ctrl-C to exit, 100 services", "ms"),
    "exit since last/2": Measure("Exit after the last of 2 services ended", "ms"),
    "exit since last/20": Measure("Exit after the last of 20 services ended", "ms"),
    "exit since last/100": Measure("Exit after the last of 100 services ended", "ms"),
    "edit/in place": Measure("`.env` saved in place to 4 services on the new value", "ms"),
    "edit/by rename": Measure("`.env` saved by rename to 4 services on the new value", "ms"),
    "edit/double": Measure("The second of two saves to 4 services on its value", "ms"),
    "stack/edit": Measure("`.env` saved to uvicorn and Celery ready on the new value", "s"),
    "output/file 1": Measure(
        "Output of one service to a file", "thousand lines/s", more_is_better=True
    ),
    "output/file 4": Measure(
        "Output of four services to a file", "thousand lines/s", more_is_better=True
    ),
    "output/pipe 1": Measure(
        "Output of one service through a pipe", "thousand lines/s", more_is_better=True
    ),
    "output/pipe 4": Measure(
        "Output of four services through a pipe", "thousand lines/s", more_is_better=True
    ),
    "output/terminal 1": Measure(
        "Output of one service to a terminal", "thousand lines/s", more_is_better=True
    ),
    "output/terminal 4": Measure(
        "Output of four services to a terminal", "thousand lines/s", more_is_better=True
    ),
    "output/cpu file 1": Measure("CPU for a million lines, one service, file", "s"),
    "output/cpu pipe 1": Measure("CPU for a million lines, one service, pipe", "s"),
    "output/cpu pipe 4": Measure("CPU for a million lines, four services, pipe", "s"),
    "output/cpu terminal 1": Measure("CPU for a million lines, one service, terminal", "s"),
    "footprint/memory 2": Measure("Memory (PSS) of the tool with 2 services", "MiB"),
    "footprint/memory 20": Measure("Memory (PSS) of the tool with 20 services", "MiB"),
    "footprint/idle cpu": Measure("CPU of the idle tool, 20 services", "% of a core"),
    "footprint/idle wake-ups": Measure("Wake-ups of the idle tool, 20 services", "a second"),
    "sources/stop": Measure("500 source files changed to the first stop", "ms"),
    "sources/start": Measure("500 source files changed to 2 services running again", "ms"),
    "sources/starts": Measure("Restarts for 500 source files changed at once", "times"),
    "answers": Measure("A command's answer, whole process", "ms"),
}
