#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs the compare programs with our library under valgrind: no invalid access, no definite leak.
set -u
unset LD_LIBRARY_PATH
failed=0
passed=0

if ! command -v valgrind >/dev/null; then
	echo "not ok - valgrind is not installed"
	exit 1
fi
for program in $COMPARE; do
	directory=$(mktemp -d)
	# Fair scheduling: producers that wait for the writer thread must let it run.
	(cd "$directory" && timeout -k 5 200 valgrind -q --fair-sched=yes --leak-check=full \
		--errors-for-leak-kinds=definite --error-exitcode=9 --log-file=log.%p "$BUILD/ours/$program" >out 2>&1 </dev/null)
	status=$?
	if [ $status -eq 0 ] && ! grep -qs 'ERROR\|definitely lost' "$directory"/log.*; then
		echo "ok - valgrind $program"
		passed=$((passed + 1))
	else
		echo "not ok - valgrind $program: status $status"
		cat "$directory"/log.* | head -n 40 | sed 's/^/#   /'
		failed=$((failed + 1))
	fi
	rm -rf "$directory"
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
