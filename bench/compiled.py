"""The trivial services: compiled C, or a shell script where there is no compiler."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.stamps import wall_offset

SOURCES = Path(__file__).parent / "programs"


@dataclass(frozen=True, slots=True)
class Programs:
    stamp: tuple[str, ...]
    offset: float
    """From the clock of its stamps to `time.monotonic`."""
    flood: tuple[str, ...] | None


def build(folder: Path) -> Programs:
    stamp, flood = (compile_c(name, folder) for name in ("stamp", "flood"))
    if stamp is None:
        return Programs(("sh", str(SOURCES / "stamp.sh")), wall_offset(), None)
    return Programs((str(stamp),), 0.0, (str(flood),))


def compile_c(name: str, folder: Path) -> Path | None:
    """Statically if that can be, so that its own start is as short as it gets."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    target = folder / name
    for kind in ("-static", "-O2"):
        words = [compiler, "-O2", kind, "-o", str(target), str(SOURCES / f"{name}.c")]
        if subprocess.run(words, check=False, capture_output=True).returncode == 0:
            return target
    return None
