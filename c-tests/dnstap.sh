#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs the programs for libdnstap.
set -u
. ./cases.sh

for program in $DNSTAP; do
	echo "# $program"
	if is_staged "dnstap $program" "$BUILD/dnstap/$program" libdnstap; then
		run 150 "dnstap $program" "$BUILD/dnstap/$program" ours
	fi
done
echo "end of dnstap"
