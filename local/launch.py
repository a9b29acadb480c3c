"""What a child does to itself between being started and becoming the program it is to run.

Run as a script: `launch.py PARENT USER PASSAGE PROGRAM ARGUMENT...`. It changes to USER if one is named ("-" for none), asks the
kernel (Linux) for a SIGKILL when the supervisor's thread that started it ends, and becomes PROGRAM. Not `preexec_fn`: that runs
Python between fork and exec of a process with threads.

PASSAGE "through" lets an unprivileged USER still pass through folders that are closed to others, for a virtual environment or a
data folder that lies under root's home.
"""

import ctypes
import os
import pwd
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 47, 2
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2
_CAPABILITY_VERSION_3 = 0x20080522


def main() -> None:
    parent, user, passage, *command = sys.argv[1:]
    if user != "-":
        _become(user, passage == "through")
    if sys.platform == "linux":
        # After the change of user: that change clears the parent-death signal.
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):
        sys.exit("the supervisor was gone before this child had started")
    os.execv(command[0], command)  # noqa: S606 - the point of this file


def _become(user: str, through: bool) -> None:
    entry = pwd.getpwnam(user)
    if through:
        _prctl(_PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    os.environ["HOME"] = entry.pw_dir
    if through:
        _keep_only(_CAP_DAC_READ_SEARCH if _permitted(_CAP_DAC_READ_SEARCH) else _CAP_DAC_OVERRIDE)


def _permitted(capability: int) -> bool:
    with open("/proc/self/status") as status:
        mask = next(line.split()[1] for line in status if line.startswith("CapPrm:"))
    return bool(int(mask, 16) >> capability & 1)


def _keep_only(capability: int) -> None:
    """Drop every capability but one, and hand that one on across exec."""
    mask = 1 << capability
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    _check(ctypes.CDLL(None, use_errno=True).capset(header, data), "capset")
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability)


def _prctl(option: int, *arguments: int) -> None:
    padded = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    _check(ctypes.CDLL(None, use_errno=True).prctl(option, *padded), f"prctl {option}")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        sys.exit(f"{what} was refused: {os.strerror(number)}")


if __name__ == "__main__":
    main()
