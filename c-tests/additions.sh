#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs the programs that use what only our library has.
set -u

for program in $ADDITIONS; do
	directory=$(mktemp -d)
	(cd "$directory" && timeout -k 5 120 "$BUILD/ours/$program" ours </dev/null)
	status=$?
	[ $status -le 1 ] || echo "not ok - additions $program: ended with status $status"
	rm -rf "$directory"
done
echo "end of additions"
