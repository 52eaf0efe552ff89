#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs the programs over libdnstap.
set -u

for program in $DNSTAP; do
	echo "# $program"
	loaded=$(ldd "$BUILD/dnstap/$program" | awk '/libdnstap/ { print $3 }')
	if [ "$loaded" != "$STAGE/lib/libdnstap.so.0" ]; then
		echo "not ok - dnstap $program: runs with '$loaded' and not with the staged library"
		continue
	fi
	directory=$(mktemp -d)
	(cd "$directory" && timeout -k 5 150 "$BUILD/dnstap/$program" ours </dev/null)
	status=$?
	# 1 says that a case failed; the program has printed which.
	[ $status -le 1 ] || echo "not ok - dnstap $program: ended with status $status"
	rm -rf "$directory"
done
echo "end of dnstap"
