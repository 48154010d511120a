#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The stream's speed: bench/stream.sh [EVENTS] [FOLDER]. Needs 60 bytes of disk an event in FOLDER. The
# same files then go through h5py and a PyTorch DataLoader (bench/peers/stream_h5py.py) where there is
# PyTorch: PYTHON=PROGRAM, default bench/peers/venv, made by bench/peers/setup.sh.
# Table on screen, figures in bench/out/stream.json and stream-peer.json.
set -e
root=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-$root/build}
out=$root/bench/out
folder=${2:-$(mktemp -d)}
mkdir -p "$out" "$folder"
trap 'rm -f "$folder"/stream-[01].h5; rmdir --ignore-fail-on-non-empty "$folder"' EXIT
cmake -S "$root" -B "$build" -G Ninja >/dev/null
ninja -C "$build" bench_stream >/dev/null
"$build/bench/bench_stream" "${1:-50000000}" "$folder" "$out/stream.json"

python=${PYTHON:-$root/bench/peers/venv/bin/python}
rm -f "$out/stream-peer.json"
if ! "$python" -c 'import torch, h5py' 2>/dev/null; then
    echo "no PyTorch with h5py: no peer (bench/peers/setup.sh makes one)"
    exit
fi
for layout in 0 1; do
    "$python" "$root/bench/peers/stream_h5py.py" "$folder/stream-$layout.h5" 5 2
done >"$out/stream-peer.json"
"$python" - "$out" <<'PYTHON'
import json, sys

souk = json.load(open(sys.argv[1] + "/stream.json"))
peers = map(json.loads, open(sys.argv[1] + "/stream-peer.json"))
for layout, peer in zip(("plain", "compressed"), peers):
    best = max(r["events_per_second"] for r in souk if r["layout"] == layout)
    for name, rate in peer.items():
        print("%-11s DataLoader, %-10s %8.3f M events/s   souk is %.0fx" % (layout, name, rate / 1e6, best / rate))
PYTHON
