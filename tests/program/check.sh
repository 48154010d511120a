#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# souk check: wrong usage, a machine without a GPU, and, where there is one, that it passes. (What it
# compares is tested in tests/host/train/cuda_check.c.)
. "$(dirname "$0")/../tap.sh"
. "$root/tests/program/shop.sh"

check "a shop ingests" make_shop
refuses "no data is wrong usage" 2 'want --data FILE' "$SOUK" check
refuses "an unknown precision is wrong usage" 2 'want one of f32, bf16, both' \
    "$SOUK" check --precision f16 "data.path=$work/shop.h5"
refuses "an unknown setting is wrong usage" 2 'there is no setting' "$SOUK" check model.bazaar=1
refuses "steps have bounds" 2 'want a whole number, 1 to' "$SOUK" check --steps 0

code=0
"$SOUK" check "data.path=$work/shop.h5" model.dim=16 model.length=20 train.tokens=256 --quiet \
    --json "$work/check.json" >"$work/check.out" 2>"$work/check.err" || code=$?
if [ $code = 3 ]; then
    check "without a GPU it says so" grep -qE 'built for the CPU only|no GPU can be used' "$work/check.err"
    check "and writes no report" [ ! -e "$work/check.json" ]
else
    check "the GPU passes" [ $code = 0 ]
    check "the report says so" grep -q '"passed": true' "$work/check.json"
fi
finish
