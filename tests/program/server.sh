# shellcheck shell=bash disable=SC2034,SC2154 # tap.sh sets $work, $SOUK; tests read $url
# SPDX-License-Identifier: Apache-2.0
# A server of recommendations for tests, sourced after tap.sh.
server=
trap '[ -z "$server" ] || kill -9 "$server" 2>/dev/null; rm -rf "$work"' EXIT

# serve OPTION...: starts a server at a free port; $url is its address.
serve() {
    : >"$work/server.err" # of the server before
    "$SOUK" serve --port 0 --threads 1 "$@" 2>"$work/server.err" &
    server=$!
    for _ in $(seq 600); do
        url=$(sed -n 's,^souk serve: \(http://[^ ]*\)/ answers .*,\1,p' "$work/server.err")
        [ -z "$url" ] || return 0
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    cat "$work/server.err"
    return 1
}
# stop SIGNAL: ends it; its exit code.
stop() {
    local code=0
    kill -s "$1" "$server"
    wait "$server" || code=$?
    server=
    return "$code"
}
# ask BODY [CURL-ARGUMENT...]: the answer to a request for recommendations.
ask() {
    local body=$1
    shift
    curl -sS --max-time 60 -d "$body" "$@" "$url/v1/recommend"
}
