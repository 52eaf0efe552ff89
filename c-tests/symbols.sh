#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# The shared objects as the dynamic linker sees them: symbols, versions, names, dependencies.
set -u
. ./report.sh
. ./versions.sh
version=$(package_version)

# Functions and their versions, one "name@version" a line; the nodes themselves are absolute symbols.
versioned() {
	nm -D --defined-only --with-symbol-versions "$1" | awk '$2 != "A" { sub("@@", "@", $3); print $3 }' | LC_ALL=C sort
}

# Compares with the C library that libfstrm replaces.
beside_reference() {
	if [ -z "$REFERENCE" ]; then
		echo "skip - symbols and versions of libfstrm: libfstrm-dev is not installed"
		return
	fi
	reference=$(realpath "$(env -u PKG_CONFIG_PATH pkg-config --variable=libdir libfstrm)/libfstrm.so.0")
	versioned "$reference" >"$work/reference"
	missing=$(LC_ALL=C comm -13 "$work/ours" "$work/reference")
	[ -s "$work/reference" ] && [ -z "$missing" ]
	result $? "all $(wc -l <"$work/reference") symbols of $(basename "$reference"), with their versions" "missing: $missing"
	# A new symbol must not be under a version of the C library.
	LC_ALL=C comm -23 "$work/ours" "$work/reference" >"$work/additions"
	stray=$(while IFS=@ read -r name node; do
		case $node in
		LIBFSTRM_*) grep -q "@$node\$" "$work/reference" && echo "$name@$node" ;;
		*) echo "$name@$node" ;;
		esac
	done <"$work/additions")
	[ -z "$stray" ]
	result $? "$(wc -l <"$work/additions") further symbols, all under versions of our own" "stray: $stray"
}

# check LIBRARY PREFIX SIZE: the checks of both libraries.
check() {
	lib=$STAGE/lib/$1.so.$version
	map=../src/$1/$1.map
	versioned "$lib" >"$work/ours"

	sed 's/#.*//; s|/\*.*\*/||' "$map" | grep -oE "\b$2_[a-z_0-9]+;" | tr -d ';' | LC_ALL=C sort -u >"$work/map"
	cut -d @ -f 1 "$work/ours" | LC_ALL=C sort -u >"$work/names"
	differ=$(diff "$work/map" "$work/names")
	[ -s "$work/map" ] && [ -z "$differ" ]
	result $? "$1: the map file names exactly what the object has" "< map, > object: $differ"
	kinds=$(nm -D --defined-only "$lib" | awk '$2 != "T" && $2 != "A"')
	[ -z "$kinds" ]
	result $? "$1: every symbol is a function" "$kinds"

	soname=$(objdump -p "$lib" | awk '$1 == "SONAME" { print $2 }')
	[ "$soname" = "$1.so.0" ]
	result $? "SONAME is $1.so.0" "$soname"
	for link in "$1.so" "$1.so.0"; do
		[ -L "$STAGE/lib/$link" ] && [ "$(realpath "$STAGE/lib/$link")" = "$(realpath "$lib")" ]
		result $? "$link leads to $1.so.$version" "$(ls -l "$STAGE/lib/$link" 2>&1)"
	done
	[ -f "$lib" ] && [ ! -L "$lib" ]
	result $? "$1.so.$version is a file"

	needed=$(objdump -p "$lib" | awk '$1 == "NEEDED" { print $2 }')
	more=$(echo "$needed" | grep -vxE 'libc\.so\.6|libgcc_s\.so\.1|ld-linux[-a-z0-9_]*\.so\.[0-9]')
	[ -n "$needed" ] && [ -z "$more" ]
	result $? "$1 needs nothing but libc, libgcc_s and the loader" "$more"
	undefined=$(ldd -r "$lib" 2>&1 | grep -i 'undefined\|not found')
	[ -z "$undefined" ]
	result $? "$1: no undefined symbols" "$undefined"

	stack=$(readelf -lW "$lib" | awk '$1 == "GNU_STACK" { print $7 $8 }')
	case $stack in *E*|'') false ;; *) true ;; esac
	result $? "$1: the stack is not executable" "GNU_STACK $stack"
	textrel=$(readelf -dW "$lib" | grep TEXTREL)
	[ -z "$textrel" ]
	result $? "$1: no text relocations" "$textrel"

	flags=$(readelf -dW "$lib" | awk '$2 == "(FLAGS_1)"')
	case $flags in *NODELETE*) true ;; *) false ;; esac
	result $? "$1: dlclose leaves it to threads that run in it" "$flags"

	strip --strip-unneeded -o "$work/stripped" "$lib"
	size=$(wc -c <"$work/stripped")
	[ "$size" -gt 0 ] && [ "$size" -lt "$3" ]
	result $? "$1: stripped it is smaller than $(($3 / 1024)) KB: $size bytes"
}

check libfstrm fstrm $((600 * 1024))
beside_reference

check libdnstap dnstap $((3000 * 1024))
for release in $RELEASES; do
	echo "@LIBDNSTAP_$release"
done >"$work/nodes"
others=$(grep -vF -f "$work/nodes" "$work/ours")
[ -s "$work/ours" ] && [ -z "$others" ]
result $? "libdnstap: all $(wc -l <"$work/ours") symbols are of the version of a release in c-tests/abi/" "$others"

# gcc writes down every function that it saw. One that is inline is a symbol too, for programs that do not compile it; but not
# dnstap_time_of(), whose argument is as wide as time_t in the program.
echo '#include <libdnstap.h>' >"$work/all.c"
$CC -std=c99 -I"$STAGE/include" -aux-info "$work/aux" -fsyntax-only "$work/all.c"
sed -nE 's|^/\*.*\*/ (extern\|static) .*[ *](dnstap_[a-z_0-9]+) \(.*\);.*|\2|p' "$work/aux" | grep -vx dnstap_time_of | LC_ALL=C sort -u >"$work/declared"
differ=$(diff "$work/declared" "$work/names")
[ -s "$work/declared" ] && [ -z "$differ" ]
result $? "libdnstap: all $(wc -l <"$work/declared") functions of the header are symbols, and no others" "\
src/libdnstap/libdnstap.map lists the symbols of the object. < header, > object:
$differ"

echo "end of symbols"
