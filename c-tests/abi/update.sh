#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Updates the descriptions of the ABI to that of the installed libraries, and the header of a release that is still to
# come. Called by `make abi`.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=c-tests/abi/libraries.sh
. ./abi/libraries.sh

for library in $LIBRARIES; do
	describe "$library" >"abi/$library.new"
	# Versions of abidw differ in how they write the same ABI: without a change, the text stays.
	if abidiff --harmless "abi/$library.abi" "abi/$library.new"; then
		rm "abi/$library.new"
	else
		mv "abi/$library.new" "abi/$library.abi"
	fi
done

for release in abi/[0-9]*; do
	if unreleased "$(basename "$release")"; then
		cp "$STAGE/include/libdnstap.h" "$release"
	fi
done
