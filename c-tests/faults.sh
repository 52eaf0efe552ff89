#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs each fault program with ours, which has to pass, and with Debian's library, which has to show the fault.
set -u

run() {
	directory=$(mktemp -d)
	(cd "$directory" && timeout -k 5 150 "$BUILD/$2/$1" "$2" </dev/null)
	status=$?
	# 1 says that a case failed; the program has printed which.
	[ $status -le 1 ] || echo "not ok - faults $1 $2: ended with status $status"
	rm -rf "$directory"
}

for program in $FAULTS; do
	echo "# $program"
	run "$program" ours
	if [ -n "$REFERENCE" ]; then
		run "$program" reference
	else
		echo "skip - Debian's, $program: libfstrm-dev is not installed"
	fi
done
echo "end of faults"
