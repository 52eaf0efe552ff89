#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs the programs for functions that only our library has.
set -u
. ./cases.sh

for program in $ADDITIONS; do
	run 150 "additions $program" "$BUILD/ours/$program" ours
done
echo "end of additions"
