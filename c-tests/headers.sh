#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2086 # several flags
# Compiles our headers: each alone and twice, as C and C++; every macro and inline function in every dialect, without a warning;
# and with every declaration and macro of the C library.
set -u
include=$STAGE/include
. ./report.sh

strict='-Werror -pedantic-errors -Wall -Wextra -Wmissing-field-initializers -Wcast-qual -Wconversion -Wsign-conversion'
strict_c="$strict -Wstrict-prototypes"
strict_cxx="$strict -Wold-style-cast -Wzero-as-null-pointer-constant"
headers="libdnstap.h fstrm.h $(cd "$include" && echo fstrm/*.h)"
for header in $headers; do
	library=libfstrm
	printf '#include <%s>\n' "$header" "$header" >"$work/alone.c"
	$CC -std=c99 $strict_c -I"$include" -c -o "$work/alone.o" "$work/alone.c" >"$work/log" 2>&1
	result $? "$header alone as C99"
	# Detects empty parentheses, names reserved in C++, and a missing extern "C".
	case $header in
	libdnstap.h) function=dnstap_encode library=libdnstap ;;
	fstrm.h|*/control.h) function=fstrm_control_init ;;
	*/rdwr.h) function=fstrm_rdwr_init ;;
	*/stats.h) function=fstrm_iothr_get_stats ;;
	*/res.h) function=fstrm_res_success ;; # declares no function
	*) function=fstrm_$(basename "$header" .h)_options_init ;;
	esac
	echo "#include <$header>
#include <$header>
int main() { volatile auto used = $function; static_cast<void>(used); }" >"$work/alone.cc"
	g++ -std=c++11 $strict_cxx -I"$include" -o "$work/alone" "$work/alone.cc" \
		"$STAGE/lib/$library.so" >"$work/log" 2>&1
	result $? "$header alone as C++11, linked"
done

# dialect NAME COMMAND: headers.c compiles without a warning, and its checks pass.
dialect() {
	name=$1
	shift
	# shellcheck disable=SC2046 # several
	"$@" -I"$include" -o "$work/headers" headers.c $(stage_flags libdnstap) >"$work/log" 2>&1 &&
		"$work/headers" >"$work/log" 2>&1
	result $? "all headers as $name, by $1"
}

while read -r c cxx; do
	if ! command -v "$c" >/dev/null || ! command -v "$cxx" >/dev/null; then
		echo "skip - headers by $c: it is not installed"
		continue
	fi
	for standard in c99 c11 c17 c2x; do
		# shellcheck disable=SC2086 # several
		dialect $standard "$c" -std=$standard $strict_c
	done
	for standard in c++11 c++14 c++17 c++20 c++2b; do
		# shellcheck disable=SC2086 # several
		dialect $standard "$cxx" -x c++ -std=$standard $strict_cxx
	done
done <<END
$CC g++
clang clang++
END
if command -v tcc >/dev/null; then
	for standard in c99 c11; do
		dialect $standard tcc -std=$standard -Wall -Werror
	done
else
	echo "skip - headers by tcc: it is not installed"
fi
# headers.c uses all initialisers, macros with arguments, and inline functions.
used=$(sed -nE 's/^#define ((DNSTAP|FSTRM)_[A-Z_]+_INIT|(DNSTAP|FSTRM)_[A-Z_]+\().*/\1/p
	s/^static inline .*[ *]([a-z_]+)\(.*/\1/p' "$include"/*.h "$include"/fstrm/*.h | tr -d '(' | sort -u)
missing=$(for name in $used; do
	grep -q "\b$name\b" headers.c || echo "$name"
done)
echo "not used in headers.c: $missing" >"$work/log"
[ -n "$used" ] && [ -z "$missing" ]
result $? "headers.c uses all $(echo "$used" | wc -l) initialisers, macros with arguments and inline functions"

if [ -n "$REFERENCE" ]; then
	reference=$(env -u PKG_CONFIG_PATH pkg-config --variable=includedir libfstrm)
	missing=$(cd "$reference" && for header in fstrm.h fstrm/*.h; do
		[ -f "$include/$header" ] || echo "$header"
	done)
	echo "missing: $missing" >"$work/log"
	[ -z "$missing" ]
	result $? "every header of Debian's is there"

	# gcc writes down every declaration it saw. No difference: a const on a value that is copied, and the tag of an enum.
	echo '#include <fstrm.h>' >"$work/all.c"
	for side in reference ours; do
		[ $side = ours ] && where=$include || where=$reference
		$CC -std=c99 -I"$where" -aux-info "$work/$side.aux" -fsyntax-only "$work/all.c" 2>"$work/log"
		sed -n 's|^/\*.*\*/ extern \(.*fstrm_.*;\).*|\1|p' "$work/$side.aux" | grep -v '__' |
			sed -E 's/enum (fstrm_)/\1/g; s/const (size_t|uint32_t) ?([,)])/\1\2/g' |
			LC_ALL=C sort -u >"$work/$side.functions"
		echo '#include <fstrm.h>' | $CC -std=c99 -I"$where" -dM -E - |
			awk '$2 ~ /^FSTRM_/ && NF > 2 { print $2 }' | LC_ALL=C sort >"$work/$side.macros"
	done
	LC_ALL=C comm -23 "$work/reference.functions" "$work/ours.functions" >"$work/log"
	[ -s "$work/reference.functions" ] && [ ! -s "$work/log" ]
	result $? "all $(wc -l <"$work/reference.functions") prototypes of Debian's, to the type"
	LC_ALL=C comm -23 "$work/reference.macros" "$work/ours.macros" >"$work/log"
	[ -s "$work/reference.macros" ] && [ ! -s "$work/log" ]
	result $? "all $(wc -l <"$work/reference.macros") macros of Debian's (their values: compare abi)"
else
	echo "skip - prototypes and macros: libfstrm-dev is not installed"
fi
echo "end of headers"
