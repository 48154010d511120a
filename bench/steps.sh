#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How many steps a second do the simulated worlds make under the random policy?
#
#   bench/steps.sh [TIMES]      default: 7 times each
#
# A shop of 100,000 items and one of a million, an inventory, an auction house; on all processors. Wall clock:
# the best and the middle of all times. Beside it steps for each second of a processor's time, which other
# programs on the machine disturb less. Exit code 0 when the shop's best is at least 5 million steps/s.
# JSON: bench/out/steps.json. A minute.
set -euo pipefail
times=${1:-7}
. "$(dirname "$0")/common.sh"
python3 - "$souk" "$out/steps.json" "$times" <<'PYTHON'
import json, os, resource, subprocess, sys

program, path, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
WORLDS = [("shop", 2000000), ("shop:items=1000000", 2000000), ("inventory", 100000), ("auction", 100000)]
probe = path + ".one"

def cpu():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

def play(world, episodes):
    before = cpu()
    subprocess.run([program, "simulate", "--quiet", "--world", world, "--policy", "random", "--episodes",
                    str(episodes), "--json", probe], check=True, stdout=subprocess.DEVNULL)
    row = json.load(open(probe))["policies"][0]
    return row["choices_per_second"], row["choices_per_episode"] * episodes / (cpu() - before)

table = []
print("%-20s %14s %14s %22s" % ("world", "best, steps/s", "middle", "a processor's second"))
for world, episodes in WORLDS:
    rates = [play(world, episodes) for _ in range(times)]
    wall = sorted(r[0] for r in rates)
    row = dict(world=world, episodes=episodes, times=times, best=wall[-1], middle=wall[len(wall) // 2],
               per_processor_second=max(r[1] for r in rates))
    table.append(row)
    print("%-20s %14.3g %14.3g %22.3g" % (world, row["best"], row["middle"], row["per_processor_second"]))
os.unlink(probe)
json.dump(dict(processors=os.cpu_count(), worlds=table), open(path, "w"), indent=2)
reached = table[0]["best"] >= 5e6
print("wanted 5 million of the shop: " + ("reached" if reached else "not reached"))
sys.exit(not reached)
PYTHON
