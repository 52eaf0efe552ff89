#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2086,SC2046 # several flags
# Programs whose time_t and off_t have 32 or 64 bits, of which systems of 32 bits have both.
set -u
. ./report.sh
. ./cases.sh

for bits in 32 64; do
	flags=-U_TIME_BITS
	[ $bits = 32 ] || flags='-D_TIME_BITS=64 -D_FILE_OFFSET_BITS=64'
	if ! $CC -std=c99 -Wall -Wextra -Werror ${CPPFLAGS-} -U_FILE_OFFSET_BITS -U_TIME_BITS $flags -pthread \
		-D_XOPEN_SOURCE=700 -I. -o "$work/$bits" time_bits.c harness.c $(pc --cflags libdnstap libfstrm) \
		$(stage_flags libdnstap) ${LDFLAGS-} >"$work/log" 2>&1; then
		result 1 "time_bits.c is compiled for $bits bits"
		continue
	fi
	is_staged "time_bits for $bits bits" "$work/$bits" libdnstap || continue
	has=$($EMULATOR "$work/$bits" bits)
	if [ "$has" != $bits ]; then
		echo "skip - a time_t of $bits bits: this system has none"
		continue
	fi
	echo "# a time_t of $bits bits"
	run 60 "time_bits for $bits bits" "$work/$bits" ours
	$EMULATOR "$work/$bits" sizes >"$work/sizes.$bits"
done
if [ -s "$work/sizes.32" ]; then
	diff "$work/sizes.32" "$work/sizes.64" >"$work/log"
	result $? "no struct depends on the size of time_t"
fi
echo "end of time_bits"
