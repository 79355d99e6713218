"""Become a program that cannot fork, as on a machine that is full of processes.

    python bound.py PROGRAM…

By RLIMIT_NPROC. It binds neither root nor whoever has two capabilities, so these are given up.
"""

import ctypes
import os
import resource
import sys

NOBODY = 65534
PR_CAPBSET_DROP = 24
CAP_SYS_ADMIN, CAP_SYS_RESOURCE = 21, 24


def main() -> None:
    if os.geteuid() == 0:
        for capability in (CAP_SYS_ADMIN, CAP_SYS_RESOURCE):
            ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
        os.setresuid(NOBODY, 0, 0)  # still root by its effective user, but counted as another one
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
