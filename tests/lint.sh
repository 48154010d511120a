#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The rules of the house that a machine can check.
. "$(dirname "$0")/tap.sh"
cd "$root" || exit 1

# What git knows or would take; without git, what is no build.
list_files() {
    git ls-files -co --exclude-standard 2>/dev/null |
        while IFS= read -r file; do [ -e "$file" ] && echo "$file"; done
}
list_files >"$work/files"
[ -s "$work/files" ] || find . \( -name 'build*' -o -name .git -o -name quickstart-out -o -name venv \
    -o -name __pycache__ \) -prune -o -type f -print | sed 's,^\./,,' >"$work/files"
mapfile -t files < <(grep -vE '\.(h5|gz|zst|xz|safetensors|npz)$' "$work/files")
pick() { printf '%s\n' "${files[@]}" | grep -E "$1"; }
mapfile -t house < <(pick '^(kernels|host)/.*\.(c|h|cu|cuh)$')
mapfile -t c_files < <(pick '\.(c|h|cu|cuh)$')
mapfile -t op_files < <(pick '^kernels/.*\.(c|cu)$' | grep -v '^kernels/base/')
mapfile -t sources < <(pick '^(kernels|host)/.*\.c$')

# rule SENTENCE OFFENCES: offences are lines of text, none is good.
rule() { if [ -z "$2" ]; then pass "$1"; else fail "$1" "$2"; fi; }
# only_in WHERE PATTERN: lines of the house that include PATTERN outside of files matching WHERE.
only_in() { grep -nE "^ *# *include [<\"]$2" "${house[@]}" | grep -vE "^($1)"; }

# A file's level: it may include its own and lower ones. 99 when it is no part of the house.
level_of() {
    case $1 in
    kernels/base/*) echo 0 ;;
    kernels/*) echo 1 ;;
    host/base/*) echo 2 ;;
    host/data/behaviour/*) echo 3 ;;
    host/data/counts/*) echo 4 ;;
    host/data/rawlog/*) echo 4 ;;
    host/data/ingest/*) echo 5 ;;
    host/data/stream/*) echo 6 ;;
    host/model/*) echo 7 ;;
    host/learn/*) echo 8 ;;
    host/infer/*) echo 9 ;;
    host/world/*) echo 10 ;;
    host/evaluate/*) echo 11 ;;
    host/train/*) echo 12 ;;
    host/measure/*) echo 13 ;;
    host/api/* | host/souk.h) echo 14 ;;
    host/serve/*) echo 15 ;;
    host/cli/* | host/main.c) echo 16 ;;
    *) echo 99 ;;
    esac
}

wrong_includes() {
    local file line name target
    grep -HnE '^#include "' "${house[@]}" | sed -E 's/^([^:]*):([0-9]*):#include "([^"]*)".*/\1 \2 \3/' |
        while read -r file line name; do
            target=
            for target in "kernels/$name" "host/$name" "$(dirname "$file")/$name"; do
                [ -e "$target" ] && break
            done
            [ "$(level_of "$target")" -le "$(level_of "$file")" ] ||
                echo "$file:$line: includes $target"
        done
}

rule "each folder includes only its own and those below it" "$(wrong_includes)"
rule "HDF5 is known under host/data/ only" "$(only_in host/data/ 'hdf5')"
rule "oneDNN is known in kernels/gemm.c only" "$(only_in kernels/gemm.c 'dnnl|oneapi')"
rule "LAPACK and OpenBLAS are known in two files only" "$(
    only_in 'host/evaluate/ranking/bars/inverse.c|host/model/spectral/eigen.c' 'cblas|openblas|lapack')"
rule "CUDA is known where CUDA is only" "$(only_in \
    '[^:]*\.cuh?:|[^:]*/cudnn[^/:]*\.[ch]:|kernels/base/(cuda/|device)' '(cuda|cublas|cudnn|curand|nvtx)')"
rule "libmicrohttpd is known in host/serve/http.c only" "$(only_in host/serve/http.c microhttpd)"
rule "NCCL and MPI are known in one file each" "$(
    only_in kernels/base/comm_nccl.c nccl
    only_in kernels/base/comm_mpi.c mpi
)"
rule "no conditional compilation in source files" \
    "$(grep -nE '^ *# *(if|ifdef|ifndef|elif|else)\b' /dev/null "${sources[@]}")"
rule "every team of OpenMP has the number of threads that its caller gives" "$(
    grep -nE '^ *# *pragma omp +parallel' "${house[@]}" | grep -v 'num_threads('
    grep -nE '\bomp_(get_max_threads|set_(num_threads|dynamic|nested|max_active_levels))\(' "${house[@]}" |
        grep -v '^kernels/gemm\.c:'
)"
rule "ops allocate through kernels/base only" \
    "$(grep -nE '\b(malloc|calloc|realloc|aligned_alloc|posix_memalign|free)\(' /dev/null "${op_files[@]}")"
# An op is a .cu file beside a .c file of its stem. catalogue/tiles is a part of the catalogue's ops.
ops_without() {
    local op folder stem tests
    pick '^kernels/.*\.cu$' | sed 's,^kernels/\(.*\)\.cu$,\1,' | while IFS= read -r op; do
        if [ ! -e "kernels/$op.c" ] || [ "$op" = catalogue/tiles ]; then continue; fi
        folder=$(dirname "$op") stem=$(basename "$op")
        tests=tests/kernels/$folder
        [ -e "$tests/test_$stem.c" ] || echo "kernels/$op.cu: no $tests/test_$stem.c"
        [ -e "$tests/cuda_$stem.c" ] || echo "kernels/$op.cu: no $tests/cuda_$stem.c"
        grep -qE "\"($folder )?${stem//_/ }[ ,\"]" host/measure/ops_*.c ||
            echo "kernels/$op.cu: no row \"${stem//_/ }\" in host/measure/ops_*.c"
    done
}
rule "every op has a CPU test, a CUDA test and a row in souk bench" "$(ops_without)"
rule "no banned call" "$(grep -nE \
    '\b(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|atof|system|rand|srand|strtok|assert|alloca)\(' \
    "${c_files[@]}")"
rule "nothing is left to do" "$(grep -nE '\b(TO[D]O|FIX[M]E|X[X]X)\b' "${files[@]}")"
rule "every source names its licence" "$(pick '\.(c|h|cu|cuh|cpp|cc|def|sh|py|cmake)$|CMakeLists.txt$' |
    xargs grep -L 'SPDX-License-Identifier: Apache-2.0')"
rule "no path of one machine" \
    "$(grep -nE '(^|[^[:alnum:]_.~/}$-])/(work|root|home/[a-z]+)/|\.\./shared\b' "${files[@]}")"
# ---- Modules: a stem, its header and its sources ----

# Agents share learn/agent.h, subcommands cli/cli.h, what souk.h declares stands in host/api/.
without_header() {
    local file
    for file in "${sources[@]}"; do
        case $file in
        host/learn/value/* | host/learn/policy/* | host/learn/control/* | host/api/* | host/main.c) ;;
        host/cli/bench/[!b]* | host/cli/info/[!i]* | host/cli/recommend/[!r]*) [ -e "${file%.c}.h" ] || echo "$file" ;;
        host/cli/*) ;;
        *) [ -e "${file%.c}.h" ] || echo "$file" ;;
        esac
    done
}
rule "every .c has its own .h" "$(without_header)"
rule "no folder holds more than a dozen modules" "$(printf '%s\n' "${house[@]}" |
    sed -E 's/\.[a-z]+$//' | sort -u | sed 's,/[^/]*$,,' | sort | uniq -c | awk '$1 > 12')"

# A function's head is the line in the first column before a { in the first column.
misnamed() {
    awk 'FNR == 1 { parts = split(FILENAME, part, "/"); stem = part[parts]; sub(/\.[a-z]+$/, "", stem)
                    folder = part[parts - 1]; above = part[parts - 2]; head = ""; private = 0 }
        /^(static|template|typedef)/ { private = 1 }
        /^[A-Za-z_].*\(/ && !private && !/^(__attribute__|extern "C"|_Static_assert)/ { head = $0 }
        /^}/ || /;$/ { head = ""; private = 0 }
        /^{/ { private = 0 }
        /^{/ && head != "" {
            name = head; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name); head = ""
            if (index(name "_", stem "_") == 1 || index(name "_", folder "_" stem "_") == 1) next
            if (folder == stem && index(name "_", above "_" stem "_") == 1) next
            if (FILENAME ~ /^host\/api\// && name ~ /^souk_/) next
            print FILENAME ": " name
        }' "$@"
}
mapfile -t bodies < <(pick '^(kernels|host)/.*\.(c|cu)$' | grep -v '/main\.c$')
rule "a public function begins with its file's stem, or with folder and stem" "$(misnamed "${bodies[@]}")"

# One module needs another where one of its files includes the other's header.
needs() {
    local file name target
    grep -HE '^#include "' "${house[@]}" | sed -E 's/^([^:]*):#include "([^"]*)".*/\1 \2/' |
        while read -r file name; do
            for target in "kernels/$name" "host/$name" "$(dirname "$file")/$name"; do
                [ -e "$target" ] && break
            done
            [ "${target%.*}" = "${file%.*}" ] || echo "${file%.*} ${target%.*}"
        done
}
rule "no modules need one another in a circle" "$(needs | tsort 2>&1 >/dev/null)"
rule "no line of C is longer than 100 columns" "$(LC_ALL=C.UTF-8 grep -nE '^.{101,}' "${c_files[@]}" | cut -d : -f 1,2)"

# ---- Sizes ----

rule "no file above 600 lines" "$(printf '%s\n' "${files[@]}" | grep -E '\.(c|h|cu|cuh|sh|py)$' |
    xargs wc -l | awk '$2 != "total" && $1 > 600 { print $2 ": " $1 " lines" }')"

# A function's body stands between { and } in the first column.
awk 'FNR == 1 { start = 0 }
    /^[A-Za-z_].*\(/ { name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) }
    /^{/ { start = FNR }
    /^}/ && start { print FNR - start - 1, FILENAME ":" start, name; start = 0 }' \
    "${c_files[@]}" | sort -rn >"$work/functions"
echo "# longest function: $(head -n 1 "$work/functions")"
echo "# longest file: $(wc -l "${c_files[@]}" | grep -v ' total$' | sort -rn | head -n 1 | xargs)"
rule "no function above 80 lines" "$(awk '$1 > 80' "$work/functions")"

dead_links() {
    local file target
    pick '\.md$' | while IFS= read -r file; do
        grep -oE '\]\([^)# ]+' "$file" | cut -c 3- | grep -vE '^(https?|mailto):' |
            while IFS= read -r target; do
                [ -e "$(dirname "$file")/$target" ] || echo "$file: $target"
            done
    done
}
rule "links between the pages resolve" "$(dead_links)"

# with TOOL SENTENCE COMMAND...: what the tool prints are offences.
with() {
    local tool=$1 sentence=$2
    shift 2
    if command -v "$tool" >/dev/null; then rule "$sentence" "$("$@" 2>&1)"; else
        skip "$tool is not installed"
    fi
}
misformatted() {
    clang-format-14 -n -ferror-limit=1 "${c_files[@]}" 2>&1 | grep -E 'warning|error' | cut -c 1-150
}
mapfile -t scripts < <(pick '(\.sh|^\.ci/run)$')
mapfile -t pythons < <(pick '\.py$')
with clang-format-14 "every source is as clang-format 14 writes it" misformatted
with shellcheck "shellcheck finds nothing in any script" shellcheck --format gcc "${scripts[@]}"
with flake8 "flake8 finds nothing in any Python file" flake8 "${pythons[@]}"
finish
