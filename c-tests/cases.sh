# shellcheck shell=sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs programs that consist of cases. Sourced by the scripts.

# run SECONDS NAME PROGRAM LIBRARY: in an empty directory, under a time limit.
run() {
	directory=$(mktemp -d)
	(cd "$directory" && timeout -k 5 "$1" "$3" "$4" </dev/null)
	status=$?
	# With status 1, the program has printed which cases failed.
	[ $status -le 1 ] || echo "not ok - $2: ended with status $status"
	rm -rf "$directory"
}

# is_staged NAME PROGRAM LIBRARY: whether the program runs with the staged library, and with no other.
is_staged() {
	loaded=$(ldd "$2" | awk -v library="$3.so" 'index($1, library) == 1 { print $3 }')
	[ "$loaded" = "$STAGE/lib/$3.so.0" ] && return
	echo "not ok - $1: runs with '$loaded' and not with the staged library"
	return 1
}
