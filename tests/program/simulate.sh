#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Worlds: policies act and are compared, a log is trained on, the model acts.
. "$(dirname "$0")/../tap.sh"

# prints PATTERN COMMAND...: exits 0 with a line that matches on standard output.
prints() {
    local pattern=$1
    shift
    "$@" >"$work/out" || return 1
    grep -qE -- "$pattern" "$work/out" || { cat "$work/out" && return 1; }
}
# shellcheck disable=SC2154 # work: tap.sh
world=(--world small-shop --quiet)
check "lists worlds, settings and policies" prints 'policy myopic' "$SOUK" simulate --help
check "compares all policies with the optimum" \
    prints '^the optimum +[0-9]' "$SOUK" simulate "${world[@]}" --all --episodes 500
check "writes the table as JSON" eval \
    '"$SOUK" simulate "${world[@]}" --policy optimal --json "$work/o.json" && grep -q optimum "$work/o.json"'
check "writes the return of each episode" eval '
    "$SOUK" simulate "${world[@]}" --policy myopic --episodes 400 --returns "$work/returns" >"$work/myopic.txt" &&
        [ "$(wc -l <"$work/returns")" = 400 ] && awk "{ sum += \$1 } END { printf \"%.5f\", sum / NR }" "$work/returns" |
        grep -qFf - "$work/myopic.txt"'
refuses "but not those of several policies" 2 'returns with several policies' \
    "$SOUK" simulate "${world[@]}" --all --returns "$work/returns"
check "writes a log" "$SOUK" simulate "${world[@]}" --policy random --episodes 400 --out "$work/log.h5"
check "which has propensities" prints propensity "$SOUK" info "$work/log.h5"
"$SOUK" simulate "${world[@]}" --policy random --episodes 400 --slots 7 --threads 1 --out "$work/again.h5" >"$work/check.out"
check "one file for any slots and threads" cmp "$work/log.h5" "$work/again.h5"
check "and is trained on" "$SOUK" train "data.path=$work/log.h5" "train.out=$work/run" model.dim=8 \
    model.length=8 train.tokens=256 train.steps=20 train.quiet=1 learn.objective=double_q
model=(--checkpoint "$work/run" --data "$work/log.h5" --episodes 100)
check "the model acts" prints "run" "$SOUK" simulate "${world[@]}" "${model[@]}" --epsilon 0.1
check "by softmax too" \
    "$SOUK" simulate "${world[@]}" "${model[@]}" --temperature 0.5 --out "$work/acted.h5"
check "the folder of the model alone plays the same" eval '
    "$SOUK" simulate "${world[@]}" --checkpoint "$work/run" --episodes 100 --temperature 0.5 --out "$work/alone.h5" &&
        cmp "$work/alone.h5" "$work/acted.h5"'
refuses "data without a model are refused" 2 'want a --checkpoint' "$SOUK" simulate "${world[@]}" --all --data "$work/log.h5"
"$SOUK" simulate "${world[@]}" "${model[@]}" --exclude-last 1 --out "$work/varied.h5" >"$work/check.out"
check "and not the last item again" prints 'same item twice in a row: 0.00%' "$SOUK" info "$work/varied.h5"
check "which it does otherwise" prints 'same item twice in a row: [1-9]' "$SOUK" info "$work/acted.h5"
check "prints the orders of an optimum" prints '^ +2 \|   4   3   3   3   2   2   2   2   2' \
    "$SOUK" simulate --world inventory:start=any --policy optimal --episodes 500 --show --quiet
"$SOUK" simulate --world auction --policy linear --policy rlb --episodes 100 --plot "$work/bids" --quiet >"$work/out"
# A linear bidder's bid is its value times a number, whatever the time and the money.
check "draws bid curves: the linear one is" awk '
    $3 > 50 { share = $2 / $1; if (!n++) first = share; if (share < 0.95 * first || share > 1.05 * first) bad++ }
    END { exit !(n > 8 && !bad) }' "$work/bids/linear.dat"
check "and the dynamic program bids more of much money than of little" awk '
    /^#/ { ahead = /ahead/; behind = /behind/ }
    $1 == 1.0000 && $3 > 0 { if (ahead) a = $2; if (behind) b = $2 }
    END { exit !(a > b && b > 0) }' "$work/bids/rlb.dat"
if command -v gnuplot >/dev/null; then
    check "as pictures too" grep -q '</svg>' "$work/bids/rlb.svg"
else
    skip "no gnuplot on this machine: no pictures"
fi
"$SOUK" generate --events 8000 --users 300 --items 100 --seed 3 --out "$work/log.csv" >"$work/check.out" &&
    "$SOUK" ingest --plain-keys "$work/log.csv" "$work/shop.h5" >"$work/check.out" 2>&1
check "a shop is fitted to a log, and says how" prints '^  cart +of looks' \
    "$SOUK" simulate --world "shop:fit=$work/shop.h5" --policy shelf --episodes 200 --quiet
check "and plays the same whatever the threads" eval '
    one=$(taskset -pc $$ | sed "s/.*: //; s/[,-].*//") # of the processors that there are
    fitted() { "$SOUK" simulate --world "shop:fit=$work/shop.h5" --policy random --episodes 100 --quiet --out "$1"; }
    fitted "$work/fitted.h5" && (taskset -pc "$one" $BASHPID && fitted "$work/fitted-by-one.h5") &&
        cmp "$work/fitted.h5" "$work/fitted-by-one.h5"'
refuses "a log without such a category is refused" 2 'no category "colour", want one of category' \
    "$SOUK" simulate --world "shop:fit=$work/shop.h5,category=colour" --policy random
refuses "a world without a plot of a policy says so" 2 'no plot' \
    "$SOUK" simulate "${world[@]}" --policy random --episodes 5 --plot "$work/bids"
refuses "a world without a table of a policy says so" 2 'no table' \
    "$SOUK" simulate "${world[@]}" --policy random --episodes 5 --show
refuses "a world that does not exist is refused" 2 'no world "bazaar"' "$SOUK" simulate --world bazaar --all
refuses "a policy that does not exist is refused" 2 '"best": the world small-shop has no policy of this name; souk simulate --help' \
    "$SOUK" simulate "${world[@]}" --policy best
refuses "a misspelt policy is named" 2 'no policy of this name \(did you mean "optimal"\?\)' \
    "$SOUK" simulate "${world[@]}" --policy optimum
refuses "a rule whose head the model lacks is refused" 2 '--acting = "policy": the model has no head policy' \
    "$SOUK" simulate "${world[@]}" "${model[@]}" --acting policy
refuses "no item that may be shown is refused" 2 'could exclude every item' \
    "$SOUK" simulate "${world[@]}" "${model[@]}" --exclude-last 500
refuses "an optimum that is not known is refused" 2 'optimum is not known' \
    "$SOUK" simulate --world shop:items=100 --policy optimal
finish
