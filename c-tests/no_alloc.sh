#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# A thread that logs makes no system call, except to wake the writer thread.
set -u
work=$(mktemp -d)
cd "$work" || exit 1

if ! command -v strace >/dev/null; then
	echo "not ok - no_alloc: strace is not installed"
elif ! strace -o probe true 2>log; then
	echo "skip - system calls of a thread that logs: $(tail -n 1 log)"
elif ! timeout -k 5 120 strace -f -o trace "$BUILD/dnstap/no_alloc" ours >out 2>&1 </dev/null; then
	echo "not ok - no_alloc fails under strace"
	sed 's/^/#   /' out
else
	# Counts the calls of each thread between the marks. Before a byte is sent to the thread, the descriptor is
	# checked: the host may have closed it, and reused its number.
	awk '
		/"begin logging"/ { logs[$1] = 1; if (!seen[$1]++) threads++ }
		/"end logging"/ { logs[$1] = 0 }
		logs[$1] && !/"begin logging"/ && !/resumed>/ {
			if ($0 ~ /^[0-9]+ +sendto\([0-9]+, "\\0", 1, MSG_NOSIGNAL/) wakes[$1]++
			else if ($0 ~ /^[0-9]+ +(new)?fstat(at)?\(/) checks[$1]++
			else if (++others <= 10) print "#   " $0
		}
		END {
			for (thread in wakes) if (wakes[thread] > most) most = wakes[thread]
			for (thread in checks) if (checks[thread] > wakes[thread]) others++
			print threads + 0, most + 0, others + 0
		}' trace >calls
	grep '^#' calls
	read -r threads most others <<-END
		$(grep -v '^#' calls)
	END
	name="12 threads that log 100,000 messages each wake the writer thread 1,000 times at most, and make no other system call"
	if [ "$threads" -eq 12 ] && [ "$others" -eq 0 ] && [ "$most" -gt 0 ] && [ "$most" -le 1000 ]; then
		echo "ok - $name"
	else
		echo "not ok - $name: $threads threads, at most $most times, $others other system calls"
	fi
fi
rm -rf "$work"
echo "end of no_alloc"
