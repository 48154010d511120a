#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Makes bench/peers/venv with a current PyTorch from PyPI, unless it is there. PyPI's build brings
# NVIDIA's libraries along: 3 GB to fetch, 6 GB on disk; the twin runs on the CPU all the same.
set -euo pipefail
cd "$(dirname "$0")"
python=${PYTHON:-/usr/bin/python3}
versions="torch==2.15.0 numpy==2.4.6 h5py==3.16.0 pandas==3.1.1"
[ -f venv/complete ] && [ "$(cat venv/complete)" = "$versions" ] && exit
rm -rf venv
"$python" -m venv venv || { echo "setup: no venv; on Debian: apt-get install python3-venv" >&2 && exit 1; }
# shellcheck disable=SC2086 # names are words
venv/bin/pip install --quiet --disable-pip-version-check $versions
echo "$versions" >venv/complete
