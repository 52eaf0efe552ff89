#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Programs linked with libfstrm.a, with what pkg-config says, do the same as those with the shared object.
set -u
work=$(mktemp -d)
pc() {
	PKG_CONFIG_PATH=$STAGE/lib/pkgconfig pkg-config "$@" libfstrm
}

result() {
	if [ "$1" -eq 0 ]; then
		echo "ok - $2"
	else
		echo "not ok - $2"
		head -n 20 "$work/log" | sed 's/^/#   /'
	fi
}

pc --modversion >"$work/log" 2>&1
grep -qxE '[0-9]+\.[0-9]+\.[0-9]+' "$work/log" && pc --atleast-version=0.6.1
result $? "pkg-config knows version $(cat "$work/log"), 0.6.1 or later"

# In an empty directory.
run() {
	mkdir "$work/run"
	(cd "$work/run" && timeout -k 5 60 "$1") 2>"$work/log" </dev/null
	status=$?
	rm -rf "$work/run"
	return $status
}

# link LIBRARIES: control frames, and a writer thread to each transport.
link() {
	for program in control iothr; do
		[ -x "$BUILD/ours/$program" ] || { echo "no $program to compare with" >"$work/log"; return 1; }
		$CC -std=c99 -D_XOPEN_SOURCE=700 -pthread -I. $(pc --cflags) -o "$work/$program" \
			compare/$program.c print.c receiver.c endpoint.c "$@" >"$work/log" 2>&1 || return 1
		if ldd "$work/$program" 2>/dev/null | grep libfstrm >"$work/log"; then
			return 1
		fi
		run "$work/$program" >"$work/archive.out" && run "$BUILD/ours/$program" >"$work/shared.out" || return 1
		diff "$work/shared.out" "$work/archive.out" >"$work/log" || return 1
	done
}

# -lfstrm takes the shared object when both are there; the archive is named outright.
link $(pc --static --libs | sed 's/-lfstrm\b/-l:libfstrm.a/')
result $? "libfstrm.a in a program that is otherwise dynamic: $(pc --static --libs-only-l)"
link -static $(pc --static --libs)
result $? "libfstrm.a in a program that is all static"
rm -rf "$work"
echo "end of linking"
