# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # read and set by ../build
# How ../build builds BIND 9: its releases, packages and options. `make install` installs to the folder "installed"; BIND's own
# tests run in the folder "source".

package=bind9 variants=(patched own stock)
declare -A origins=(
    [9.18]='9.18 bookworm'
    [9.20]='9.20 bookworm-backports'
    [9.20.4]='9.20.4 sid'
)
# fstrm_capture and pytest are for BIND's own tests; configure looks for them.
packages+=(fstrm-bin libcap-dev libcmocka-dev libjson-c-dev libnghttp2-dev libssl-dev liburcu-dev libuv1-dev perl python3-pytest)
[ "$variant" = patched ] || packages+=(libfstrm-dev libprotobuf-c-dev protobuf-c-compiler)
options=(--enable-dnstap --with-cmocka --with-json-c --disable-geoip --disable-static --without-gssapi --without-libidn2
    --without-libxml2 --without-lmdb --without-readline --without-jemalloc)

compile() {
    cd source || exit
    ./configure "${options[@]}" PYTHON=/usr/bin/python3 --prefix="$folder/installed" --sysconfdir="$folder/installed/etc"
    make -j"$(nproc)"
    make install
}
