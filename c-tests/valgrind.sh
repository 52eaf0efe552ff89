#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs the compare programs with our library, and some of those for libdnstap, under valgrind: no invalid access, no
# definite or possible leak.
set -u
unset LD_LIBRARY_PATH
here=$PWD
failed=0
passed=0

if ! command -v valgrind >/dev/null; then
	echo "not ok - valgrind is not installed"
	exit 1
fi

# run NAME PROGRAM ARGUMENTS
run() {
	name=$1
	shift
	directory=$(mktemp -d)
	# Fair scheduling, so that the writer thread runs while producers wait for it.
	(cd "$directory" && timeout -k 5 300 valgrind -q --fair-sched=yes --leak-check=full \
		--errors-for-leak-kinds=definite,possible --suppressions="$here/valgrind.supp" \
		--error-exitcode=9 --log-file="$directory/log.%p" "$@" >out 2>&1 </dev/null)
	status=$?
	if [ $status -eq 0 ] && ! grep -qs 'ERROR\|definitely lost\|possibly lost' "$directory"/log.*; then
		echo "ok - valgrind $name"
		passed=$((passed + 1))
	else
		echo "not ok - valgrind $name: status $status"
		{ grep -A3 '^not ok' "$directory/out"; cat "$directory"/log.*; } | head -n 40 | sed 's/^/#   /'
		failed=$((failed + 1))
	fi
	rm -rf "$directory"
}

for program in $COMPARE; do
	run "$program" "$BUILD/ours/$program"
done
# Fewer events, and shorter runs.
export UNDER_VALGRIND=yes
for program in round_trip calls reader accounts writer errors sizes; do
	run "dnstap $program" "$BUILD/dnstap/$program" ours
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
