"""Runs one command and prints what it took as JSON: the operating system's own figures for the child."""
import json
import os
import sys
from time import monotonic

started = monotonic()
pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ, file_actions=[
    (os.POSIX_SPAWN_OPEN, 1, sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
    (os.POSIX_SPAWN_DUP2, 1, 2),
])
_, status, usage = os.wait4(pid, 0)
print(json.dumps({
    "wallMs": (monotonic() - started) * 1000,
    "cpuMs": (usage.ru_utime + usage.ru_stime) * 1000,
    "peakMiB": usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024),
    "code": os.waitstatus_to_exitcode(status),
}))
