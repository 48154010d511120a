#!/bin/bash
# What the command line promises for every command, asked of those that `souk --help` lists.
. "$(dirname "$0")/../tap.sh"

# helps COMMAND...: exits 0, prints its usage on standard output, nothing on standard error.
helps() { "$@" >"$work/help" 2>"$work/err" && grep -q 'usage: souk' "$work/help" && [ ! -s "$work/err" ]; }
# says CODE PATTERN COMMAND...: that exit code, and PATTERN on standard error only.
says() {
    local want=$1 pattern=$2 code=0
    shift 2
    "$@" >"$work/out" 2>"$work/err" || code=$?
    cat "$work/out" "$work/err"
    [ "$code" = "$want" ] && [ ! -s "$work/out" ] && grep -qE -- "$pattern" "$work/err"
}

check "souk --help prints the commands" helps "$SOUK" --help
check "souk help does the same" helps "$SOUK" help
check "souk --version exits 0" "$SOUK" --version
check "souk alone is wrong usage" says 2 'usage: souk' "$SOUK"
check "an unknown command is wrong usage" says 2 'no command "bazaar"' "$SOUK" bazaar
"$SOUK" --help >"$work/commands"
while read -r command _; do
    check "souk $command --help prints its usage" helps "$SOUK" "$command" --help
    check "souk $command refuses an option it does not know" \
        says 2 no-such-option "$SOUK" "$command" --no-such-option
done < <(grep '^  [a-z]' "$work/commands")
finish
