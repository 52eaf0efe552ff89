#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Compares the output of Debian's readers of dnstap with the messages logged with libdnstap.
set -u
work=$(mktemp -d)
cd "$work" || exit 1

# One line for each event of YAML: type, family, protocol, both ends, times, zone, and the names in the messages.
lines() {
	awk '
		function show() {
			if (type == "") return
			line = type " " field["socket_family"] " " field["socket_protocol"]
			line = line " " field["query_address"] " " field["query_port"]
			line = line " " field["response_address"] " " field["response_port"] " " field["query_time"]
			if ("response_time" in field) line = line " " field["response_time"]
			print line " " field["query_zone"] names
			type = names = ""
			split("", field)
		}
		BEGIN { name["5"] = "DNSCryptUDP"; name["6"] = "DNSCryptTCP"; name["7"] = "DOQ" }
		/^---/ { show() }
		/^  [a-z_]+: / {
			key = $1
			sub(":", "", key)
			sub("^  [a-z_]+: (!!timestamp )?", "")
			gsub("\"", "")
			if (key == "socket_protocol" && $0 in name) $0 = name[$0]
			if (key == "type") type = $0
			field[key] = $0
		}
		/^    ;[a-z0-9]/ { names = names " " substr($1, 2) }
		END { show() }'
}

# compare NAME WANTED SHOWN
compare() {
	if [ -s "$2" ] && diff "$2" "$3" >differences; then
		echo "ok - $1 shows all $(wc -l <"$2") messages as they were logged"
	else
		echo "not ok - $1 shows other messages, < as logged, > as shown"
		head -n 20 differences | cut -c 1-200 | sed 's/^/#   /'
	fi
}

# names NAME YAML
names() {
	count=$(grep -c '^type: MESSAGE' "$2")
	if [ "$(grep -c '^identity: "ns1.example"$' "$2")" = "$count" ] &&
	   [ "$(grep -c '^version: "every_type 1.0"$' "$2")" = "$count" ]; then
		echo "ok - $1 shows identity and version"
	else
		echo "not ok - $1 shows another identity or version"
	fi
}

if ! "$BUILD/dnstap/every_type" all.tap >all.wanted; then
	echo "not ok - every_type: $(tail -n 1 all.wanted)"
elif ! command -v dnstap >/dev/null; then
	echo "not ok - golang-github-dnstap-golang-dnstap-cli is not installed"
else
	timeout 60 dnstap -y -r all.tap >all.yaml 2>log || sed 's/^/#   /' log
	lines <all.yaml >all.shown
	compare "dnstap -y" all.wanted all.shown
	names "dnstap -y" all.yaml
fi

if ! "$BUILD/dnstap/every_type" old.tap old >old.nanoseconds; then
	echo "not ok - every_type: $(tail -n 1 old.nanoseconds)"
elif ! command -v dnstap-ldns >/dev/null; then
	echo "not ok - dnstap-ldns is not installed"
else
	timeout 60 dnstap-ldns -y -r old.tap >old.yaml 2>log || sed 's/^/#   /' log
	lines <old.yaml >old.shown
	# It prints microseconds.
	sed -E 's/(:[0-9]{2}\.[0-9]{6})[0-9]{3}/\1/g' old.nanoseconds >old.wanted
	compare "dnstap-ldns -y" old.wanted old.shown
	names "dnstap-ldns -y" old.yaml
fi
rm -rf "$work"
echo "end of printers"
