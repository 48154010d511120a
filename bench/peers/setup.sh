#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Makes bench/peers/venv with a current PyTorch from PyPI, unless it is there. PyPI's build brings
# NVIDIA's libraries along: 3 GB to fetch, 6 GB on disk; the twin runs on the CPU all the same.
#
#   setup.sh             what the twin and the other peers need
#   setup.sh recbole     and RecBole, without ray, which it would take for searching settings
set -euo pipefail
cd "$(dirname "$0")"
python=${PYTHON:-/usr/bin/python3}
versions="torch==2.15.0 numpy==2.4.6 h5py==3.16.0 pandas==3.1.1"
needs_of_recbole="colorama==0.4.4 colorlog==4.7.2 plotly==7.1.0 psutil==7.2.2 pyyaml
    scikit-learn scipy tabulate tensorboard==2.21.0 texttable==1.7.2 thop tqdm==4.70.1"
if [ ! -f venv/complete ] || [ "$(cat venv/complete)" != "$versions" ]; then
    rm -rf venv
    "$python" -m venv venv || { echo "setup: no venv; on Debian: apt-get install python3-venv" >&2 && exit 1; }
    # shellcheck disable=SC2086 # names are words
    venv/bin/pip install --quiet --disable-pip-version-check $versions
    echo "$versions" >venv/complete
fi
[ "${1:-}" = recbole ] || exit 0
# RecBole itself names versions of its needs that are too old for this Python.
venv/bin/pip install --quiet --disable-pip-version-check --no-deps recbole==1.2.1
# shellcheck disable=SC2086
venv/bin/pip install --quiet --disable-pip-version-check $needs_of_recbole
