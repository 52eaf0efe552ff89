# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # read and set by ../build
# How ../build builds Knot DNS: its releases, packages and options. `make install` installs to the folder "installed".

package=knot variants=(patched own stock)
# No suite has 3.2.13 and 3.3: SOURCE has to name a folder, with a configure that is made for it.
declare -A origins=(
    [3.2]='3.2 bookworm'
    [3.2.13]='3.2.13 bookworm'
    [3.3]='3.3 sid'
    [3.4]='3.4 trixie'
    [3.5]='3.5 sid'
)
packages+=(libbpf-dev libcap-ng-dev libedit-dev libgnutls28-dev libidn2-dev liblmdb-dev libmnl-dev libnghttp2-dev liburcu-dev
    libxdp-dev)
[ "$variant" = patched ] || packages+=(libfstrm-dev libprotobuf-c-dev protobuf-c-compiler)
options=(--enable-dnstap --with-module-dnstap=shared --disable-documentation --disable-fastparser --disable-maxminddb
    --disable-static --disable-systemd --enable-xdp)
case $release in
    3.2* | 3.3) options+=(--disable-quic) ;;
    *) options+=(--enable-quic=embedded --disable-redis --disable-dbus) ;;
esac

compile() {
    cd source || exit
    ./configure "${options[@]}" --prefix="$folder/installed" --with-moduledir="$folder/installed/lib/knot/modules"
    make -j"$(nproc)"
    make install
}
