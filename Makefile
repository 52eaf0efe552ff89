# SPDX-License-Identifier: MIT OR Apache-2.0
# make             build the libraries and the tools
# make install     install what is built below DESTDIR PREFIX; needs no compiler of Rust
# make demo        Debian's Knot on our library, captured and printed
# make test        everything that proves them; what it needs is installed by `make deps`
# make check-unbound  Debian's Unbound with the series of patches/unbound, built and tested
# make test-fresh  `make demo` and `make test` on minimal systems of Debian 12 and 13; needs root
# make headers     write include/ anew with cbindgen
# make abi         update the descriptions of the ABI (c-tests/abi), after a deliberate change of it
# make check-knot  Debian's Knot, of bookworm and of sid, with the series of patches/knot, the same
# make check-bind  Debian's BIND, of bookworm and of its backports, the same
# make bench       bench-micro, bench-tools, bench-servers, bench-unbound, bench-bind, bench-knot. With QUICK=1 ten minutes
# make bench-micro    logging and sending, beside Debian's libfstrm and protobuf-c
# make bench-servers  load in steps against Unbound, BIND and Knot, for each way of logging
# make bench-tools    dnstap beside other readers and receivers
# make bench-unbound bench-bind bench-knot   what dnstap costs each of them at full load, and what it loses
# make bench-check fail if what servers call takes more instructions than is committed

PREFIX     = /usr/local
LIBDIR     = $(PREFIX)/lib
INCLUDEDIR = $(PREFIX)/include
BINDIR     = $(PREFIX)/bin
MANDIR     = $(PREFIX)/share/man
# Suppressions for tools that look for races.
DATADIR    = $(PREFIX)/share/libdnstap
CARGO      = cargo

TARGET  = $(CURDIR)/target
RELEASE = $(TARGET)/release
STAGE   = $(TARGET)/stage

LIBRARIES  = libfstrm libdnstap
SO_VERSION = 0
# The version of everything: Cargo.toml has it, and the header is made with it.
VERSION   := $(shell sed -n 's/^version = "\(.*\)"$$/\1/p' Cargo.toml)
TOOLS      = dnstap fstrm_capture fstrm_dump fstrm_replay

# As cargo names them: a crate of the name dnstap is there already.
libfstrm_ARCHIVE  = libfstrm.a
libdnstap_ARCHIVE = liblibdnstap.a

# `make TLS=no` builds a libdnstap without TLS outputs, a third as large.
TLS = yes
libdnstap_FEATURES = $(if $(filter yes,$(TLS)),tls)

export CARGO_TARGET_DIR = $(TARGET)

.PHONY: all library $(LIBRARIES) tools install install-library $(LIBRARIES:%=install-%) \
    install-tools stage deps demo test test-fresh headers abi bench bench-check \
    plots bench-micro bench-tools bench-builds bench-servers bench-unbound bench-bind bench-knot \
    check-source check-unbound check-knot check-bind clean

all: library tools

library: $(LIBRARIES)

# A static library of Rust is relinked by the C compiler: only this way does the version script say
# what is exported, and is what it names but the library lacks an error.
# A plug-in that is unloaded must not take the code away from a thread that still runs: nodelete.
$(LIBRARIES):
	$(CARGO) rustc --release --locked -p $@ --lib --no-default-features --features '$($@_FEATURES)' \
	    --crate-type staticlib -- --print native-static-libs=$(RELEASE)/$@.libs
	echo $($@_FEATURES) > $(RELEASE)/$@.features
	$(CC) -shared -o $(RELEASE)/$@.so.$(VERSION) -Wl,-soname,$@.so.$(SO_VERSION) \
	    -Wl,--version-script=src/$@/$@.map -Wl,--no-undefined-version \
	    -Wl,--whole-archive $(RELEASE)/$($@_ARCHIVE) -Wl,--no-whole-archive \
	    -Wl,--gc-sections -Wl,-z,defs -Wl,-z,now -Wl,-z,relro -Wl,-z,nodelete -Wl,--as-needed \
	    $$(cat $(RELEASE)/$@.libs) $(LDFLAGS)

tools:
	$(CARGO) build --release --locked -p tools

install: install-library install-tools

install-library: $(LIBRARIES:%=install-%)
	install -d $(DESTDIR)$(INCLUDEDIR)/fstrm
	install -m 644 include/fstrm.h include/libdnstap.h $(DESTDIR)$(INCLUDEDIR)
	install -m 644 include/fstrm/*.h $(DESTDIR)$(INCLUDEDIR)/fstrm
	install -d $(DESTDIR)$(DATADIR)
	install -m 644 src/libdnstap/suppressions/*.supp $(DESTDIR)$(DATADIR)

# The unwinder of a static library has to be the static one, or `cc -static` finds none.
$(LIBRARIES:%=install-%): install-%:
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig
	install -m 644 $(RELEASE)/$*.so.$(VERSION) $(DESTDIR)$(LIBDIR)
	install -m 644 $(RELEASE)/$($*_ARCHIVE) $(DESTDIR)$(LIBDIR)/$*.a
	strip --strip-unneeded $(DESTDIR)$(LIBDIR)/$*.so.$(VERSION)
	ln -sf $*.so.$(VERSION) $(DESTDIR)$(LIBDIR)/$*.so.$(SO_VERSION)
	ln -sf $*.so.$(VERSION) $(DESTDIR)$(LIBDIR)/$*.so
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' \
	    -e 's|@VERSION@|$(VERSION)|' -e "s|@FEATURES@|$$(cat $(RELEASE)/$*.features)|" \
	    -e "s|@LIBS_PRIVATE@|$$(sed s/-lgcc_s/-lgcc_eh/ $(RELEASE)/$*.libs)|" \
	    src/$*/$*.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/$*.pc

install-tools:
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1
	install $(TOOLS:%=$(RELEASE)/%) $(DESTDIR)$(BINDIR)
	install -m 644 $(TOOLS:%=src/tools/man/%.1) $(DESTDIR)$(MANDIR)/man1

# What the tests, the demo and the benchmarks run on: an installed tree.
stage: all
	$(MAKE) install DESTDIR= PREFIX=$(STAGE)

# Debian packages: compilers, the C library that ours is compared with, servers, readers, valgrind.
PACKAGES = abigail-tools binutils gcc g++ libc6-dev make pkg-config libfstrm-dev fstrm-bin knot \
    knot-module-dnstap knot-dnsutils bind9 bind9-utils golang-github-dnstap-golang-dnstap-cli dnstap-ldns dnsperf \
    libprotobuf-c-dev openssl protobuf-c-compiler stunnel4 strace time valgrind python3 systemd \
    tshark tzdata unbound util-linux
DEMO_PACKAGES = binutils gcc libc6-dev knot knot-module-dnstap knot-dnsutils \
    golang-github-dnstap-golang-dnstap-cli

deps: $(TARGET)/python/duckdb
	.ci/install $(PACKAGES)

# A reader of Parquet that is not ours; Debian has none.
$(TARGET)/python/duckdb:
	.ci/install python3 python3-venv
	/usr/bin/python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check duckdb
	touch $@

demo:
	.ci/install $(DEMO_PACKAGES)
	$(MAKE) stage
	STAGE=$(STAGE) docs/demo.sh

# From the inside to the outside: the crates, the queues under loom, the C interface beside Debian's
# library, Debian's servers on ours.
test: deps stage
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) test --locked --workspace
	RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=$(TARGET)/loom \
	    $(CARGO) test --locked --release -p framestream --lib queue
	RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=$(TARGET)/loom \
	    $(CARGO) test --locked --release -p dnstap --lib ring
	$(MAKE) -C c-tests check STAGE=$(STAGE) BUILD=$(TARGET)/c-tests
	$(MAKE) -C c-tests valgrind STAGE=$(STAGE) BUILD=$(TARGET)/c-tests
	STAGE=$(STAGE) $(CARGO) test --locked -p libfstrm --test servers -- --ignored --test-threads=8
	$(MAKE) check-source
	$(MAKE) check-unbound
	$(MAKE) check-knot
	$(MAKE) check-bind
	$(MAKE) bench-check

# The same on machines that have nothing, of each Debian that is supported.
test-fresh:
	.ci/fresh bookworm
	.ci/fresh trixie

headers:
	UPDATE_HEADERS=1 $(CARGO) test -q -p ffi --test headers

abi: library
	.ci/install abigail-tools binutils gcc libc6-dev
	$(MAKE) install-library DESTDIR= PREFIX=$(STAGE)
	STAGE=$(STAGE) CC=$(CC) c-tests/abi/update.sh

bench: bench-micro bench-tools bench-servers bench-unbound bench-bind bench-knot

bench-micro: deps stage
	STAGE=$(STAGE) bench/counts
	STAGE=$(STAGE) bench/log
	STAGE=$(STAGE) bench/micro
	STAGE=$(STAGE) bench/copy_or_hand_over
	$(MAKE) plots

# What bench/results has, drawn into docs/plots.
plots:
	.ci/install gnuplot-nox fonts-dejavu-core
	bench/plot

# The name servers as they come and with our series.
bench-builds: deps stage
	for variant in patched stock without; do \
	    STAGE=$(STAGE) BUILD=$(TARGET)/unbound patches/unbound/build $$variant || exit 1; \
	done
	for variant in patched stock; do \
	    STAGE=$(STAGE) BUILD=$(TARGET)/bind patches/bind/build 9.18 $$variant || exit 1; \
	done
	for variant in patched stock; do \
	    STAGE=$(STAGE) BUILD=$(TARGET)/knot patches/knot/build 3.2 $$variant || exit 1; \
	done

bench-servers: bench-builds
	STAGE=$(STAGE) BUILD=$(TARGET) bench/servers
	$(MAKE) plots

bench-unbound bench-bind bench-knot: bench-%: bench-builds
	STAGE=$(STAGE) BUILD=$(TARGET) bench/cost $*
	$(if $(filter unbound,$*),STAGE=$(STAGE) BUILD=$(TARGET) bench/off)

# How Debian's sources of the servers are found and unpacked.
check-source:
	.ci/install dpkg-dev openssl python3
	patches/test/source

# Debian's Unbound with our series, built below target/unbound, from end to end.
CHECK_UNBOUND_PACKAGES = dnsperf dnstap-ldns fstrm-bin golang-github-dnstap-golang-dnstap-cli knot \
    knot-dnsutils openssl python3 python3-nacl tshark valgrind
check-unbound: stage
	.ci/install $(CHECK_UNBOUND_PACKAGES)
	STAGE=$(STAGE) BUILD=$(TARGET)/unbound patches/unbound/build
	BUILD=$(TARGET)/unbound patches/unbound/test/run
	BUILD=$(TARGET)/unbound patches/unbound/test/own

CHECK_KNOT_PACKAGES = bind9 dnsperf fstrm-bin golang-github-dnstap-golang-dnstap-cli knot \
    knot-dnsutils openssl python3 tshark valgrind
check-knot: stage
	.ci/install $(CHECK_KNOT_PACKAGES)
	for release in 3.2 3.5; do \
	    STAGE=$(STAGE) BUILD=$(TARGET)/knot patches/knot/build $$release && \
	    BUILD=$(TARGET)/knot patches/knot/test/run $$release || exit 1; \
	done

CHECK_BIND_PACKAGES = dnsperf dnstap-ldns fstrm-bin golang-github-dnstap-golang-dnstap-cli \
    hostname knot openssl python3 strace tshark valgrind
check-bind: stage
	.ci/install $(CHECK_BIND_PACKAGES)
	for release in 9.18 9.20; do \
	    STAGE=$(STAGE) BUILD=$(TARGET)/bind patches/bind/build $$release && \
	    BUILD=$(TARGET)/bind patches/bind/test/run $$release && \
	    BUILD=$(TARGET)/bind patches/bind/test/own $$release || exit 1; \
	done

bench-tools: deps stage
	STAGE=$(STAGE) bench/tools
	bench/printing

# Instructions of what servers call, against the committed ones; and the figures of documents, against the results.
bench-check: deps stage
	STAGE=$(STAGE) bench/check
	bench/report --check

clean:
	$(CARGO) clean
