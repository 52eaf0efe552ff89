#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs the programs for libdnstap with other receivers, if their requirements are installed.
set -u
. ./cases.sh
work=$(mktemp -d)

missing() {
	for program; do
		command -v "$program" >/dev/null || { echo "$program is not installed"; return; }
	done
}

# try PROGRAM
try() {
	if is_staged "dnstap-receivers $1" "$BUILD/dnstap-receivers/$1" libdnstap; then
		run 300 "dnstap-receivers $1" "$BUILD/dnstap-receivers/$1" ours
	fi
}

echo "# receivers"
try receivers
echo "# streams"
try streams

for program in restarts writers; do
	echo "# $program"
	why=$(missing /usr/bin/fstrm_capture)
	if [ -n "$why" ]; then
		echo "skip - $program: $why"
	else
		try $program
	fi
done

echo "# tls"
why=$(missing /usr/bin/fstrm_capture stunnel openssl)
export CERTIFICATES="$work/certificates"
mkdir "$CERTIFICATES"
if [ -n "$why" ]; then
	echo "skip - tls: $why"
elif sh dnstap-receivers/certificates.sh "$CERTIFICATES" >"$work/log" 2>&1; then
	try tls
else
	echo "not ok - certificates: openssl failed"
	tail -n 5 "$work/log" | sed 's/^/#   /'
fi
rm -rf "$work"
echo "end of dnstap-receivers"
