#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Cargo.toml has the version: the header, the libraries, their file names and pkg-config have the same.
set -u
. ./versions.sh
work=$(mktemp -d)

version=$(package_version)
for library in libfstrm libdnstap; do
	if [ -f "$STAGE/lib/$library.so.$version" ]; then
		echo "ok - the file of $library has version $version"
	else
		echo "not ok - there is no $library.so.$version"
	fi
done
check_version "$STAGE" tls
# Programs ask for a version of the C library.
described=$(PKG_CONFIG_PATH=$STAGE/lib/pkgconfig pkg-config --modversion libfstrm)
if [ "$described" = 0.6.1 ]; then
	echo "ok - pkg-config has version 0.6.1 of libfstrm, that of the library it replaces"
else
	echo "not ok - pkg-config has version '$described' of libfstrm, not 0.6.1"
fi
rm -rf "$work"
echo "end of version"
