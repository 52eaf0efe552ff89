# shellcheck shell=sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# The libraries with a description, and the headers of each. Sourced by the scripts that make one.

# shellcheck disable=SC2034 # for those scripts
LIBRARIES='libfstrm libdnstap'

# describe LIBRARY: as it is installed.
describe() {
	case $1 in
	libdnstap) headers=libdnstap.h ;;
	libfstrm) headers=$(cd "$STAGE/include" && echo fstrm.h fstrm/*.h) ;;
	esac
	# shellcheck disable=SC2086 # several
	sh abi/describe.sh "$STAGE/lib/$1.so.0" "$STAGE/include" $headers
}

# unreleased RELEASE: whether the changelog says so of a release, by its first two numbers.
unreleased() {
	grep -q "^## $1\.0 - unreleased" ../CHANGELOG.md
}
