#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Makes the manual pages of libdnstap from the installed header: each function, struct and enumeration has one, without faults.
set -u
. ./report.sh

packaging=../packaging
$packaging/manuals "$STAGE/include/libdnstap.h" 1.2.3 "$work/manuals" >"$work/log" 2>&1
result $? "manual pages are made from libdnstap.h"

sed -n 's/^[ \t]*\(dnstap_[a-z_0-9]*\);$/\1/p' ../src/libdnstap/libdnstap.map >"$work/names"
sed -nE 's/^typedef (struct|union|enum) (dnstap_[a-z_0-9]*) \{$/\2/p' "$STAGE/include/libdnstap.h" >>"$work/names"
missing=$(while read -r name; do [ -s "$work/manuals/man3/$name.3" ] || echo "$name"; done <"$work/names")
[ "$(wc -l <"$work/names")" -gt 70 ] && [ -z "$missing" ]
result $? "each function and type has a manual page" "missing: $missing"

mandoc -Tlint -W error "$work"/manuals/man*/* ../src/tools/man/*.1 >"$work/log" 2>&1
result $? "mandoc finds no error in manual pages"

# What the header says is on the page: a paragraph, a parameter, a result with its text, and code with its lines.
mandoc -Tascii -O width=400 "$work/manuals/man3/dnstap_log.3" | col -bx >"$work/page"
mandoc -Tascii -O width=400 "$work/manuals/man7/libdnstap.7" | col -bx >"$work/introduction"
grep -q 'dnstap_log - logs a message$' "$work/page" &&
	grep -q '^ *const struct dnstap_message \*message);$' "$work/page" &&
	grep -q 'The message; neither it nor the data it points to is used after the call\.$' "$work/page" &&
	grep -q 'Dropped: a field has a length, but its data is NULL\. Not counted: queue or message is NULL\.$' "$work/page" &&
	grep -q '^ *fprintf(stderr, "dnstap: %s\\n", dnstap_options_get_error(options));$' "$work/introduction"
result $? "pages have the text of the header" "$(cat "$work/page")"
echo "end of manuals"
