#!/bin/bash
# The stream's speed: bench/stream.sh [EVENTS] [FOLDER]. Needs 60 bytes of disk an event in FOLDER.
# Table on screen, figures in bench/out/stream.json.
set -e
root=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-$root/build}
folder=${2:-$(mktemp -d)}
mkdir -p "$root/bench/out" "$folder"
[ -n "$2" ] || trap 'rm -rf "$folder"' EXIT
cmake -S "$root" -B "$build" -G Ninja >/dev/null
ninja -C "$build" bench_stream >/dev/null
"$build/bench/bench_stream" "${1:-50000000}" "$folder" "$root/bench/out/stream.json"
