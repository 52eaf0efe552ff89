#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Describes the ABI of an installed library, as XML for abidiff:
#
#     describe.sh OBJECT INCLUDE HEADER... > LIBRARY.abi
#
# The headers are those in the directory INCLUDE that declare what OBJECT exports.
#
# An installed object is stripped, and the debug information of Rust describes the types of Rust. So this makes a twin of
# the object with a C compiler: an empty function for each prototype of the headers, exported under the version that the
# object has for it. The twin has further functions, in a version node TYPES: one for each enum, struct and union of the
# headers, because enums cross this ABI as integers and would be missing otherwise, and one for the numbers of macros.
set -eu
object=$1 include=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc="${CC:-cc} -std=gnu11 -D_GNU_SOURCE -I$include"

nm -D --defined-only --with-symbol-versions "$object" | awk '$2 == "T" { sub("@+", " ", $3); print $3 }' >"$work/symbols"
# An inline function of the headers makes room for the exported one of its name.
inline=$(cd "$include" && sed -nE 's/^static inline [^(]*\b([a-z_0-9]+)\(.*/\1/p' "$@" | while read -r name; do
	grep -o "^$name " "$work/symbols" || :
done)

{
	for name in $inline; do
		echo "#define $name inline_$name"
	done
	# Debian's <fstrm.h> has a macro that is IOV_MAX.
	for header in limits.h "$@"; do
		echo "#include <$header>"
	done
	for name in $inline; do
		echo "#undef $name"
	done
} >"$work/headers.c"
$cc -aux-info "$work/prototypes" -fsyntax-only "$work/headers.c"

{
	cat "$work/headers.c"
	for header; do
		# Without names of parameters, which are not part of an ABI.
		sed -nE "s|^/\* $include/$header:.*\*/ extern (.*);.*|\1 {}|p
			s|^/\* $include/$header:.*\*/ static (.*)\binline_([a-z_0-9]+ .*); /\*.*|\1\2 {}|p" "$work/prototypes"
	done
	(cd "$include" && sed -nE 's/^(typedef )?((enum|struct|union) [a-z_0-9]+) ?\{?$/\2/p' "$@") | LC_ALL=C sort -u |
		while read -r kind name; do
			echo "void ${kind}_$name($kind $name *) {}"
		done
	# Only numbers, and not the version, which is another one in each release.
	(cd "$include" && sed -nE 's/^# *define[[:space:]]+([A-Z_0-9]+)[[:space:]].*/#define \1 /p' "$@") >"$work/macros"
	echo 'enum macros {'
	$cc -E -dM "$work/headers.c" | grep -F -f "$work/macros" |
		sed -nE '/VERSION|["{]/d; s/^#define ([A-Z_0-9]+) +[^ ].*/\tvalue_of_\1 = \1,/p' | LC_ALL=C sort
	echo '}; void numbers_of_macros(enum macros *) {}'
} >"$work/twin.c"

{
	cat "$work/symbols"
	sed -nE 's/^void ((enum|struct|union)_[a-z_0-9]+)\(.*/\1 TYPES/p' "$work/twin.c"
	echo numbers_of_macros TYPES
} | LC_ALL=C sort -k 2,2 -k 1,1 | awk '
	$2 != node { if (node) print "};"; node = $2; print node " { global:" }
	{ print "\t" $1 ";" }
	END { print "local: *; };" }' >"$work/twin.map"

soname=$(objdump -p "$object" | awk '$1 == "SONAME" { print $2 }')
$cc -g -fdebug-prefix-map="$work/=" -w -shared -fPIC -Wl,-soname,"$soname" -Wl,--version-script="$work/twin.map" \
	-Wl,--no-undefined-version -o "$work/$soname" "$work/twin.c"
# Without anything of this machine. Comments say in C what the next element is; those that repeat it are left out.
abidw --annotate --type-id-style hash --no-architecture --no-comp-dir-path --no-corpus-path --no-elf-needed \
	--no-parameter-names --no-show-locs "$work/$soname" >"$work/description"
sed '/<!-- parameter of type/d; /<elf-function-symbols>/,/<\/elf-function-symbols>/{ /<!--/d; }' "$work/description"
