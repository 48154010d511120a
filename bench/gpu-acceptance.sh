#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The whole acceptance of souk on a GPU, in one command under ten minutes:
#
#   build      Release for this GPU alone
#   test       every op test on the GPU; souk check in f32 and bf16; two runs of training, same bits
#   sanitize   compute-sanitizer's memcheck and racecheck over the op tests
#   bench      souk bench over the ops; whole training steps beside PyTorch (bench/peers/twin.py) in the same
#              run: bf16, its fused attention and optimizer, compiled and eager, padded and packed; steps of
#              large models
#
#   bench/gpu-acceptance.sh [--phase PHASE] [--out DIR] [--commit HASH] [--scale X] [--seconds N] [--dry-run]
#
# --phase      one of them (built first where nothing is); what earlier calls found of the same kernels/ is
#              kept and joined
# --out DIR    copies the result and the logs there too
# --commit     what to record where there is no git to ask
# --scale      times every phase's time limit, for a slow machine (1)
# --seconds N  all of it within N seconds: what there is no time for is reported as unfinished
# --dry-run    says what would run, and runs nothing
#
# The result is bench/results/<gpu>.json: every verdict and figure, versions, the commit, and the git tree
# hash of the kernels/ that was verified; "verdict" is passed, failed or incomplete. Logs and the
# result so far are in bench/out/gpu-acceptance/. Exit code: 0 passed, 1 failed or incomplete, 2 wrong usage,
# 3 no GPU (then what needs none was run, and nothing is written to bench/results/).
#
# Needs nvcc, CMake, ninja, gcc, cuBLAS, Python 3 with PyTorch; cuDNN where attention is to use it, from the
# toolkit or from Python's nvidia-cudnn. Without Debian's libraries and a registry: run cmake/carry.sh
# beforehand on Debian 12 and bring carried/ along. PYTHON=PROGRAM has PyTorch (python3).
set -euo pipefail
cd "$(dirname "$0")/.."
case " $* " in *" --help "* | *" -h "*) sed -n '3,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0" && exit ;; esac
exec "${PYTHON:-python3}" bench/gpu_acceptance.py "$@"
