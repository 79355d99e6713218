"""Names in a source tree that are nobody's source, whatever `watch` says."""

import re

VENV = "pyvenv.cfg"
"""The file in it makes a folder a virtual environment."""

FOLDERS = frozenset({".git", ".hg", ".svn", "node_modules", "__pycache__"})

_TEMPORARY = re.compile(
    r"""
      .*~                       # a backup
    | \.?.*\.sw[a-z]            # vim's swap files,
    | 4913                      # and its try whether a folder can be written
    | \.\#.* | \#.*\#           # emacs' lock and its autosave
    | .*___jb_(tmp|old)___      # JetBrains' safe write
    | \.goutputstream-.*        # GLib's (gedit)
    | .*\.kate-swp
    """,
    re.VERBOSE | re.DOTALL,
)


def is_noise(name: str, *, directory: bool) -> bool:
    """Whether a name is of a tool and not of the project."""
    return name in FOLDERS if directory else _TEMPORARY.fullmatch(name) is not None
