#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Compares the ABI of both libraries with the committed descriptions, and that of libfstrm with Debian's: symbols and
# their versions, signatures, structs, enums, numbers of macros.
set -u
. ./report.sh
. ./abi/libraries.sh

# A library to show that each kind of change is seen: its header and its map.
toy_header() {
	cat <<-END
		#include <stdint.h>
		#define TOY_LIMIT 10
		typedef struct toy toy;
		typedef enum toy_color {
		  TOY_RED = 1,
		  TOY_BLUE = 2,
		} toy_color;
		typedef struct toy_point {
		  uint64_t size;
		  uint32_t color;
		  uint16_t x;
		  uint16_t y;
		} toy_point;
		toy *toy_new(unsigned int milliseconds);
		int toy_move(toy *toy, const struct toy_point *point);
		static inline int toy_enabled(const toy *toy) { return toy != 0; }
	END
}
toy_symbols='TOY_1 { toy_new; toy_move; }; TOY_2 { toy_enabled; };'

# toy DIRECTORY EDIT: describes the toy after an edit of its header and its map by sed.
toy() {
	mkdir -p "$work/$1"
	toy_header | sed "$2" >"$work/$1/toy.h"
	echo "$toy_symbols" | sed "$2" >"$work/$1/toy.map"
	for name in $(tr -s ' ;{}' '\n' <"$work/$1/toy.map" | grep '^toy_'); do
		echo "void $name(void) {}"
	done >"$work/$1/toy.c"
	$CC -shared -fPIC -Wl,-soname,libtoy.so.0 -Wl,--version-script="$work/$1/toy.map" -o "$work/$1/libtoy.so" \
		"$work/$1/toy.c" &&
		sh abi/describe.sh "$work/$1/libtoy.so" "$work/$1" toy.h >"$work/$1/toy.abi"
}

# sees CHANGE EDIT PATTERN: abidiff reports an edit of the toy with words that match the pattern.
sees() {
	if ! toy changed "$2" 2>"$work/log"; then
		result 1 "a change is seen: $1" "$(cat "$work/log")"
		return
	fi
	! report=$(abidiff --harmless "$work/toy/toy.abi" "$work/changed/toy.abi") && echo "$report" | grep -q "$3"
	result $? "a change is seen: $1" "no \"$3\" in: $report"
}

if ! command -v abidiff >/dev/null; then
	echo "skip - ABI: abigail-tools is not installed"
	echo "end of abi"
	exit
fi

toy toy ''
report=$(abidiff --harmless "$work/toy/toy.abi" "$work/toy/toy.abi" 2>&1)
result $? "a library is like its own description" "$report"
sees 'a symbol removed' '/toy_move(/d; s/toy_move;//' '\[D\].*toy_move'
sees 'a symbol added' \
	's/^int toy_move/int toy_stop(toy *toy);\n&/; s/toy_move;/& toy_stop;/' '\[A\].*toy_stop'
sees 'a symbol of another version' 's/TOY_2/TOY_3/' 'toy_enabled@@TOY_2'
sees 'a parameter of another type' 's/unsigned int/unsigned long/' \
	"type name changed from 'unsigned int' to 'unsigned long int'"
sees 'a parameter added' 's/unsigned int milliseconds/&, int flags/' 'parameter 2 of type .int. was added'
sees 'a result of another type' 's/^int toy_move/long toy_move/' 'return type changed'
sees 'an inline function changed' 's/inline int/inline char/' 'toy_enabled'
sees 'fields exchanged' 's/uint16_t x/uint16_t z/; s/uint16_t y/uint16_t x/; s/uint16_t z/uint16_t y/' \
	"'uint16_t x' offset changed from 96 to 112"
sees 'a field moved' 's/uint32_t color/uint32_t z; &/' 'color.*offset changed from 64 to 96'
sees 'a field widened' 's/uint16_t y/uint32_t y/' 'type size changed from 128 to 192'
sees 'a field of another type' 's/uint32_t color/int32_t color/' "type name changed"
sees 'a struct that grew' 's/uint16_t y;/& uint64_t z;/' "'uint64_t z', at offset 128"
sees 'an enumerator of another number' 's/TOY_BLUE = 2/TOY_BLUE = 3/' "TOY_BLUE' from value '2' to '3'"
sees 'an enumerator added' 's/TOY_BLUE = 2/TOY_BLUE = 2, TOY_GREEN = 3/' 'TOY_GREEN'
sees 'an enumerator removed' '/TOY_BLUE = 2/d' 'TOY_BLUE'
sees 'a macro of another number' 's/TOY_LIMIT 10/TOY_LIMIT 11/' "TOY_LIMIT' from value '10' to '11'"

for library in $LIBRARIES; do
	report=$(describe "$library" 2>&1 >"$work/$library.abi" &&
		abidiff --harmless "abi/$library.abi" "$work/$library.abi" 2>&1)
	result $? "$library has the ABI of c-tests/abi/$library.abi" "\
If this change is deliberate, run \`make abi\` and commit c-tests/abi/ with it. Programs compiled before must keep
running: add functions under a new version node, enumerators with new numbers, and fields at the end of a struct that
begins with its size. Undo anything else.
$report"
done

# Without --harmless: Debian's has const on parameters that are copied, and enums without a tag.
if [ -n "$REFERENCE" ]; then
	reference=$(env -u PKG_CONFIG_PATH pkg-config --variable=includedir libfstrm)
	object=$(env -u PKG_CONFIG_PATH pkg-config --variable=libdir libfstrm)/libfstrm.so.0
	# shellcheck disable=SC2046 # several
	report=$(sh abi/describe.sh "$object" "$reference" fstrm.h $(cd "$reference" && echo fstrm/*.h) 2>&1 \
		>"$work/reference.abi" &&
		abidiff --no-added-syms "$work/reference.abi" "$work/libfstrm.abi" 2>&1)
	result $? "libfstrm has the ABI of Debian's, with additions" "$report"
else
	echo "skip - ABI of Debian's libfstrm: libfstrm-dev is not installed"
fi
echo "end of abi"
