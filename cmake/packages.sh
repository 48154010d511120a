# shellcheck shell=bash disable=SC2034 # who sources this reads the lists
# SPDX-License-Identifier: Apache-2.0
# The Debian packages of souk, and how a script gets them: sourced by quickstart.sh, tests/run.sh and
# cmake/carry.sh.

library_packages="libdnnl-dev libopenblas-serial-dev liblapacke-dev libhdf5-dev libsodium-dev libinih-dev libjansson-dev
    libmicrohttpd-dev libzstd-dev liblzma-dev libdeflate-dev zlib1g-dev"
build_packages="gcc libc6-dev cmake ninja-build pkgconf $library_packages"
# To draw plots; without it there are their data.
plot_packages="gnuplot-nox"
# To build the wheel of python/, and to use it.
python_packages="python3-dev python3-cffi python3-numpy python3-pip python3-setuptools python3-venv python3-wheel"
test_packages="g++ libcmocka-dev clang-14 libomp-14-dev clang-format-14 clang-tidy-14 shellcheck flake8 ccache gzip
    zstd xz-utils hdf5-tools binutils curl jq $python_packages"

missing_packages() {
    local package
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -q '^installed$' ||
            echo "$package"
    done
}

# install_packages NAME...: installs those that are missing; returns 1 with the reason when it cannot.
install_packages() {
    local missing become=
    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
        echo "no apt-get here: going on with what is installed; souk needs what Debian 12 calls" >&2
        echo "  $*" >&2
        return 0
    fi
    missing=$(missing_packages "$@")
    [ -z "$missing" ] && return 0
    missing=$(xargs <<<"$missing")
    if [ "$(id -u)" != 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "cannot install packages: not root, and there is no sudo. As root, run" >&2
            echo "  apt-get update && apt-get install $missing" >&2
            return 1
        fi
        become=sudo
    fi
    echo "installing $missing"
    # shellcheck disable=SC2086 # a name each
    if ! { $become apt-get -qq update &&
        $become env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
            $missing >/dev/null; }; then
        echo "apt-get could not install: $missing" >&2
        echo "the lines above say why; without a network, install them by hand and run this again" >&2
        return 1
    fi
}
