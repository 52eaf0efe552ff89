#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2046 # several flags
# Programs linked with the archives, with the flags of pkg-config, print the same as those with the shared objects; and each archive
# is one object that can be linked with the other.
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

	archive=$STAGE/lib/$library.a
	objects=$(ar t "$archive")
	[ "$objects" = "$library.o" ]
	result $? "$library.a contains one object" "$objects"
	nm --defined-only --extern-only "$archive" | awk 'NF == 3 { print $3 }' | LC_ALL=C sort >"$work/global"
	nm -D --defined-only "$STAGE/lib/$library.so" | awk '$2 == "T" { sub("@.*", "", $3); print $3 }' |
		LC_ALL=C sort >"$work/exported"
	[ -s "$work/global" ] && diff "$work/exported" "$work/global" >"$work/log"
	result $? "$library.a: the $(wc -l <"$work/global") symbols of the shared object are global, and no others"
	sections=$(readelf -SW "$archive" | grep -oE '\.(z?debug_|llvm|gnu\.lto|group)[a-z_]*' | sort -u)
	[ -z "$sections" ]
	result $? "$library.a: neither debug information nor bitcode nor groups" "$sections"
	size=$(wc -c <"$archive")
	[ "$library" = libfstrm ] && limit=$((1500 * 1024)) || limit=$((5000 * 1024))
	[ "$size" -gt 0 ] && [ "$size" -lt "$limit" ]
	result $? "$library.a is smaller than $((limit / 1024)) KB: $size bytes"
done

# both FLAGS: a program with both archives writes with one library, reads with the other, and has panics become errors in each.
both() {
	# shellcheck disable=SC2086 # several flags
	$1 -Wl,--wrap=__clock_gettime64 -D_GNU_SOURCE -std=c99 -O1 -pthread $(pc --cflags libfstrm libdnstap) -o "$work/program" both.c \
		$(pc --static --libs libfstrm libdnstap | sed 's/-l\(fstrm\|dnstap\)\b/-l:lib\1.a/g') >"$work/log" 2>&1 || return 1
	# The C library warns of its own functions that load shared objects.
	! grep 'warning:' "$work/log" | grep -v 'in statically linked applications' || return 1
	run "$work/program" file.tap >"$work/out" || return 1
	[ "$(cat "$work/out")" = "both libraries work" ] || { cat "$work/out" >>"$work/log"; return 1; }
	# Each library has written its panic.
	[ "$(grep -c panicked "$work/log")" = 2 ]
}

for compiler in "$CC" clang; do
	for linker in bfd gold lld; do
		if ! command -v "$compiler" >/dev/null || ! command -v "ld.$linker" >/dev/null; then
			echo "skip - both archives by $compiler and ld.$linker: not installed"
			continue
		fi
		# Only clang writes what lld can optimise.
		[ $linker = lld ] && [ "$compiler" != clang ] && lto= || lto=-flto
		for flags in '' -static ${lto:+"$lto"} ${lto:+"-static $lto"}; do
			both "$compiler -fuse-ld=$linker $flags"
			result $? "both archives in one program, by $compiler and ld.$linker${flags:+ with $flags}"
		done
	done
done
echo "end of linking"
