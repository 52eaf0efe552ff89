#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2046 # several flags
# With the installed suppressions, race detectors report races of a program, and nothing about libdnstap.
set -u
. ./report.sh
suppressions=$STAGE/share/libdnstap

# build NAME FLAGS
build() {
	name=$1
	shift
	$CC -std=c99 -Wall -Wextra -Werror -O1 -g -pthread -D_XOPEN_SOURCE=700 "$@" -o "$work/$name" race_detectors.c \
		$(stage_flags libdnstap) >"$work/log" 2>&1
}

# The status is 9 if the tool reports a race.
with_valgrind() {
	tool=$1
	shift
	(cd "$work" && timeout -k 5 120 valgrind -q --tool="$tool" --fair-sched=yes --error-exitcode=9 "$@") >"$work/log" 2>&1
}

# ThreadSanitizer does not know every layout of the address space that Linux may choose.
fixed=
! setarch "$(uname -m)" -R true 2>/dev/null || fixed="setarch $(uname -m) -R"
with_tsan() {
	options="exitcode=9 $1"
	shift
	# shellcheck disable=SC2086 # a command, or none
	(cd "$work" && TSAN_OPTIONS=$options timeout -k 5 120 $fixed "$@") >"$work/log" 2>&1
}

# expect STATUS NAME: the status of the last command.
expect() {
	status=$?
	[ $status -eq "$1" ]
	result $? "$2" "status $status, not $1
$(cat "$work/log")"
}

build plain
expect 0 "race_detectors.c is compiled"
for tool in helgrind drd; do
	with_valgrind "$tool" --suppressions="$suppressions/valgrind.supp" ./plain
	expect 0 "$tool reports nothing about libdnstap"
	with_valgrind "$tool" --suppressions="$suppressions/valgrind.supp" ./plain race
	expect 9 "$tool reports a race of the program"
	with_valgrind "$tool" ./plain
	expect 9 "$tool needs the suppressions"
done
build tsan -fsanitize=thread
expect 0 "race_detectors.c is compiled for ThreadSanitizer"
with_tsan "suppressions=$suppressions/tsan.supp" ./tsan
expect 0 "ThreadSanitizer reports nothing about libdnstap"
with_tsan "suppressions=$suppressions/tsan.supp" ./tsan race
expect 9 "ThreadSanitizer reports a race of the program"
with_tsan "" ./tsan
expect 9 "ThreadSanitizer needs the suppressions"
echo "end of race_detectors"
