#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs each compare program against both libraries and compares what they print.
set -u
out=$BUILD/compare
rm -rf "$out"
mkdir -p "$out"

# run PROGRAM LIBRARY: in an empty directory, under a time limit.
run() {
	directory=$(mktemp -d)
	(cd "$directory" && timeout -k 5 120 "$BUILD/$2/$1") >"$out/$1.$2" 2>&1 </dev/null
	echo "exit status $?" >>"$out/$1.$2"
	rm -rf "$directory"
}

for program in $COMPARE; do
	loaded=$(ldd "$BUILD/ours/$program" | awk '$1 ~ /^libfstrm\.so/ { print $3 }')
	if [ "$loaded" != "$STAGE/lib/libfstrm.so.0" ]; then
		echo "not ok - compare $program: runs with '$loaded' and not with the staged library"
		continue
	fi
	run "$program" ours
	if [ -z "$REFERENCE" ]; then
		echo "skip - compare $program: libfstrm-dev is not installed"
		continue
	fi
	run "$program" reference
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
