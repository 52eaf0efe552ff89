#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Cargo.toml has the version: the header, the libraries, their file names and pkg-config have the same.
set -u
. ./report.sh
. ./versions.sh

version=$(package_version)
for library in libfstrm libdnstap; do
	[ -f "$STAGE/lib/$library.so.$version" ]
	result $? "the file of $library has version $version" "no $library.so.$version"
done
check_version "$STAGE" tls
[ "$(sed -n 's/^DISTVERSION=\t//p' ../packaging/freebsd/Makefile)" = "$version" ]
result $? "the port for FreeBSD has version $version"
# Programs require a version of the C library.
described=$(pc --modversion libfstrm)
[ "$described" = 0.6.1 ]
result $? "pkg-config has version 0.6.1 of libfstrm, that of the library it replaces" "it has '$described'"
echo "end of version"
