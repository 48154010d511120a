#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The Python package: its wheel is built from an installed souk, installed in a new virtual environment, without a
# network, and used by the example and the package's tests.
. "$(dirname "$0")/../tap.sh"

# A Python with the packages that the wheel needs to be built and used; another one may come first in PATH.
python=
for candidate in python3 /usr/bin/python3; do
    if "$candidate" -c 'import cffi, numpy, setuptools, venv, wheel' 2>/dev/null; then python=$candidate && break; fi
done
if [ -z "$python" ]; then
    skip "there is no Python with cffi, numpy, setuptools and wheel"
    finish
fi

cmake --install "$BUILD" --prefix "$work/prefix" >/dev/null
PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name souk.pc)")
export PKG_CONFIG_PATH
cp -rL "$root/python" "$work/source"
offline=(--no-index --no-deps --disable-pip-version-check)
check "the wheel builds" \
    "$python" -m pip wheel "${offline[@]}" --no-build-isolation -w "$work" "$work/source"
wheel=$(find "$work" -maxdepth 1 -name '*.whl')
version=$(pkg-config --modversion souk)
check "it is for every Python from 3.9 on" grep -qx "souk-$version-cp39-abi3-linux_[a-z0-9_]*.whl" <<<"${wheel##*/}"
check "it installs into a new environment" eval \
    '"$python" -m venv --system-site-packages "$work/venv" &&
     "$work/venv/bin/python" -m pip install "${offline[@]}" "$wheel"'
rm -rf "$work/prefix" # the wheel needs it no longer
installed=$work/venv/bin/python
check "the environment has what it needs" \
    eval '! "$installed" -m pip check --disable-pip-version-check | grep "^souk "'
check "it says its version" grep -qx "$version" <("$installed" -c 'import souk; print(souk.version)')
finds_no_souk() { ! readelf -d "$(find "$work/venv" -name '_souk*.so')" | grep -q 'NEEDED.*libsouk'; }
check "it has the library in it" finds_no_souk

"$SOUK" generate --events 6000 --users 200 --items 100 --seed 3 --quiet --out "$work/log.csv"
for example in "$root"/python/examples/*.py; do
    check "the example ${example##*/} runs" "$installed" "$example" "$work/log.csv" "$work/example"
done
# The README's lines, in a folder that has what they name.
mkdir "$work/readme" && cp "$work/log.csv" "$work/readme/"
sed -n '/^```python$/,/^```$/p' "$root/README.md" | grep -v '^```' >"$work/readme/lines.py"
check "README.md has a Python example" test -s "$work/readme/lines.py"
check "it runs" eval 'cd "$work/readme" && "$installed" lines.py'

# The package's tests print TAP of their own; their lines become ours.
mkdir "$work/tests" && cp "$work/log.csv" "$work/tests/"
"$installed" "$root/python/tests/test_souk.py" "$SOUK" "$work/tests" >"$work/tap" 2>"$work/err"
code=$?
while read -r line; do
    case $line in
    ok*'# SKIP'*) skip "${line#*# SKIP }" ;;
    ok*) pass "${line#*- }" ;;
    'not ok'*) fail "${line#*- }" ;;
    esac
done < <(grep -E '^(not )?ok ' "$work/tap")
if [ $code = 0 ]; then pass "the package's tests pass"; else
    fail "the package's tests pass" "$(tail -n 40 "$work/err")"
fi
finish
