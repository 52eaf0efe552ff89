#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs every test, or those of ONLY, and adds up their lines: "ok", "not ok", "skip". Called by the Makefile.
set -u
cd "$(dirname "$0")" || exit 1
results=$BUILD/results
: >"$results" || exit 1
# Would take precedence over the rpath of the programs.
unset LD_LIBRARY_PATH

all='version symbols headers manuals abi releases linking install unload no_tls time_bits compare faults additions dnstap no_alloc printers examples
	race_detectors dnstap-receivers'
for test in ${ONLY:-$all}; do
	echo "# $test"
	sh "./$test.sh" 2>&1 | tee -a "$results"
	# Detects a script that ended early.
	tail -n 1 "$results" | grep -qx "end of $test" || echo "not ok - $test.sh ended early" | tee -a "$results"
done | grep -v '^end of '

passed=$(grep -c '^ok' "$results")
failed=$(grep -c '^not ok' "$results")
skipped=$(grep -c '^skip' "$results")
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
