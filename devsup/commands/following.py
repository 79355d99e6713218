"""Follows the files of a run: what an edit of them says is posted."""

from collections.abc import Collection

from devsup.commands.declarations import Declarations, Reading
from devsup.commands.settling import Settling
from devsup.commands.sources import Sources
from devsup.commands.up import Run
from devsup.edges.watch import Watch
from devsup.pure import envfile
from devsup.pure.events import Broke, Edited
from devsup.pure.writing import Writer


class Following:
    """Looks at the files that declare a run; `sources` are told what there is to watch."""

    def __init__(self, run: Run, declarations: Declarations, sources: Sources) -> None:
        self.run = run
        self.declarations = declarations
        self.watch = Watch(declarations.paths, self.look)
        self.settling = Settling(declarations, self.take, self.tell_writing)
        self.sources = sources

    def start(self) -> None:
        """Follow them from now on; what was edited since they were read is seen at once."""
        self.watch.start(self.run.loop)

    def close(self) -> None:
        """Follow nothing any more; harmless before `start`."""
        self.settling.close()
        self.watch.close()

    def look(self, writer: Writer) -> None:
        """One of the files may have changed."""
        self.settling.look(writer)

    def take_now(self) -> None:
        """Believe what is there: somebody asks for it."""
        self.settling.take_now()

    def take(self, reading: Reading) -> None:
        """What the files say now, which may be that there are others."""
        run, output = self.run, self.run.output
        self.watch.follow(self.declarations.paths)
        for name in reading.deleted:
            output.say(f"{name} was deleted: what it said last stays in force until it is back")
        for name in reading.returned:
            output.say(f"{name} is back")
        if reading.problems:
            run.post(Broke(reading.problems, reading.touched))
            return
        for key in reading.later:
            output.say(f"`{key}` counts from the next devsup up; this run goes on without it")
        self.tell_hidden(envfile.hidden_by(run.supervisor.settings, run.surroundings.shell))
        self.sources.follow(reading.declared.specs)
        run.post(Edited(reading.declared, reading.touched))

    def tell_writing(self) -> None:
        """An edit is seen, and not believed yet."""
        names = " ".join(self.declarations.changing)
        self.run.output.say(f"{names}: still being written, and counts when that is over")

    def tell_hidden(self, said: Collection[str] = ()) -> None:
        """Name the keys whose value in the shell no service gets to see, but those told before."""
        settings, shell = self.declarations.env.settings, self.run.surroundings.shell
        for key in envfile.hidden_by(settings, shell):
            if key not in said:
                text = f"{settings.source(key)}: {key} is used, and not the one that your shell"
                self.run.output.say(f"{text} exports")
