# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # read and set by ../build
# How ../build builds Unbound: its releases, packages and options. The programs are in the folder of the build, where Unbound's
# own tests expect them.

package=unbound variants=(patched nothreads own stock without)
# Suites no longer list the sources of 1.22 and 1.26.1, but the archive's pool still has them.
declare -A origins=(
    [1.17]='1.17 bookworm'
    [1.22]='1.22.0 sha256:c5dd1bdef5d5685b2cedb749158dd152c52d44f65529a34ac15cd88d4b1b3d43'
    [1.23]='1.23 sid'
    [1.26]='1.26.1 sha256:35a6dc0e425a9282c3426d9a3043144011bf0534aed4b73ab62c52aee0af1503'
)
# protobuf-c is for the unmodified server, and for the test program unbound-dnstap-socket.
packages+=(bison flex libevent-dev libexpat1-dev libnghttp2-dev libprotobuf-c-dev libsodium-dev libssl-dev protobuf-c-compiler)
options=(--enable-dnscrypt --with-libevent --with-libnghttp2 --without-pythonmodule --without-pyunbound --disable-flto)
case $variant in
    without) ;;
    nothreads) options+=(--enable-dnstap --without-pthreads --without-solaris-threads) ;;
    *) options+=(--enable-dnstap) ;;
esac

compile() {
    source/configure "${options[@]}"
    make -j"$(nproc)" unbound unbound-checkconf unbound-control unbound-host
}
