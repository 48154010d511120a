# SPDX-License-Identifier: Apache-2.0
"""Running a program and measuring its memory."""
import os
import subprocess
import sys

# A process of its own between: what the system counts as a program's peak begins with the memory
# of the process that started it, and this one's may be large.
LAUNCH = """
import os
import sys
child = os.fork()
if not child:
    os.execvp(sys.argv[2], sys.argv[2:])
_, status, usage = os.wait4(child, 0)
os.write(int(sys.argv[1]), b"%d" % (usage.ru_maxrss * 1024))
os._exit(os.waitstatus_to_exitcode(status) & 255)
"""


def child(command, env=None):
    """Runs a program -> (its standard output, its peak resident bytes, at least the 10 MB of its
    launcher)."""
    told, tell = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", LAUNCH, str(tell), *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **(env or {})},
        pass_fds=(tell,),
    )
    os.close(tell)
    output, errors = process.communicate()
    with os.fdopen(told) as f:
        peak = int(f.read() or 0)
    if process.returncode:
        sys.exit(
            "%s\n%s: exit code %d"
            % (errors.decode()[-2000:], " ".join(command), process.returncode)
        )
    return output.decode(), peak
