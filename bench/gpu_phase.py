# SPDX-License-Identifier: Apache-2.0
"""What the phases of bench/gpu-acceptance.sh share: commands within a time limit, cases and their
verdicts, the tree hash of kernels/, the machine."""
import glob
import hashlib
import importlib.util
import os
import re
import shlex
import shutil
import signal
import subprocess
import time

PASSED, FAILED, UNFINISHED, UNAVAILABLE = "passed", "failed", "unfinished", "unavailable"


class Phase:
    """One phase: its commands share a time limit, its cases are kept as soon as they are known."""

    def __init__(self, name, limit, folder, keep, dry_run):
        self.name, self.until, self.keep, self.dry_run = (
            name,
            time.monotonic() + limit,
            keep,
            dry_run,
        )
        self.started, self.cases, self.figures = time.monotonic(), [], {}
        self.log_path = os.path.join(folder, name + ".log")
        self.log = open(os.path.devnull if dry_run else self.log_path, "w")

    def left(self):
        return self.until - time.monotonic()

    def case(self, name, verdict, detail="", **figures):
        self.cases.append(
            {"name": name, "verdict": verdict, **({"detail": detail} if detail else {}), **figures}
        )
        print(
            "  %-11s %s%s"
            % (verdict, name, ": " + detail.splitlines()[-1][:160] if detail else ""),
            flush=True,
        )
        self.keep(self)

    def run(self, command, limit=None, env=None):
        """-> (exit code, output); the code is None when the command was stopped at its limit."""
        limit = max(1.0, min(limit or 1e9, self.left()))
        if self.dry_run:
            print("  within %3.0f s: %s" % (limit, shlex.join(command)))
            return 0, ""
        self.log.write("\n$ %s\n" % shlex.join(command))
        self.log.flush()
        try:
            process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, **(env or {})},
                text=True,
                errors="replace",
            )
        except OSError as e:
            self.log.write("%s\n" % e)
            return 127, str(e)
        try:
            output, code = process.communicate(timeout=limit)[0], process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, code = process.communicate()[0], None
        self.log.write(
            output
            + (
                "\n[stopped after %.0f s]\n" % limit
                if code is None
                else "\n[exit code %d]\n" % code
            )
        )
        self.log.flush()
        return code, output

    def try_run(self, name, command, limit=None, env=None, **figures):
        """A case that passes when the command exits with 0 -> (passed, output)."""
        if self.left() < 2:
            self.case(name, UNFINISHED, "no time left in this phase")
            return False, ""
        started = time.monotonic()
        code, output = self.run(command, limit, env)
        seconds = round(time.monotonic() - started, 1)
        if self.dry_run:
            return True, output
        verdict = PASSED if code == 0 else UNFINISHED if code is None else FAILED
        why = (
            ""
            if code == 0
            else "stopped at its time limit"
            if code is None
            else "exit code %d: %s" % (code, last_line(output))
        )
        self.case(name, verdict, why, seconds=seconds, **figures)
        return code == 0, output

    def verdict(self):
        """The worst of its cases; unavailable ones do not count, but are listed."""
        have = {c["verdict"] for c in self.cases} - {UNAVAILABLE}
        return (
            FAILED if FAILED in have else UNFINISHED if UNFINISHED in have or not have else PASSED
        )

    def result(self):
        return {
            "verdict": self.verdict(),
            "seconds": round(time.monotonic() - self.started, 1),
            "cases": self.cases,
            **({"figures": self.figures} if self.figures else {}),
        }


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "(no output)"


# ---- The source
# ------------------------------------------------------------------------------------------


def tree_hash(folder):
    """What git calls the tree of this folder as it stands, without asking git."""
    entries = []
    for entry in os.scandir(folder):
        if entry.name == "__pycache__" or entry.name.endswith(".pyc"):
            continue
        if entry.is_dir(follow_symlinks=False):
            entries.append((entry.name + "/", b"40000", tree_hash(entry.path)))
            continue
        mode = b"100755" if os.stat(entry.path).st_mode & 0o100 else b"100644"
        with open(entry.path, "rb") as f:
            data = f.read()
        entries.append(
            (entry.name, mode, hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest())
        )
    entries.sort(key=lambda e: os.fsencode(e[0]))
    body = b"".join(
        m + b" " + os.fsencode(n.rstrip("/")) + b"\0" + bytes.fromhex(h) for n, m, h in entries
    )
    return hashlib.sha1(b"tree %d\0" % len(body) + body).hexdigest()


def ask(*command):
    """The output of a command that may be missing; "" then."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        return done.stdout.strip() if done.returncode == 0 else ""
    except (OSError, subprocess.TimeoutExpired):
        return ""


# ---- The machine
# -----------------------------------------------------------------------------------------


def find_gpu():
    """The first GPU's name, driver, memory and compute capability (90 for sm_90); None without
    one."""
    fields = ask(
        "nvidia-smi",
        "--query-gpu=name,driver_version,memory.total,compute_cap",
        "--format=csv,noheader",
    ).splitlines()
    if not fields:
        return None
    name, driver, memory, capability = [f.strip() for f in fields[0].split(",")]
    return {
        "name": name,
        "driver": driver,
        "memory": memory,
        "capability": int(capability.replace(".", "")),
    }


def cuda_home():
    nvcc = shutil.which("nvcc") or "/usr/local/cuda/bin/nvcc"
    return (
        os.path.dirname(os.path.dirname(os.path.realpath(nvcc))) if os.path.exists(nvcc) else None
    )


def python_library(package):
    """The folder of a library that a Python package brings, e.g. nvidia.cudnn; None without it."""
    try:
        spec = importlib.util.find_spec(package)
    except ModuleNotFoundError:
        return None
    return next(iter(spec.submodule_search_locations), None) if spec else None


def link_python_libraries(home, folder):
    """Where the toolkit has no cuDNN or cuBLASLt but Python has: a folder of links under the names
    that CMake looks for -> its path, or None when there is nothing to link."""
    linked = None
    for header, packages in (
        ("cudnn.h", ("nvidia.cudnn",)),
        ("cublasLt.h", ("nvidia.cu13", "nvidia.cublas")),
    ):
        if glob.glob(home + "/**/" + header, recursive=True):
            continue
        source = next(
            (
                p
                for p in map(python_library, packages)
                if p and os.path.exists(p + "/include/" + header)
            ),
            None,
        )
        if not source:
            continue
        linked = folder
        for kind in ("include", "lib"):
            os.makedirs(os.path.join(folder, kind), exist_ok=True)
            for path in glob.glob(os.path.join(source, kind, "*")):
                names = {
                    os.path.basename(path),
                    re.sub(r"\.so\.\d+$", ".so", os.path.basename(path)),
                }
                for name in names:
                    link = os.path.join(folder, kind, name)
                    if not os.path.lexists(link):
                        os.symlink(path, link)
    return linked
