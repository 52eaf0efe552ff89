#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs the programs. Wants STAGE and BUILD, and that `make` has built them.
set -u
cd "$(dirname "$0")" || exit 1
unset LD_LIBRARY_PATH
work=$(mktemp -d)

missing() {
	for program; do
		command -v "$program" >/dev/null || { echo "$program is not installed"; return; }
	done
}

# run PROGRAM: in an empty directory, under a time limit.
run() {
	loaded=$(ldd "$BUILD/dnstap-receivers/$1" | awk '/libdnstap/ { print $3 }')
	if [ "$loaded" != "$STAGE/lib/libdnstap.so.0" ]; then
		echo "not ok - dnstap-receivers $1: runs with '$loaded' and not with the staged library"
		return
	fi
	mkdir "$work/$1"
	(cd "$work/$1" && timeout -k 5 120 "$BUILD/dnstap-receivers/$1" ours </dev/null)
	status=$?
	# 1 says that a case failed; the program has printed which.
	[ $status -le 1 ] || echo "not ok - dnstap-receivers $1: ended with status $status"
}

echo "# receivers"
run receivers
echo "# streams"
run streams

echo "# restarts"
why=$(missing /usr/bin/fstrm_capture)
if [ -n "$why" ]; then
	echo "skip - restarts: $why"
else
	run restarts
fi

echo "# tls"
why=$(missing /usr/bin/fstrm_capture stunnel openssl)
export CERTIFICATES="$work/certificates"
mkdir "$CERTIFICATES"
if [ -n "$why" ]; then
	echo "skip - tls: $why"
elif sh ./certificates.sh "$CERTIFICATES" >"$work/log" 2>&1; then
	run tls
else
	echo "not ok - certificates: openssl failed"
	tail -n 5 "$work/log" | sed 's/^/#   /'
fi
rm -rf "$work"
echo "end of dnstap-receivers"
