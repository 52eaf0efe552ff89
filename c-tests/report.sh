# shellcheck shell=sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Results, as lines that check.sh counts. Sourced by the scripts; $work is a directory for them that is removed at the end.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# result STATUS NAME [REASON]: NAME has passed if the status is 0. If not, prints the reason, by default $work/log if there is one.
result() {
	if [ "$1" -eq 0 ]; then
		echo "ok - $2"
		return
	fi
	echo "not ok - $2"
	if [ $# -gt 2 ]; then
		echo "$3"
	elif [ -e "$work/log" ]; then
		cat "$work/log"
	fi | head -n 80 | sed 's/^/#   /'
}

# pc ARGUMENTS: pkg-config for the stage.
pc() {
	PKG_CONFIG_PATH=$STAGE/lib/pkgconfig pkg-config "$@"
}

# stage_flags LIBRARY...: compiles and runs a program with libraries of the stage.
stage_flags() {
	pc --cflags --libs "$@" && echo "-Wl,-rpath,$STAGE/lib"
}
