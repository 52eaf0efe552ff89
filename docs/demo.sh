#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs Debian's unmodified Knot DNS with our libfstrm, sends queries, and prints the messages that our fstrm_capture
# receives. Called by `make demo` with STAGE, the prefix of our installation.
set -euo pipefail

die() {
    echo "demo: $*" >&2
    exit 1
}

: "${STAGE:?Run make demo.}"
STAGE=$(realpath "$STAGE")

# Prints an unused port, below those that the system assigns.
free_port() {
    local port
    for port in $(shuf -i 10000-30000 -n 100); do
        if ! cat /proc/net/{udp,tcp}{,6} 2>/dev/null | grep -q ":$(printf %04X "$port") "; then
            echo "$port"
            return
        fi
    done
    die "no free port"
}

# Reads the output of a program up to a text.
await() {
    local line
    while IFS= read -r -t 20 -u "$1" line; do
        [[ $line != *"$2"* ]] || return 0
        echo "$line" >>"$folder/log"
    done
    die "not printed: $2"
}

capture='' knotd=''
folder=$(mktemp -d)
clean_up() {
    local status=$?
    [ "$status" = 0 ] || cat "$folder/log" >&2
    # Each is empty if it does not run.
    # shellcheck disable=SC2086
    kill -KILL $capture $knotd 2>/dev/null || :
    wait
    rm -rf "$folder"
}
touch "$folder/log"
trap clean_up EXIT
trap 'exit 130' INT TERM

port=$(free_port)

cat >"$folder/zone" <<EOF
\$ORIGIN example.
@ 3600 SOA ns hostmaster 1 3600 600 86400 300
@ NS ns
@ MX 10 mail
ns A 192.0.2.1
mail A 192.0.2.2
www A 192.0.2.3
www AAAA 2001:db8::3
EOF
cat >"$folder/knot.conf" <<EOF
server:
    rundir: $folder
    listen: 127.0.0.1@$port
log:
  - target: stdout
    any: info
database:
    storage: $folder
mod-dnstap:
  - id: tap
    sink: unix:$folder/dnstap.sock
template:
  - id: default
    storage: $folder
    global-module: mod-dnstap/tap
zone:
  - domain: example.
    file: zone
EOF

exec {capture_output}< <(exec "$STAGE/bin/fstrm_capture" -t protobuf:dnstap.Dnstap \
    -u "$folder/dnstap.sock" -w "$folder/captured" 2>&1)
capture=$!
await "$capture_output" "opened output file"

exec {knotd_output}< <(LD_LIBRARY_PATH=$STAGE/lib exec /usr/sbin/knotd -c "$folder/knot.conf" 2>&1)
knotd=$!
await "$knotd_output" "server started"

echo "Debian's $(/usr/sbin/knotd --version), unmodified. It has loaded this libfstrm:"
loaded=$(awk '/libfstrm/ { print $6 }' "/proc/$knotd/maps" | sort -u)
[ "$loaded" = "$(realpath "$STAGE/lib/libfstrm.so.0")" ] || die "knotd has loaded ${loaded:-none}"
echo "    ${loaded#"$PWD/"}"

echo "Queries, and its answers:"
queries=0
ask() {
    local transport=$1 name=$2 type=$3 output answer
    output=$(kdig @127.0.0.1 -p "$port" "+$transport" +retry=0 +noall +header +answer \
        "$name" "$type") || die "no answer: $output"
    answer=$(awk '
        /status:/ { sub(/.*status: /, ""); sub(/;.*/, ""); status = $0 }
        $3 == "IN" { $1 = $2 = $3 = $4 = ""; sub(/^ +/, ""); data = $0 }
        END { print data ? data : status }' <<<"$output")
    printf '    %-6s  %-16s %-5s %s\n' "${transport/notcp/udp}" "$name" "$type" "$answer"
    queries=$((queries + 1))
}
ask notcp www.example A
ask tcp www.example AAAA
ask notcp example MX
ask tcp missing.example A

kill "$knotd"
wait "$knotd" || die "knotd ended with status $?"
knotd=
kill "$capture"
wait "$capture" || die "fstrm_capture ended with status $?"
capture=

echo "The messages that fstrm_capture received, printed by the Go program dnstap (Q: query, R: response):"
dnstap -r "$folder/captured" -q 2>>"$folder/log" | sort >"$folder/printed"
sed 's/^/    /' "$folder/printed"
frames=$(wc -l <"$folder/printed")
echo "$queries queries and $queries responses, $frames frames captured."
[ "$frames" = $((2 * queries)) ] || die "not all messages were captured"
