#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs each compare program against both libraries and compares what they print.
set -u
. ./cases.sh
out=$BUILD/compare
rm -rf "$out"
mkdir -p "$out"

# print PROGRAM LIBRARY: in an empty directory, under a time limit.
print() {
	directory=$(mktemp -d)
	# shellcheck disable=SC2086 # several
	(cd "$directory" && timeout -k 5 120 $EMULATOR "$BUILD/$2/$1") >"$out/$1.$2" 2>&1 </dev/null
	echo "exit status $?" >>"$out/$1.$2"
	rm -rf "$directory"
}

for program in $COMPARE; do
	is_staged "compare $program" "$BUILD/ours/$program" libfstrm || continue
	print "$program" ours
	if [ -z "$REFERENCE" ]; then
		echo "skip - compare $program: libfstrm-dev is not installed"
		continue
	fi
	print "$program" reference
	# Equal failures are not a success.
	if [ "$(tail -n 1 "$out/$program.reference")" != "exit status 0" ]; then
		echo "not ok - compare $program: does not run through with Debian's library"
		tail -n 5 "$out/$program.reference" | sed 's/^/#   /'
	elif diff "$out/$program.reference" "$out/$program.ours" >"$out/$program.diff"; then
		echo "ok - compare $program: $(wc -l <"$out/$program.ours") lines are the same"
	else
		echo "not ok - compare $program: $(grep -c '^[<>]' "$out/$program.diff") lines differ, < is Debian's, > is ours"
		head -n 20 "$out/$program.diff" | cut -c 1-300 | sed 's/^/#   /'
	fi
done
echo "end of compare"
