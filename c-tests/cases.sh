# shellcheck shell=sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# How programs of cases are run. Read by the scripts that run them.

# run SECONDS NAME PROGRAM LIBRARY: in an empty directory, under a time limit.
run() {
	directory=$(mktemp -d)
	(cd "$directory" && timeout -k 5 "$1" "$3" "$4" </dev/null)
	status=$?
	# 1 says that a case failed; the program has printed which.
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
