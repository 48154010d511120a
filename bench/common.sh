# What every bench script sources: the build ($souk), a folder for its files ($out).
# SOUK=PROGRAM measures that one instead of building.
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
out=bench/out
mkdir -p $out
souk=${SOUK:-build-cpu/souk}
if [ -z "${SOUK:-}" ]; then
    if ! { cmake --preset cpu -DBUILD_TESTING=OFF && cmake --build build-cpu --target souk; } >$out/build.log 2>&1; then
        tail -n 20 $out/build.log >&2
        echo "${0##*/}: souk does not build; all of the output is in $out/build.log" >&2
        exit 1
    fi
fi
# run ARGUMENT...: shows the souk command and runs it.
run() { printf '\n$ souk %s\n' "$*" && "$souk" "$@"; }
