#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs each program with our library, which has to pass, and with Debian's, which has to show the fault.
set -u
. ./cases.sh

for program in $FAULTS; do
	echo "# $program"
	run 150 "faults $program ours" "$BUILD/ours/$program" ours
	if [ -n "$REFERENCE" ]; then
		run 150 "faults $program reference" "$BUILD/reference/$program" reference
	else
		echo "skip - Debian's, $program: libfstrm-dev is not installed"
	fi
done
echo "end of faults"
