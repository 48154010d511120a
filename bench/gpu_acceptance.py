#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The phases of bench/gpu-acceptance.sh; run that."""
import argparse
import concurrent.futures
import datetime
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import traceback

import gpu_steps
from gpu_phase import (
    FAILED,
    PASSED,
    UNAVAILABLE,
    UNFINISHED,
    Phase,
    ask,
    cuda_home,
    find_gpu,
    last_line,
    link_python_libraries,
    tree_hash,
)

BUILD, OUT, RESULTS = "build-gpu", "bench/out/gpu-acceptance", "bench/results"
LIMITS = {
    "build": 150,
    "test": 85,
    "sanitize": 55,
    "bench": 295,
}  # seconds; together under ten minutes
SOUK = os.path.join(BUILD, "souk")
VERIFY = ("test", "sanitize")
# What is small enough for the sanitizer; libraries' own kernels are not ours to race-check.
ROWS = (
    "rmsnorm residual_norm elementwise swiglu rope dropout embedding bag adamw losses_loss "
    "losses_td losses_returns losses_control losses_policy_gradient attention catalogue_gather "
    "counts_score counts_pointer counts_mass"
)
SANITIZED = {"memcheck": ROWS + " base_device gemm catalogue_fused", "racecheck": ROWS}
SHORT = ["model.length=50", "train.tokens=2048", "learn.objective=cross_entropy+double_q"]
LONG = ["model.length=512", "train.tokens=4096", "model.dim=128", "learn.objective=cross_entropy"]


def build(p, gpu):
    home = cuda_home()
    if not home:
        p.case("a CUDA toolkit", FAILED, "no nvcc, neither on PATH nor in /usr/local/cuda")
        return
    capability = gpu["capability"] if gpu else 90
    linked = link_python_libraries(home, os.path.abspath(OUT + "/python-libraries"))
    configure = [
        "cmake",
        "-S",
        ".",
        "-B",
        BUILD,
        "-G",
        "Ninja",
        "-DCMAKE_BUILD_TYPE=Release",
        "-DSOUK_CUDA=ON",
        "-DSOUK_CUDA_ARCHITECTURES=%d%s-real" % (capability, "a" if capability == 90 else ""),
        "-DCMAKE_CUDA_COMPILER=%s/bin/nvcc" % home,
        *(["-DCMAKE_PREFIX_PATH=" + linked] if linked else []),
    ]
    ok, output = p.try_run("configure", configure, 60)
    p.figures.update(
        {
            "cudnn": (re.findall(r"^-- cuDNN (\S+)", output, re.M) or [None])[0],
            "carried": "building with" in output,
        }
    )
    if ok:
        p.try_run("compile", ["cmake", "--build", BUILD, "--target", "souk", "cuda_tests"])


def op_tests(p):
    """Every op test on the GPU; a skipped one has not run, so it fails."""
    code, output = p.run(
        ["ctest", "--test-dir", BUILD, "-L", "cuda", "--output-on-failure", "--timeout", "60"], 90
    )
    found = re.findall(r"Test +#\d+: (\S+) \.*\s*(\S[^\d\n]*?) +([\d.]+) sec", output)
    for name, verdict, seconds in found:
        p.case(
            name,
            PASSED if verdict == "Passed" else FAILED,
            "" if verdict == "Passed" else verdict,
            seconds=float(seconds),
        )
    if not found and not p.dry_run:
        p.case("op tests", UNFINISHED if code is None else FAILED, last_line(output))
    elif code is None:
        p.case("all op tests", UNFINISHED, "stopped at the time limit")


def make_data(p):
    """Behaviour files: short histories and long ones -> paths, or None."""
    paths = []
    for name, users, events in (("short", 10000, 200000), ("long", 200, 120000)):
        log, path = os.path.join(OUT, name + ".csv"), os.path.join(OUT, name + ".h5")
        made = [
            "generate",
            "--quiet",
            "--events",
            str(events),
            "--users",
            str(users),
            "--items",
            "5000",
            "--out",
            log,
        ]
        ingest = ["ingest", "--force", "--quiet", "--plain-keys", log, path]
        if (
            not p.try_run("%s histories" % name, [SOUK, *made], 30)[0]
            or not p.try_run("%s ingested" % name, [SOUK, *ingest], 30)[0]
        ):
            return None
        paths.append(path)
    return paths


def check(p, name, data, settings):
    """souk check, whose report has every tensor's error."""
    report = os.path.join(OUT, "check-%s.json" % name)
    if os.path.exists(report):
        os.remove(report)
    p.try_run(
        "souk check, %s histories, f32 and bf16" % name,
        [
            SOUK,
            "check",
            "--quiet",
            "--steps",
            "3",
            "--json",
            report,
            "data.path=" + data,
            *settings,
        ],
        60,
    )
    if os.path.exists(report):
        with open(report) as f:
            p.figures["check_" + name] = json.load(f)


def same_bits(p, name, data, settings):
    hashes = []
    for run in ("a", "b"):
        folder = os.path.join(OUT, "run-" + run)
        command = [
            SOUK,
            "train",
            "--force",
            "data.path=" + data,
            "train.out=" + folder,
            "train.device=cuda",
            "train.steps=40",
            "train.valid_every=1000000",
            "train.valid_users=1",
            "train.patience=0",
            "train.quiet=1",
            *settings,
        ]
        code, output = p.run(command, 30)
        if p.dry_run:
            return
        if code != 0:
            p.case("same bits, " + name, UNFINISHED if code is None else FAILED, last_line(output))
            return
        with open(os.path.join(folder, "last.safetensors"), "rb") as f:
            hashes.append(hashlib.sha256(f.read()).hexdigest())
    p.case("same bits, " + name, PASSED if hashes[0] == hashes[1] else FAILED, "", sha256=hashes)


def test(p, gpu):
    op_tests(p)
    data = make_data(p)
    if not data:
        return
    check(p, "short", data[0], SHORT)
    check(p, "long", data[1], LONG)
    same_bits(p, "short histories, f32", data[0], SHORT)
    same_bits(p, "short histories, bf16", data[0], [*SHORT, "train.precision=bf16"])
    same_bits(p, "long histories, bf16", data[1], [*LONG, "train.precision=bf16"])


def sanitized(command, limit):
    """-> (exit code, output); None when it was stopped."""
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=limit,
        )
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired as e:
        return None, e.stdout.decode(errors="replace") if e.stdout else ""
    except OSError as e:
        return 127, str(e)


def library_alone(output):
    """Whether racecheck found hazards, all of them inside of kernels of cuDNN or cuBLASLt."""
    places = re.findall(r"(?:Read|Write) access at ([^+\s]+)", output)
    return bool(places) and all(re.match(r"cudnn|nvjet|cublas|cutlass", name) for name in places)


def sanitize(p, gpu):
    """All at once: each keeps a processor busy, and little of the GPU."""
    tool = shutil.which("compute-sanitizer") or os.path.join(
        cuda_home() or "", "bin", "compute-sanitizer"
    )
    cases = [
        (check_name, name) for check_name, tests in SANITIZED.items() for name in tests.split()
    ]
    commands = [
        [tool, "--tool", c, "--error-exitcode", "9", os.path.join(BUILD, "tests", "test_cuda_" + n)]
        for c, n in cases
    ]
    if p.dry_run:
        for command in commands:
            p.run(command, 55)
        return
    with concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:
        results = list(pool.map(lambda c: sanitized(c, p.left() - 2), commands))
    for (check_name, name), (code, output) in zip(cases, results):
        p.log.write("\n%s %s\n%s\n[exit code %s]\n" % (check_name, name, output, code))
        refused = code == 127 or "Device not supported" in output
        verdict = (
            UNAVAILABLE
            if refused
            else UNFINISHED
            if code is None
            else PASSED
            if code == 0
            else FAILED
        )
        summary = [line for line in output.splitlines() if "SUMMARY" in line]
        detail = "" if verdict == PASSED else (summary or [last_line(output)])[-1]
        if code == 9 and check_name == "racecheck" and library_alone(output):
            verdict, detail = PASSED, "hazards in the library's kernels alone"
        p.case("%s %s" % (check_name, name), verdict, detail)


def report_of(p, name, command, limit):
    """A run of souk bench -> its report; None when it failed."""
    path = os.path.join(OUT, "bench-%s.json" % re.sub(r"[^a-z0-9]+", "-", name.lower()))
    if (
        not p.try_run(
            name, [SOUK, "bench", "--device", "cuda", "--quiet", "--json", path, *command], limit
        )[0]
        or p.dry_run
    ):
        return None
    with open(path) as f:
        return json.load(f)


def bench(p, gpu):
    """The ops, then steps of large models, then steps beside PyTorch, which take longest to
    start."""
    ops = report_of(p, "ops", [], 50) or report_of(p, "ops, the quick ones", ["--quick"], 20)
    if ops:
        p.figures["ops"] = ops
    for name, model in gpu_steps.MODELS.items():
        report = report_of(
            p, "steps of " + name, ["--steps", "10", "--warmup", "4", "--model", model], 30
        )
        if report:
            p.figures.setdefault("models", {})[name] = report
            p.keep(p)
    gpu_steps.beside_pytorch(p, SOUK, OUT)


# ---- The result
# ------------------------------------------------------------------------------------------


class Acceptance:
    def __init__(self, args, gpu):
        self.args, self.gpu = args, gpu
        self.path = os.path.join(OUT, "state.json")
        self.result = {"gpu": gpu, "kernels_tree": tree_hash("kernels"), "phases": {}}
        if os.path.exists(self.path):
            with open(self.path) as f:
                before = json.load(f)
            if (
                before.get("kernels_tree") == self.result["kernels_tree"]
                and before.get("gpu") == gpu
            ):
                self.result["phases"] = before["phases"]

    def versions(self):
        commit = self.args.commit or ask("git", "rev-parse", "HEAD") or None
        changed = ask("git", "status", "--porcelain")
        torch = ask(
            sys.executable,
            "-c",
            "import torch; print(torch.__version__, torch.backends.cudnn.version())",
        )
        nvcc = ask(os.path.join(cuda_home() or "", "bin", "nvcc"), "--version")
        return {
            "commit": commit,
            "changed_since_commit": bool(changed),
            "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "cuda": (re.findall(r"release [\d.]+, V([\d.]+)", nvcc) or [None])[0],
            "pytorch": torch.split(" ")[0] or None,
            "cudnn_of_pytorch": (torch.split(" ") + [None])[1],
            "cudnn": self.result["phases"].get("build", {}).get("figures", {}).get("cudnn"),
        }

    def verdict(self):
        have = [self.result["phases"].get(n, {}).get("verdict", "missing") for n in LIMITS]
        if FAILED in have:
            return FAILED
        return PASSED if have == [PASSED] * len(have) else "incomplete"

    def keep(self, phase):
        """After every case, so that whatever ends the run ends it with what was found."""
        if self.args.dry_run:
            return
        self.result["phases"][phase.name] = phase.result()
        self.result["verdict"] = self.verdict()
        with open(self.path + ".new", "w") as f:
            json.dump(self.result, f, indent=1)
        os.replace(self.path + ".new", self.path)

    def publish(self):
        """The result to bench/results/, where a GPU has verified something, and copies to --out."""
        self.result.update(self.versions(), verdict=self.verdict())
        files = glob.glob(os.path.join(OUT, "*.log"))
        if self.gpu and any(n in self.result["phases"] for n in VERIFY):
            os.makedirs(RESULTS, exist_ok=True)
            files.append(
                os.path.join(
                    RESULTS,
                    re.sub(r"[^a-z0-9]+", "-", self.gpu["name"].lower()).strip("-") + ".json",
                )
            )
            with open(files[-1], "w") as f:
                json.dump(self.result, f, indent=1)
        else:
            files.append(self.path)
        for path in files if self.args.out else []:
            os.makedirs(self.args.out, exist_ok=True)
            shutil.copy(path, self.args.out)
        return files[-1]


def show(result, path):
    print("\n%-10s %-11s %8s   cases" % ("phase", "verdict", "seconds"))
    for name in LIMITS:
        phase = result["phases"].get(name)
        if not phase:
            print("%-10s %-11s" % (name, "not run"))
            continue
        counts = [
            (v, sum(c["verdict"] == v for c in phase["cases"]))
            for v in (PASSED, FAILED, UNFINISHED, UNAVAILABLE)
        ]
        print(
            "%-10s %-11s %8.1f   %s"
            % (
                name,
                phase["verdict"],
                phase["seconds"],
                ", ".join("%d %s" % (n, v) for v, n in counts if n),
            )
        )
        for c in phase["cases"]:
            if c["verdict"] != PASSED:
                print("%24s %s: %s" % (c["verdict"], c["name"], c.get("detail", "")))
    gpu_steps.show(result["phases"].get("bench", {}).get("figures", {}))
    print(
        "\n%s on %s, kernels/ %s: %s"
        % (
            result["verdict"].upper(),
            result["gpu"]["name"] if result["gpu"] else "no GPU",
            result["kernels_tree"][:12],
            path,
        )
    )


def run_phase(function, phase, gpu):
    """A mistake of this script, too, is a failed case and not the end of the run."""
    try:
        function(phase, gpu)
    except Exception as e:  # pylint: disable=broad-except
        phase.log.write(traceback.format_exc())
        phase.case("the script itself", FAILED, repr(e))


def main():
    p = argparse.ArgumentParser(prog="bench/gpu-acceptance.sh")
    p.add_argument("--phase", choices=[*LIMITS, "all"], default="all")
    p.add_argument("--out")
    p.add_argument("--commit")
    p.add_argument("--dry-run", action="store_true")
    p.add_argument("--scale", type=float, default=1.0)
    p.add_argument("--seconds", type=float, default=1e9)
    p.add_argument("--tree", action="store_true", help="say the tree hash of kernels/, and no more")
    args = p.parse_args()
    until = time.monotonic() + args.seconds
    if args.tree:
        print(tree_hash("kernels"))
        return 0
    if args.commit:
        os.environ["SOUK_COMMIT"] = args.commit  # in souk bench's reports
    os.makedirs(OUT, exist_ok=True)
    gpu = find_gpu()
    whole = Acceptance(args, gpu)
    print(
        "%s; kernels/ %s"
        % ("%(name)s, driver %(driver)s" % gpu if gpu else "no GPU", whole.result["kernels_tree"])
    )
    names = list(LIMITS) if args.phase == "all" else [args.phase]
    compiling = (
        gpu_steps.start_compiling(OUT) if gpu and "bench" in names and not args.dry_run else []
    )
    if "build" not in names and not os.path.exists(SOUK) and not args.dry_run:
        names.insert(0, "build")  # a machine that starts bare
    for name in names:
        limit = max(0, min(args.scale * LIMITS[name], until - time.monotonic()))
        print("%s (at most %d s)" % (name, limit), flush=True)
        phase = Phase(name, limit, OUT, whole.keep, args.dry_run)
        if name == "bench":
            gpu_steps.wait_for(compiling)
        if name != "build" and not gpu and not args.dry_run:
            phase.case("a GPU", UNFINISHED, "no GPU: nvidia-smi names none")
        else:
            run_phase(globals()[name], phase, gpu)
        if name == "build" and phase.verdict() == FAILED:
            break
    if args.dry_run:
        return 0 if gpu else 3
    path = whole.publish()
    show(whole.result, path)
    return 3 if not gpu else 0 if whole.result["verdict"] == PASSED else 1


if __name__ == "__main__":
    sys.exit(main())
