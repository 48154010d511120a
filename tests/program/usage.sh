#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the command line promises for every command, asked of those that `souk --help` lists.
. "$(dirname "$0")/../tap.sh"

# shellcheck disable=SC2154 # work: tap.sh
# helps COMMAND...: exits 0, prints its usage on standard output, nothing on standard error.
helps() { "$@" >"$work/help" 2>"$work/err" && grep -q '^Usage: souk' "$work/help" && [ ! -s "$work/err" ]; }
# has_sections FILE: the sections that a manual page is made of, each title a line that ends with a colon.
has_sections() {
    local section
    for section in 'Usage' 'Options' 'Examples' 'Exit status'; do
        grep -q "^$section:" "$1" || { echo "no section $section" && return 1; }
    done
    sed '/^Examples:/,/^$/d; /^Usage:/,/^$/d' "$1" | grep -n '.\{81\}' && return 1
    return 0
}
versions() { [ "$("$@" 2>&1)" = "$("$SOUK" --version)" ]; }

check "souk --help prints the commands" helps "$SOUK" --help
check "souk -h does the same" helps "$SOUK" -h
check "souk help does the same" helps "$SOUK" help
check "souk help --help does the same" helps "$SOUK" help --help
check "souk --version prints the version" eval '"$SOUK" --version | grep -qE "^souk [0-9]+\.[0-9]+\.[0-9]+$"'
"$SOUK" >"$work/out" 2>"$work/err"
check "souk alone is wrong usage" [ $? = 2 ]
check "and prints the commands on standard error" eval 'grep -q "^Usage: souk" "$work/err" && [ ! -s "$work/out" ]'
refuses "an unknown command is wrong usage" 2 'no command "bazaar"; souk --help' "$SOUK" bazaar
refuses "a misspelt command is named" 2 'no command "trian" \(did you mean "train"\?\)' "$SOUK" trian
refuses "an option of souk itself that is misspelt is named" 2 'did you mean "--version"' "$SOUK" --verison
refuses "also as a subject of help" 2 'did you mean "simulate"' "$SOUK" help simulat
"$SOUK" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\)  .*/\1/p' >"$work/commands"
check "there are thirteen commands" [ "$(wc -l <"$work/commands")" = 13 ]
while read -r command; do
    check "souk $command --help prints its usage" helps "$SOUK" "$command" --help
    check "in the sections of a manual page" has_sections "$work/help"
    mv "$work/help" "$work/long"
    check "souk $command -h prints the same" eval 'helps "$SOUK" "$command" -h && cmp "$work/help" "$work/long"'
    check "souk help $command prints the same" eval 'helps "$SOUK" help "$command" && cmp "$work/help" "$work/long"'
    check "souk $command --version prints the version" versions "$SOUK" "$command" --version
    refuses "souk $command refuses an option it does not know" \
        2 'no option --no-such-option; souk' "$SOUK" "$command" --no-such-option
    refuses "and names the one that was meant" \
        2 'no option --verison \(did you mean "--version"\?\)' "$SOUK" "$command" --verison
done <"$work/commands"

# ---- Wrong options ----------------------------------------------------------------------------------------

refuses "an option that is missing is named" 2 'want --data FILE; souk eval --help' "$SOUK" eval
refuses "so is a value that is missing" 2 '--data is the last argument, want a value' "$SOUK" eval --data
refuses "a flag takes no value" 2 '--quiet=1: --quiet takes no value' "$SOUK" eval --quiet=1
refuses "an ambiguous short name shows what it may be" 2 '--se is short for --seeds or --seed,' "$SOUK" ablate --se 3
refuses "a number has its range" 2 '--k = "0", want a whole number, 1 to 100000' "$SOUK" recommend --k 0
refuses "a misspelt choice is named" 2 '"tset" \(did you mean "test"\?\), want one of valid, test' \
    "$SOUK" eval --data x --split tset
refuses "a letter that is no option is refused" 2 'no option -z; souk eval' "$SOUK" eval -z
refuses "a setting as an option is named" 2 'no option --lr \(did you mean "optim.lr=VALUE"\?\)' "$SOUK" train --lr 1
refuses "a setting that a command does not take is refused, with those it takes" \
    2 'eval does not take the setting train.epochs=3, want one of: data.path, train.seed' "$SOUK" eval --data x train.epochs=3
refuses "a misspelt setting is named" 2 'no setting "modle.dim" \(did you mean "model.dim"\?\)' "$SOUK" train modle.dim=3
refuses "also in bench, which takes files" 2 'did you mean "model.dim"' "$SOUK" bench modle.dim=3
refuses "an argument that is nothing is refused" 2 '"shop.h5": want section.key=value' "$SOUK" eval shop.h5
refuses "a misspelt key of a mapping is named" 2 '\[columns\] has no "uesr" \(did you mean "user"\?\)' \
    "$SOUK" ingest --set columns.uesr=u a b.h5
refuses "also a value of one" 2 '"leave-one" \(did you mean "leave-one-out"\?\), want one of: time,' \
    "$SOUK" ingest --split leave-one a b.h5
refuses "and a format" 2 '"jsnl" \(did you mean "jsonl"\?\), want one of: auto' \
    "$SOUK" ingest --set input.format=jsnl a b.h5
refuses "a misspelt setting of a world is named" 2 'did you mean "items"' "$SOUK" simulate --world shop:itms=20 --all
refuses "a misspelt size of a model is named" 2 'did you mean "100m"' "$SOUK" bench --model 10m

# ---- Two spellings of one setting -------------------------------------------------------------------------

cd "$work" || exit 1
"$SOUK" generate --events 6000 --users 100 --items 60 -q --out a.csv
"$SOUK" generate --events 6000 --users 100 --items 60 train.quiet=1 train.out=b.csv
check "--out and train.out= are the same" cmp a.csv b.csv
"$SOUK" generate --events 6000 --users 100 --items 60 --seed 7 >c.csv 2>err
"$SOUK" generate --events 6000 --users 100 --items 60 train.seed=7 train.out=- >d.csv 2>err
check "--seed and train.seed= are the same" cmp c.csv d.csv
check "and another seed is another log" eval '! cmp -s a.csv c.csv'
check "ingest takes settings among its files" "$SOUK" ingest train.threads=1 --plain-keys a.csv train.quiet=1 shop.h5
refuses "a misspelt agent is named" 2 '\(did you mean "double_q"\?\)' \
    "$SOUK" train --data shop.h5 learn.objective=double
"$SOUK" info shop.h5 >info-file
"$SOUK" info --data shop.h5 >info-option
"$SOUK" info data.path=shop.h5 >info-setting
check "info FILE and --data are the same" cmp info-file info-option
check "so is data.path=" cmp info-file info-setting
small=(model.dim=8 model.length=8 train.tokens=64 train.steps=4)
check "train by options" "$SOUK" train --data shop.h5 --out run-a --seed 3 --threads 1 --quiet "${small[@]}"
check "train by settings" "$SOUK" train data.path=shop.h5 train.out=run-b train.seed=3 train.threads=1 \
    train.quiet=1 "${small[@]}"
check "they learn the same" cmp run-a/last.safetensors run-b/last.safetensors
printf '[model]\ndim = 16\n[train]\nsteps = 9\n' >file.ini
check "options and settings win over the file, wherever it stands" eval \
    '"$SOUK" train --seed 3 --data shop.h5 --out run-c --quiet "${small[@]}" train.threads=1 --config file.ini &&
     cmp run-a/last.safetensors run-c/last.safetensors'
for quiet in --quiet -q train.quiet=1; do
    check "eval $quiet shows no progress" eval \
        '"$SOUK" eval --data shop.h5 --threads 1 $quiet >out 2>err && [ ! -s err ]'
    cp out "out$quiet"
done
check "with the same result" eval 'cmp out--quiet out-q && cmp out--quiet outtrain.quiet=1'
"$SOUK" simulate --world small-shop --episodes 50 --all -q >out-a
"$SOUK" simulate world.name=small-shop --episodes 50 --all -q >out-b
check "--world and world.name= are the same" eval 'cmp <(cut -c 1-50 out-a) <(cut -c 1-50 out-b)'

# ---- Spellings that have always worked --------------------------------------------------------------------

# has_options COMMAND NAME...: options of version 0.1.0.
has_options() {
    local command=$1 name
    shift
    "$SOUK" "$command" --help >"$work/help"
    for name; do grep -qE -- "^  (-.,|   ) --$name( |\$)" "$work/help" || { echo "no --$name" && return 1; }; done
}
while read -r command names; do
    # shellcheck disable=SC2086 # names are words
    check "souk $command has the options that it had" has_options "$command" $names
done <<'OPTIONS'
ablate config device exclude-seen force include-seen rounds seeds users world
bench compare config device items json model op quick quiet steps tiny warmup
check all config device json precision quiet steps
eval acting all checkpoint data device events exclude-last exclude-seen include-seen json purchase quiet seed seeds split threads users
generate days events items noise out quiet seed threads users
info json top
ingest compress force from gap json key-file map max-per-day max-per-minute memory min-item-events min-user-events plain-keys preset quiet set split strict threads tmp to
ope acting channels checkpoint clip data device epsilon exclude-last force gamma json log min-ess policy position quiet replicates ridge seed split temperature threads
recommend acting all allow block cap category checkpoint data device exclude-last format histories history include-seen json k out quiet row threads user users
simulate acting all checkpoint data device episodes epsilon exclude-last first json out plot policy quiet seed show slots temperature threads valid world
trace batch checkpoint data device out
train config device force plan resume rounds world
OPTIONS
check "long names may be cut" eval '"$SOUK" generate --ev 100 --se 5 --qui --o short.csv &&
    "$SOUK" generate --events=100 --seed=5 --quiet >long.csv && cmp short.csv long.csv'
check "options may follow settings and files" "$SOUK" eval --users 10 data.path=shop.h5 --quiet --split=valid
check "the last of two spellings wins" eval '"$SOUK" info --data none data.path=shop.h5 >out && cmp out info-file'
check "in either order" eval '"$SOUK" info data.path=none --data shop.h5 >out && cmp out info-file'
check "learn.value_weight is learn.critic_weight" eval \
    '"$SOUK" train --plan --data shop.h5 learn.value_weight=0.25 >out'
finish
