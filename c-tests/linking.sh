#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2046 # several flags
# Programs linked with the archives, with the flags of pkg-config, print the same as those with the shared objects.
set -u
. ./report.sh

# In an empty directory.
run() {
	mkdir "$work/run"
	(cd "$work/run" && timeout -k 5 60 "$@") 2>"$work/log" </dev/null
	status=$?
	rm -rf "$work/run"
	return $status
}

# same PROGRAM ARGUMENTS: the program that was linked here prints what the one with the shared object does.
same() {
	if ldd "$work/program" 2>/dev/null | grep '^[[:space:]]*lib\(fstrm\|dnstap\)\.so' >"$work/log"; then
		return 1
	fi
	[ -x "$1" ] || { echo "no $1 to compare with" >"$work/log"; return 1; }
	shared=$1
	shift
	run "$work/program" "$@" >"$work/archive.out" && run "$shared" "$@" >"$work/shared.out" || return 1
	[ -s "$work/shared.out" ] && diff "$work/shared.out" "$work/archive.out" >"$work/log"
}

# libfstrm LIBRARIES: control frames, and a writer thread to each transport.
libfstrm() {
	for program in control iothr; do
		$CC -std=c99 -D_XOPEN_SOURCE=700 -pthread -I. $(pc --cflags libfstrm) -o "$work/program" \
			compare/$program.c bytes.c print.c receiver.c endpoint.c "$@" >"$work/log" 2>&1 || return 1
		same "$BUILD/ours/$program" || return 1
	done
}

# libdnstap LIBRARIES: a sink to a file, with a message of every type.
libdnstap() {
	$CC -std=c99 -D_XOPEN_SOURCE=700 -pthread -I. -I"$BUILD/dnstap" $(pc --cflags libdnstap) -o "$work/program" \
		dnstap/every_type.c bytes.c receiver.c harness.c messages.c sink.c "$BUILD/dnstap/dnstap.pb-c.c" "$@" \
		-l:libprotobuf-c.a >"$work/log" 2>&1 || return 1
	same "$BUILD/dnstap/every_type" file.tap
}

for library in libfstrm libdnstap; do
	# -lNAME takes the shared object when both are there; the archive is named outright.
	$library $(pc --static --libs $library | sed "s/-l${library#lib}\b/-l:$library.a/")
	result $? "$library.a in a program that is otherwise dynamic: $(pc --static --libs-only-l $library)"
	$library -static $(pc --static --libs $library)
	result $? "$library.a in a program that is all static"
done
echo "end of linking"
