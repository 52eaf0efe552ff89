# shellcheck shell=sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs programs that consist of cases. Sourced by the scripts.

# The command that runs programs for another processor, such as qemu-s390x -L /usr/s390x-linux-gnu.
EMULATOR=${EMULATOR:-}

# run SECONDS NAME PROGRAM LIBRARY: in an empty directory, under a time limit.
run() {
	directory=$(mktemp -d)
	# shellcheck disable=SC2086 # several
	(cd "$directory" && timeout -k 5 "$1" $EMULATOR "$3" "$4" </dev/null)
	status=$?
	# With status 1, the program has printed which cases failed.
	[ $status -le 1 ] || echo "not ok - $2: ended with status $status"
	rm -rf "$directory"
}

# objects PROGRAM: prints the shared objects that the program runs with, as ldd does for programs of this system.
objects() {
	# shellcheck disable=SC2086 # several
	if [ -n "$EMULATOR" ]; then
		QEMU_SET_ENV=LD_TRACE_LOADED_OBJECTS=1 $EMULATOR "$1"
	else
		LD_TRACE_LOADED_OBJECTS=1 "$1"
	fi
}

# is_staged NAME PROGRAM LIBRARY: whether the program runs with the staged library, and with no other.
is_staged() {
	loaded=$(objects "$2" | awk -v library="$3.so" 'index($1, library) == 1 { print $3 }')
	[ "$loaded" = "$STAGE/lib/$3.so.0" ] && return
	echo "not ok - $1: runs with '$loaded' and not with the staged library"
	return 1
}
