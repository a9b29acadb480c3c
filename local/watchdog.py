"""Kills what a supervisor leaves behind when it dies without a word, children of children included.

Run as a script with a pipe from the supervisor on its standard input. A line `+PID` names a process group that lives, `-PID` one that has
ended. When the pipe closes, every group still named is killed: after a clean stop there is none.
"""

import os
import signal
import sys


def main() -> None:
    # Ctrl-C in the terminal is the supervisor's affair; the pipe tells this process when to act.
    for stop in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(stop, signal.SIG_IGN)
    living: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line[0] == "+":
            living.add(group)
        else:
            living.discard(group)
    for group in living:
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it died with the supervisor (the parent-death signal), as it should


if __name__ == "__main__":
    main()
