# SPDX-License-Identifier: Apache-2.0
"""Builds the wheel; pyproject.toml has its description. `pkg-config souk` says where souk is
installed: set PKG_CONFIG_PATH where that is no folder of the system. The version of the wheel is
souk's."""

import subprocess

from setuptools import setup

setup(
    version=subprocess.check_output(["pkg-config", "--modversion", "souk"], text=True).strip(),
    cffi_modules=["build_souk.py:ffi"],
)
