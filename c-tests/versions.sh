# shellcheck shell=sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Versions and features of an installed libdnstap. Sourced after report.sh.

package_version() {
	sed -n 's/^version = "\(.*\)"$/\1/p' ../Cargo.toml
}

# check_version PREFIX FEATURES: all places have the version of the package, and these features, one or none.
check_version() {
	version=$(package_version)
	number=$(echo "$version" | awk -F . '{ printf "0x%02x%02x%02x", $1, $2, $3 }')
	flags=$(PKG_CONFIG_PATH=$1/lib/pkgconfig pkg-config --cflags --libs libdnstap)
	# shellcheck disable=SC2086,SC2154 # several flags; the folder that report.sh makes
	$CC -std=c99 -Wall -Wextra -Werror -D_XOPEN_SOURCE=700 -o "$work/version" version.c $flags \
		-Wl,-rpath,"$1/lib" >"$work/log" 2>&1 && "$work/version" >"$work/log" 2>&1
	compiled=$(cat "$work/log")
	described=$(PKG_CONFIG_PATH=$1/lib/pkgconfig pkg-config --modversion libdnstap)
	features=$(PKG_CONFIG_PATH=$1/lib/pkgconfig pkg-config --variable=features libdnstap)
	[ "$compiled" = "$version $number $version${2:+ $2}" ] && [ "$described" = "$version" ] && [ "$features" = "$2" ]
	result $? "header, library and pkg-config have version $version and features '$2'" \
		"a program prints '$compiled', pkg-config '$described' and '$features'"
}
