#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the man pages of the program and of its commands from what --help prints:
#
#   man.sh SOUK FOLDER VERSION DATE
set -eu
souk=$1 folder=$2 version=$3 date=$4
here=$(dirname "$0")
commands=$("$souk" --help | awk '/^  [a-z]+  +[A-Za-z]/ { print $1 }')
rm -rf "$folder"
mkdir -p "$folder"

# page NAME SEE-ALSO ARGUMENT...: of what the program prints for the arguments.
page() {
    name=$1 also=$2
    shift 2
    "$souk" "$@" | awk -v name="$name" -v version="$version" -v date="$date" -v also="$also" \
        -f "$here/man.awk" >"$folder/$name.1"
}

all=
for command in $commands; do
    all="${all:+$all, }\\\\fBsouk\\\\-$command\\\\fR(1)"
    page "souk-$command" '\\fBsouk\\fR(1)' "$command" --help
done
page souk "$all" --help
