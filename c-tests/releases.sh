#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Programs that were compiled with the header of a release run with this library, and callers may pass structs of
# the size of any version.
set -u
. ./report.sh
. ./cases.sh
. ./abi/libraries.sh

# functions HEADER: the name of each function and the types of its parameters, a line each.
functions() {
	$CC -std=c99 -I"$STAGE/include" -aux-info "$work/prototypes" -fsyntax-only "$1" &&
		sed -nE "s|^/\* $1:.*\*/ [^(]*\b([a-z_0-9]+) \((.*)\);.*|\1 \2|p" "$work/prototypes"
}

without_comments() {
	tr '\n' ' ' <"$1" | sed 's|/\*|\a|g; s|\*/|\a|g; s/\a[^\a]*\a//g'
}

# sized HEADER: the structs that begin with a size.
sized() {
	without_comments "$1" | grep -oE 'struct [a-z_0-9]+ \{ *size_t size;' | cut -d ' ' -f 2
}

# code HEADER: the header without its comments, and whatever way its lines are broken.
code() {
	$CC -fpreprocessed -dD -E -P "$1" | tr -s '[:space:]' ' ' | sed 's/[;,{}] /&\n/g'
}

# constants HEADER: the names of macros and enumerators, a line each.
constants() {
	without_comments "$1" | grep -oE '\b(LIB)?DNSTAP_[A-Z_0-9]+' | grep -vx LIBDNSTAP_H
}

# uses PROGRAM WHAT: the program has each name that begins a line of standard input, outside of comments and strings.
uses() {
	cut -d ' ' -f 1 | LC_ALL=C sort -u >"$work/names"
	without_comments "$1" | sed 's/"[^"]*"//g' >"$work/program"
	missing=$(while read -r name; do
		grep -qE "\b$name\b" "$work/program" || echo "$name"
	done <"$work/names")
	[ -s "$work/names" ] && [ -z "$missing" ]
	result $? "$1 uses all $(wc -l <"$work/names") $2" "add to it: $missing"
}

sized "$STAGE/include/libdnstap.h" >"$work/sized"
functions "$STAGE/include/libdnstap.h" | grep -wF -f "$work/sized" |
	uses dnstap/sizes.c "functions of libdnstap that take a struct with a size"
unnamed=$(grep -vxF "$(grep -oE 'SIZES\([a-z_]+' dnstap/sizes.c | cut -d '(' -f 2)" "$work/sized")
[ -s "$work/sized" ] && [ -z "$unnamed" ]
result $? "dnstap/sizes.c has the $(wc -l <"$work/sized") structs with a size" "add to it: $unnamed"

functions "$STAGE/include/libdnstap.h" | grep -E '\bdnstap_[a-z_]+ \*' |
	uses dnstap/calls.c "functions of libdnstap that take a handle or a struct, for its tests of NULL"

sized "$STAGE/include/fstrm/stats.h" >"$work/sized"
functions "$STAGE/include/fstrm/stats.h" | grep -wF -f "$work/sized" |
	uses additions/stats.c "functions of libfstrm that take a struct with a size"

for release in $RELEASES; do
	header=abi/$release/libdnstap.h
	if unreleased "$release"; then
		code "$header" >"$work/copy.h"
		code "$STAGE/include/libdnstap.h" >"$work/header.h"
		report=$(diff "$work/copy.h" "$work/header.h")
		result $? "$header is the header that will be released, but for comments" "Run \`make abi\` and commit it:
$report"
	fi
	functions "$header" | uses "abi/$release/program.c" "functions of its release"
	constants "$header" | uses "abi/$release/program.c" "macros and enumerators of its release"
	program=$BUILD/abi/$release/program
	if is_staged "the program of $release" "$program" libdnstap; then
		run 150 "the program of $release" "$program" ours
	fi
done
echo "end of releases"
