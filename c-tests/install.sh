#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# `make install` and `make uninstall` of what was built last, as a packager calls them: stripped files without paths of the builder,
# debug information on request, and nothing left afterwards.
set -u
. ./report.sh
root=$work/root
top=$(realpath ..)
# installation ARGUMENTS: a target of the Makefile, below a folder as its root.
installation() {
	make -C .. DESTDIR="$root" PREFIX=/usr "$@" >"$work/log" 2>&1
}

installed() {
	find "$root" ! -type d
}

# Those of programs and libraries.
build_ids() {
	for file in "$root"/usr/bin/* "$root"/usr/lib/lib*.so; do
		readelf -n "$file" | sed -nE 's|^ *Build ID: *(..)(.*)|\1/\2.debug|p'
	done | LC_ALL=C sort
}

# without_paths NAME: no installed file contains a folder of the builder.
without_paths() {
	find "$root" -name '*.debug' -exec objcopy --decompress-debug-sections '{}' ';'
	for folder in "$top" "$(realpath "$STAGE")" "${CARGO_HOME:-$HOME/.cargo}" "$(rustc --print sysroot)" "$HOME"; do
		# Not that of a system without users.
		[ "$folder" = / ] || echo "$folder/"
	done | sort -u >"$work/folders"
	grep -raoE -f "$work/folders" "$root" | sort | uniq -c | sort -rn | head -n 20 >"$work/log"
	[ -s "$work/folders" ] && [ "$(installed | wc -l)" -gt 20 ] && [ ! -s "$work/log" ]
	result $? "$1: the folders $(tr '\n' ' ' <"$work/folders")are in none of $(installed | wc -l) installed files"
}

if ! command -v cargo >/dev/null; then
	echo "skip - make install: cargo is not installed, so nothing was built"
	echo "end of install"
	exit
fi

installation install
result $? "make install"
for file in "$root"/usr/bin/* "$root"/usr/lib/lib*.so; do
	sections=$(readelf -SW "$file" | grep -oE '\.(debug_(info|line)|symtab)' | sort -u)
	[ -z "$sections" ]
	result $? "$(basename "$file") is stripped: $(wc -c <"$file") bytes" "$sections"
done
[ ! -e "$root/usr/lib/debug" ]
result $? "make install leaves out debug information"
without_paths "make install"
installed | LC_ALL=C sort >"$work/before"

installation install DEBUGINFO=yes
result $? "make install DEBUGINFO=yes"
find "$root/usr/lib/debug/.build-id" -type f -printf '%P\n' | LC_ALL=C sort >"$work/debug"
build_ids >"$work/ids"
[ "$(wc -l <"$work/ids")" = 6 ] && diff "$work/ids" "$work/debug" >"$work/log"
result $? "each program and library has a file with its debug information"
tool=$root/usr/bin/fstrm_dump
readelf --debug-dump=decodedline "$root/usr/lib/debug/.build-id/$(readelf -n "$tool" |
	sed -nE 's|^ *Build ID: *(..)(.*)|\1/\2|p').debug" 2>/dev/null | grep -m 1 'fstrm_dump.rs' >"$work/log"
result $? "debug information has the lines of fstrm_dump.rs"
without_paths "make install DEBUGINFO=yes"

touch "$root/usr/lib/other"
installation uninstall
result $? "make uninstall"
[ "$(installed)" = "$root/usr/lib/other" ]
result $? "make uninstall removes all of $(wc -l <"$work/before") files, and their debug information" "$(installed)"
[ ! -e "$root/usr/include/fstrm" ] && [ ! -e "$root/usr/share/libdnstap" ] && [ -d "$root/usr/share/man" ]
result $? "make uninstall removes the folders that are ours"

installation install STRIP=true
readelf -SW "$root/usr/bin/fstrm_dump" 2>/dev/null | grep -q '\.symtab'
result $? "make install STRIP=true leaves stripping to packagers"
echo "end of install"
