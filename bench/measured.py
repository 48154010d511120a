# SPDX-License-Identifier: Apache-2.0
"""Running a program and measuring its time and memory."""
import json
import os
import subprocess
import sys
import time

# A process of its own between: what the system counts as a program's peak begins with the memory
# of the process that started it, and this one's may be large.
LAUNCH = """
import json
import os
import sys
child = os.fork()
if not child:
    os.execvp(sys.argv[2], sys.argv[2:])
_, status, usage = os.wait4(child, 0)
cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024
os.write(int(sys.argv[1]), json.dumps({"cpu_seconds": cpu, "peak_bytes": peak}).encode())
os._exit(os.waitstatus_to_exitcode(status) & 255)
"""


def measured(command, env=None):
    """Runs a program -> {"output": what it printed, "seconds", "cpu_seconds": of all its threads,
    "peak_bytes": resident, at least the 10 MB of its launcher}"""
    told, tell = os.pipe()
    start = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", LAUNCH, str(tell), *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **(env or {})},
        pass_fds=(tell,),
    )
    os.close(tell)
    output, errors = process.communicate()
    seconds = time.monotonic() - start
    with os.fdopen(told) as f:
        usage = json.loads(f.read() or "{}")
    if process.returncode:
        sys.exit(
            "%s\n%s: exit code %d"
            % (errors.decode()[-2000:], " ".join(command), process.returncode)
        )
    return {"output": output.decode(), "seconds": seconds, **usage}


def child(command, env=None):
    """Runs a program -> (its standard output, its peak resident bytes)"""
    run = measured(command, env)
    return run["output"], run["peak_bytes"]
