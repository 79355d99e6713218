"""Measure devsup against its peers and against the floor.

python bench [MEASURE…] [--rounds N] [--edits N] [--tools NAME,…] [--quick] [--no-install]
"""

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).parent.parent)  # `python bench` puts this folder there

from bench import aims, compiled, installing, machine, peers, processes, readme, tables, tools  # noqa: E402
from bench.book import Book  # noqa: E402
from bench.lab import Lab  # noqa: E402
from bench.measures import answers, edit, footprint, launch, output, sources, stack  # noqa: E402

MEASURES = {
    "launch": launch.run,
    "edit": edit.run,
    "stack": stack.run,
    "output": output.run,
    "footprint": footprint.run,
    "sources": sources.run,
    "answers": answers.run,
}
RESULTS = Path(__file__).parent / "results" / "latest.json"
QUICK_RESULTS = installing.FOLDER / "quick.json"


def main() -> None:
    asked = arguments()
    processes.become_subreaper()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit("ended by a signal"))
    found = peers.gather(installing=not asked.no_install)
    results = QUICK_RESULTS if asked.quick else RESULTS
    book = Book.load(results)
    book.about, book.versions = machine.about(), found.versions
    book.missing = tools.missing(found)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        lab = Lab(
            book=book,
            peers=found,
            programs=compiled.build(Path(folder)),
            folder=Path(folder),
            rounds=asked.rounds or (2 if asked.quick else 5),
            edits=asked.edits or (10 if asked.quick else 100),
            wanted=asked.tools.split(",") if asked.tools else (),
            quick=asked.quick,
        )
        for name in asked.measures or MEASURES:
            book.forget(name)
            began = time.monotonic()
            MEASURES[name](lab)
            lab.tell(f"{name}: took {time.monotonic() - began:.0f} s")
            book.save(results)
    print(tables.everything(book, asked.measures or MEASURES))
    print(aims.summary(book))
    if not asked.quick:
        readme.write(book, MEASURES)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python bench", description=__doc__)
    parser.add_argument(
        "measures", nargs="*", metavar="MEASURE", help=f"of {', '.join(MEASURES)} (all)"
    )
    parser.add_argument("--rounds", type=int, help="how often each thing is measured (5)")
    parser.add_argument("--edits", type=int, help="of .env, for each arrangement (100)")
    parser.add_argument("--tools", help="only those whose name contains one of these words")
    parser.add_argument("--quick", action="store_true", help="a first look; README stays as it is")
    parser.add_argument("--no-install", action="store_true", help="take the peers that are there")
    asked = parser.parse_args()
    if unknown := set(asked.measures) - set(MEASURES):
        parser.error(
            f"no such measure: {', '.join(sorted(unknown))}; there are {', '.join(MEASURES)}"
        )
    return asked


if __name__ == "__main__":
    main()
