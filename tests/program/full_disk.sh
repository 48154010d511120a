#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A checkpoint that does not fit on the disk: one clear line, and the old checkpoint still serves.
# In a mount namespace of its own where the system allows one, so that it may mount a small disk.
[ -n "${own_mounts:-}" ] || ! unshare -rm true 2>/dev/null || own_mounts=1 exec unshare -rm "$0"
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/shop.sh"
make_shop >"$work/log" 2>&1 || { fail "no shop to train on" "$(cat "$work/log")"; finish; }

check "trains 5 steps" train "$work/run" train.steps=5
cp -r "$work/run" "$work/before"
size=$(stat -c %s "$work/run/last.safetensors")
echo "# the checkpoint has $size bytes"

# Files may grow to half of a checkpoint only: the write fails with EFBIG.
on_small_files() { (trap '' XFSZ && ulimit -f $((size / 2048)) && train "$work/run" --resume train.steps=10); }
refuses "a checkpoint that may not grow is an error" 1 "$work/run.*(large|space)" on_small_files
check "the old checkpoint is as it was" cmp "$work/run/last.safetensors" "$work/before/last.safetensors"
check "no half checkpoint stays behind" \
    diff <(cd "$work/before" && find . | sort) <(cd "$work/run" && find . | sort)
check "the run's model loads" loads "$work/run"
check "the run goes on once the disk has space" train "$work/run" --resume train.steps=10

# A real file system that is full, where this user may mount one. A new checkpoint is written beside the old.
folder=$(du -sb "$work/before" | cut -f 1)
if mkdir "$work/disk" && mount -t tmpfs -o size=$((folder + size / 2)) none "$work/disk" 2>/dev/null; then
    cp -r "$work/before/." "$work/disk/"
    refuses "a full disk is an error" 1 "$work/disk.*space" train "$work/disk" --resume train.steps=10
    check "the old checkpoint is as it was on the full disk" \
        cmp "$work/disk/last.safetensors" "$work/before/last.safetensors"
    check "its model loads" loads "$work/disk"
    umount "$work/disk"
else
    skip "this user may not mount a small disk"
fi
finish
