# SPDX-License-Identifier: MIT OR Apache-2.0
# The targets are listed by `make help`, from the comments "##" after them.

PREFIX     = /usr/local
LIBDIR     = $(PREFIX)/lib
INCLUDEDIR = $(PREFIX)/include
BINDIR     = $(PREFIX)/bin
MANDIR     = $(PREFIX)/share/man
# Suppressions for race detectors.
DATADIR    = $(PREFIX)/share/libdnstap
CARGO      = cargo

# `make CARGO_BUILD_TARGET=i686-unknown-linux-gnu CC=i686-linux-gnu-gcc` builds for another system. The other tools are those of the
# compiler, unless they are given.
ifneq ($(CARGO_BUILD_TARGET),)
export CARGO_BUILD_TARGET
# Cargo links with it and, as `make` passes it on, compiles C. Rust takes neither options nor a launcher such as ccache.
export CC
export CARGO_TARGET_$(shell echo $(CARGO_BUILD_TARGET) | tr a-z- A-Z_)_LINKER ?= $(lastword $(filter-out -%,$(CC)))
endif
ifeq ($(origin AR),default)
AR = $(shell $(CC) -print-prog-name=ar)
endif
STRIP   ?= $(shell $(CC) -print-prog-name=strip)
OBJCOPY ?= $(shell $(CC) -print-prog-name=objcopy)
READELF ?= $(shell $(CC) -print-prog-name=readelf)

TARGET  = $(CURDIR)/target
# Beside target/release for the system that builds, target/TRIPLE/release for others, as cargo has it.
OUTPUT  = $(TARGET)$(CARGO_BUILD_TARGET:%=/%)
RELEASE = $(OUTPUT)/release
STAGE   = $(OUTPUT)/stage

LIBRARIES  = libfstrm libdnstap
SO_VERSION = 0
# The version of everything is that in Cargo.toml, from which the header is made, too.
VERSION   := $(shell sed -n 's/^version = "\(.*\)"$$/\1/p' Cargo.toml)
TOOLS      = dnstap fstrm_capture fstrm_dump fstrm_replay

# Packages of cargo, and the archives that it makes of them: libdnstap is the package of the crate dnstap.
libfstrm_PACKAGE  = libfstrm
libdnstap_PACKAGE = libdnstap-c
libfstrm_ARCHIVE  = libfstrm.a
libdnstap_ARCHIVE = liblibdnstap.a

# `make TLS=no` builds a libdnstap without TLS outputs, a third as large.
TLS = yes
libdnstap_FEATURES = $(if $(filter yes,$(TLS)),tls)

# `make PARQUET=no` builds a `dnstap` without the format Parquet, which needs Rust 1.88.
PARQUET = yes
tools_FEATURES = $(if $(filter yes,$(PARQUET)),parquet)

# The builder's folders have the same names in all builds, so that these are the same. Of two that contain a path, the last counts.
RUSTC      ?= rustc
CARGO_HOME ?= $(HOME)/.cargo
FOLDERS = $(CURDIR)=/usr/src/libdnstap-$(VERSION) \
    $(addsuffix =/usr/src/crates,$(CARGO_HOME)/registry/src $(shell ls -d $(CARGO_HOME)/registry/src/* 2>/dev/null)) \
    $(shell $(RUSTC) --print sysroot)/lib/rustlib/src/rust=/rustc/$(shell $(RUSTC) -vV | sed -n 's/commit-hash: //p')
RUST_FOLDERS = $(FOLDERS:%=--remap-path-prefix=%)
comma = ,
# Cargo takes flags from the first of these places that is set, so they are added there, or to those of the files. The separator of
# encoded flags is the byte 0x1f.
ifneq ($(CARGO_ENCODED_RUSTFLAGS),)
with_folders = CARGO_ENCODED_RUSTFLAGS="$$(printf '%s\037' $(RUST_FOLDERS))$$CARGO_ENCODED_RUSTFLAGS" $(CARGO)
else ifneq ($(origin RUSTFLAGS),undefined)
with_folders = RUSTFLAGS="$(RUST_FOLDERS) $(RUSTFLAGS)" $(CARGO)
else
with_folders = $(CARGO) --config 'build.rustflags=[$(RUST_FOLDERS:%="%"$(comma))]'
endif
CARGO_BUILD = CFLAGS="$(CFLAGS) $(FOLDERS:%=-ffile-prefix-map=%)" $(with_folders)

export CARGO_TARGET_DIR = $(TARGET)

.PHONY: all help library $(LIBRARIES) tools install install-library $(LIBRARIES:%=install-%) \
    install-tools uninstall manuals install-manuals install-completions deb rpm test-packages stage deps packages demo check test test-all test-fresh format lint units crates fuzz-targets loom minimum-rust \
    dist test-dist release-check release-version release-crates advisories semver abi-since-release \
    cross-i686 cross-aarch64 cross-armhf cross-s390x check-platforms c-tests c-tests-valgrind \
    fetch-crates reproducible unmodified-servers headers abi bench bench-check plots bench-micro bench-tools bench-unmodified bench-builds bench-servers \
    bench-unbound bench-bind bench-knot bench-per-query check-source check-unbound check-knot check-bind check-unbound-variants clean

all: library tools ## build the libraries and the tools

help: ## this list
	@sed -nE 's/^([^:#=\t]+):.* ## (.*)/\1\t\2/p' Makefile | sed 's/^\$$(SERIES[^\t]*/check-SERVER-RELEASE/' | \
	    while IFS="$$(printf '\t')" read -r target text; do printf '%-34s %s\n' "$$target" "$$text"; done
	@echo 'Series: $(SERIES)'

library: $(LIBRARIES)

# Downloads the crates if there are none yet: the folder, which FOLDERS names, has to exist before anything is compiled.
fetch-crates:
	[ -d $(CARGO_HOME)/registry/src ] || $(CARGO) fetch --locked

# How linkers of ELF make a shared library. Symbols that the version script names but the library lacks are an error. With
# nodelete, unloading a plug-in does not unmap code that a thread still runs.
shared_ELF = -shared -Wl,-soname,$@.so.$(SO_VERSION) \
    -Wl,--version-script=src/$@/$@.map -Wl,--no-undefined-version \
    -Wl,--whole-archive $(RELEASE)/$($@_ARCHIVE) -Wl,--no-whole-archive \
    -Wl,--gc-sections -Wl,-z,defs -Wl,-z,now -Wl,-z,relro -Wl,-z,nodelete -Wl,--as-needed

# Linkers other than GNU ld keep all sections in a partial link.
collect_ELF = $(if $(findstring GNU ld,$(shell $(CC) -Wl,--version 2>/dev/null)),-Wl$(comma)--gc-sections)
# One object for the static library, in which only the functions of the version script are global: both libraries contain Rust's
# standard library, whose symbols would collide in a program that uses both. Linkers merge sections of a group with another of the
# same name, even if they are local, so groups are dissolved. Compilers other than Rust's cannot read its bitcode.
define link_archive_ELF
rm -rf $(RELEASE)/static/$@*
mkdir -p $(RELEASE)/static
sed -n 's/^ *\([a-z_0-9]*\);$$/\1/p' src/$@/$@.map > $(RELEASE)/static/$@.symbols
sed 's/^/-Wl,-u,/' $(RELEASE)/static/$@.symbols > $(RELEASE)/static/$@.needed
$(CC) -r -nostdlib $(collect_ELF) -o $(RELEASE)/static/$@.o @$(RELEASE)/static/$@.needed $(RELEASE)/$($@_ARCHIVE)
$(OBJCOPY) --keep-global-symbols=$(RELEASE)/static/$@.symbols --strip-debug --remove-section=.group \
    --remove-section=.llvmbc --remove-section=.llvmcmd $(RELEASE)/static/$@.o
$(AR) rcs $(RELEASE)/static/$@.a $(RELEASE)/static/$@.o
endef

# Relinks Rust's static library with the C compiler, so that the version script decides which symbols are exported.
$(LIBRARIES): fetch-crates
	$(CARGO_BUILD) rustc --release --locked -p $($@_PACKAGE) --lib --no-default-features --features '$($@_FEATURES)' \
	    --crate-type staticlib -- --print native-static-libs=$(RELEASE)/$@.libs
	echo $($@_FEATURES) > $(RELEASE)/$@.features
	$(CC) -o $(RELEASE)/$@.so.$(VERSION) $(shared_ELF) $$(cat $(RELEASE)/$@.libs) $(LDFLAGS)
	$(link_archive_ELF)

tools: fetch-crates
	$(CARGO_BUILD) build --release --locked -p tools --no-default-features --features '$(tools_FEATURES)'

# `make install DEBUGINFO=yes` keeps the debug information that stripping removes, compressed, in files that debuggers find by the
# build ID in a program. Packagers whose tools do both use `make install STRIP=true`.
DEBUGINFO =
DEBUGDIR  = $(PREFIX)/lib/debug
debug_file = $$($(READELF) -n "$$file" | sed -nE 's|^ *Build ID: *(..)(.*)|$(DESTDIR)$(DEBUGDIR)/.build-id/\1/\2.debug|p')
define strip_installed
$(if $(filter yes,$(DEBUGINFO)),for file in $(1); do debug=$(debug_file); \
    [ -n "$$debug" ] || { echo "$$file has no build ID: link with --build-id" >&2; exit 1; }; \
    install -d "$${debug%/*}" && $(OBJCOPY) --only-keep-debug --compress-debug-sections "$$file" "$$debug" && \
    chmod 644 "$$debug" || exit 1; done)
$(STRIP) --strip-unneeded $(1)
endef

install: install-library install-tools ## install libraries and tools to DESTDIR and PREFIX; needs no Rust compiler

install-library: $(LIBRARIES:%=install-%)
	install -d $(DESTDIR)$(INCLUDEDIR)/fstrm
	install -m 644 include/fstrm.h include/libdnstap.h $(DESTDIR)$(INCLUDEDIR)
	install -m 644 include/fstrm/*.h $(DESTDIR)$(INCLUDEDIR)/fstrm
	install -d $(DESTDIR)$(DATADIR)
	install -m 644 src/libdnstap/suppressions/*.supp $(DESTDIR)$(DATADIR)

# A program that starts during the installation finds the old library or the new one, as renaming replaces it at once. A static
# library needs the static unwinder, or `cc -static` finds none.
$(LIBRARIES:%=install-%): install-%:
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig
	install -m 644 $(RELEASE)/$*.so.$(VERSION) $(DESTDIR)$(LIBDIR)/$*.so.$(VERSION).new
	install -m 644 $(RELEASE)/static/$*.a $(DESTDIR)$(LIBDIR)
	$(call strip_installed,$(DESTDIR)$(LIBDIR)/$*.so.$(VERSION).new)
	mv -f $(DESTDIR)$(LIBDIR)/$*.so.$(VERSION).new $(DESTDIR)$(LIBDIR)/$*.so.$(VERSION)
	ln -sf $*.so.$(VERSION) $(DESTDIR)$(LIBDIR)/$*.so.$(SO_VERSION)
	ln -sf $*.so.$(VERSION) $(DESTDIR)$(LIBDIR)/$*.so
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' \
	    -e 's|@VERSION@|$(VERSION)|' -e "s|@FEATURES@|$$(cat $(RELEASE)/$*.features)|" \
	    -e "s|@LIBS_PRIVATE@|$$(sed s/-lgcc_s/-lgcc_eh/ $(RELEASE)/$*.libs)|" \
	    src/$*/$*.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/$*.pc

install-tools:
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1
	install $(TOOLS:%=$(RELEASE)/%) $(DESTDIR)$(BINDIR)
	$(call strip_installed,$(TOOLS:%=$(DESTDIR)$(BINDIR)/%))
	install -m 644 $(TOOLS:%=src/tools/man/%.1) $(DESTDIR)$(MANDIR)/man1

# Removes the files of `make install` with the same variables, and the folders that are only ours. Without the libraries there are no
# build IDs, so the files that have them go first.
installed_ELF = $(LIBRARIES:%=$(DESTDIR)$(LIBDIR)/%.so.$(VERSION)) $(TOOLS:%=$(DESTDIR)$(BINDIR)/%)
uninstall: ## remove what make install installed
	for file in $(installed_ELF); do [ ! -f "$$file" ] || rm -f "$(debug_file)"; done
	rm -f $(installed_ELF) $(TOOLS:%=$(DESTDIR)$(MANDIR)/man1/%.1) $(foreach library,$(LIBRARIES:%=$(DESTDIR)$(LIBDIR)/%),\
	    $(library).so $(library).so.$(SO_VERSION) $(library).a) $(LIBRARIES:%=$(DESTDIR)$(LIBDIR)/pkgconfig/%.pc) \
	    $(patsubst include/%,$(DESTDIR)$(INCLUDEDIR)/%,$(wildcard include/*.h include/fstrm/*.h)) \
	    $(patsubst src/libdnstap/suppressions/%,$(DESTDIR)$(DATADIR)/%,$(wildcard src/libdnstap/suppressions/*.supp))
	for folder in $(DESTDIR)$(INCLUDEDIR)/fstrm $(DESTDIR)$(DATADIR); do [ ! -d $$folder ] || rmdir $$folder; done

# Manual pages of the functions and types of libdnstap, from its header; needs doxygen.
manuals:
	packaging/manuals include/libdnstap.h $(VERSION) $(TARGET)/manuals

install-manuals:
	install -d $(DESTDIR)$(MANDIR)/man3 $(DESTDIR)$(MANDIR)/man7
	install -m 644 $(TARGET)/manuals/man3/* $(DESTDIR)$(MANDIR)/man3
	install -m 644 $(TARGET)/manuals/man7/* $(DESTDIR)$(MANDIR)/man7

# Where the shells look for completions.
COMPLETIONS = bash:bash-completion/completions/dnstap fish:fish/vendor_completions.d/dnstap.fish zsh:zsh/vendor-completions/_dnstap

install-completions:
	set -e; for completion in $(COMPLETIONS); do \
	    file=$(DESTDIR)$(PREFIX)/share/$${completion#*:}; \
	    install -d "$$(dirname "$$file")"; \
	    $(RELEASE)/dnstap --completions "$${completion%%:*}" > "$$file"; \
	done

deb: ## build Debian packages in target/deb, on Debian 12 or 13
	packaging/deb $(VERSION) $(TARGET)/deb

rpm: ## build RPM packages in target/rpm
	packaging/rpm/build $(VERSION) $(TARGET)/rpm

test-packages: ## build, install, upgrade and remove the packages on minimal systems of Debian 12 and 13; needs root
	packaging/test-fresh bookworm trixie

# An installed tree, for the tests, the demo and the benchmarks.
stage: all
	$(MAKE) install DESTDIR= PREFIX=$(STAGE)

# Debian packages: compilers, the C library that ours is compared with, servers, readers, valgrind.
PACKAGES = abigail-tools binutils bsdextrautils clang doxygen gcc g++ libc6-dev lld make mandoc tcc pkg-config libfstrm-dev fstrm-bin knot \
    knot-module-dnstap knot-dnsutils bind9 bind9-utils golang-github-dnstap-golang-dnstap-cli dnstap-ldns dnsperf \
    libprotobuf-c-dev openssl protobuf-c-compiler stunnel4 strace time valgrind python3 systemd \
    tshark tzdata unbound util-linux
DEMO_PACKAGES = binutils gcc libc6-dev knot knot-module-dnstap knot-dnsutils \
    golang-github-dnstap-golang-dnstap-cli

deps: packages $(TARGET)/python/duckdb $(TARGET)/lint/installed ## install the Debian packages that the tests need, and linters

packages:
	.ci/install $(PACKAGES)

# An independent reader of Parquet; Debian has none.
$(TARGET)/python/duckdb:
	.ci/install python3 python3-venv
	/usr/bin/python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check duckdb
	touch $@

# Linters of scripts and C, in the same versions on each Debian.
$(TARGET)/lint/installed: .ci/lint-requirements.txt
	.ci/install python3 python3-venv
	/usr/bin/python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

demo: ## run Debian's Knot with our library, capture and print its messages
	.ci/install $(DEMO_PACKAGES)
	$(MAKE) stage
	STAGE=$(STAGE) docs/demo.sh

# The steps of the tests, from the inside to the outside: the crates, and the queues with loom; the C interface compared with
# Debian's library; Debian's servers with our library; servers with our patches.
CHECKS = format lint units loom
TESTS  = $(CHECKS) crates minimum-rust c-tests c-tests-valgrind unmodified-servers bench-check check-source

# The series in patches/, as SERVER-RELEASE: all of them, those that `make test` builds and tests, and those of which it also runs
# the tests with the server's own transport.
SERIES := $(subst /,-,$(patsubst patches/%/series,%,$(wildcard patches/*/[0-9]*/series)))
TESTED  = unbound-1.17 knot-3.2 knot-3.5 bind-9.18 bind-9.20
OWN     = unbound-1.17 knot-3.5 bind-9.20

check: $(CHECKS) ## format, lints, unit tests, loom: in minutes

test: deps stage ## everything that has to pass: check, C tests, servers unmodified and with our patches, instruction counts
	for step in $(TESTS) $(TESTED:%=check-%); do $(MAKE) READY=yes SHORT=yes $$step || exit 1; done

# A step that fails does not end the others.
test-all: deps stage ## everything that can run here, with every series of patches/, and a summary
	MAKE="$(MAKE) READY=yes" LOGS=$(TARGET)/test-all .ci/test-all $(TESTS) fuzz-targets reproducible $(SERIES:%=check-%) check-unbound-variants $(TESTED:%=each-%) \
	    test-packages rpm $(PLATFORMS)

# Whether steps leave out what only `make test-all` runs.
SHORT =

# Prerequisites of steps, unless they are up to date.
READY =
READY_DEPS  = $(if $(READY),,deps)
READY_STAGE = $(if $(READY),,packages stage)

test-fresh: ## make demo and make test on minimal systems of Debian 12 and 13; needs root
	.ci/fresh bookworm
	.ci/fresh trixie

format:
	$(CARGO) fmt --check

lint: $(READY_DEPS)
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps
	$(TARGET)/lint/bin/cargo-deny --locked check licenses bans sources
	.ci/version
	.ci/documented-dependencies
	docs/compatibility --check
	.ci/lint $(TARGET)/lint/bin/shellcheck $(TARGET)/lint/bin/ruff $(TARGET)/lint/bin/clang-format

units: $(READY_DEPS)
	$(CARGO) test --locked --workspace

crates: ## package the published crates, and build them from their packages
	.ci/crates

# Only nightly can run them.
fuzz-targets:
	.ci/fuzz-targets

loom:
	RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=$(TARGET)/loom \
	    $(CARGO) test --locked --release -p frame-streams --lib queue
	RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=$(TARGET)/loom \
	    $(CARGO) test --locked --release -p libdnstap --lib ring

minimum-rust: ## compile with the oldest supported Rust, if Debian offers it
	.ci/minimum-rust

# Other processors and systems: docs/platforms.md.
PLATFORMS = cross-i686 cross-armhf cross-aarch64 cross-s390x check-platforms

cross-i686 cross-aarch64 cross-armhf cross-s390x: cross-%: ## the libraries and the C tests for another processor, with qemu
	CARGO_TARGET_DIR=$(TARGET) .ci/cross $*

check-platforms: ## type-check the libraries and the tools for FreeBSD and macOS
	.ci/check-platforms

c-tests: $(READY_STAGE) ## the C programs of c-tests
	$(MAKE) -C c-tests check STAGE=$(STAGE) BUILD=$(OUTPUT)/c-tests

c-tests-valgrind: $(READY_STAGE)
	$(MAKE) -C c-tests valgrind STAGE=$(STAGE) BUILD=$(OUTPUT)/c-tests

reproducible: $(if $(READY),,all) ## build in another folder and compare what is installed
	.ci/reproducible

unmodified-servers: $(READY_STAGE) ## Debian's servers with our libfstrm
	STAGE=$(STAGE) $(CARGO) test --locked -p libfstrm --test servers -- --ignored --test-threads=8

headers: ## regenerate include/ with cbindgen
	UPDATE_HEADERS=1 $(CARGO) test -q -p ffi --test headers

abi: library ## update the descriptions of the ABI (c-tests/abi), after a deliberate change of it
	.ci/install abigail-tools binutils gcc libc6-dev
	$(MAKE) install-library DESTDIR= PREFIX=$(STAGE)
	STAGE=$(STAGE) CC=$(CC) c-tests/abi/update.sh

bench: bench-micro bench-tools bench-unmodified bench-servers bench-unbound bench-bind bench-knot ## run all benchmarks but bench-per-query; with QUICK=1 in ten minutes

bench-micro: deps stage ## logging and sending, compared with Debian's libfstrm and protobuf-c
	STAGE=$(STAGE) bench/counts
	STAGE=$(STAGE) bench/log
	STAGE=$(STAGE) bench/micro
	STAGE=$(STAGE) bench/copy_or_hand_over
	$(MAKE) plots

# Draws the results in bench/results into docs/plots.
plots:
	.ci/install gnuplot-nox fonts-dejavu-core
	bench/plot

# The name servers, unmodified and with our patches.
bench-builds: deps stage
	for server in "unbound 1.17" "bind 9.18" "knot 3.2"; do \
	    for variant in patched stock; do \
	        STAGE=$(STAGE) BUILD=$(TARGET) patches/build $$server $$variant || exit 1; \
	    done; \
	done

bench-unmodified: deps stage ## lost messages and time to stop of Debian's servers, on fstrm and on our libfstrm
	.ci/install dnsdist knot-resolver nsd pdns-recursor
	STAGE=$(STAGE) bench/servers-unmodified

bench-servers: bench-builds ## load in steps against Unbound, BIND and Knot, for each way of logging
	STAGE=$(STAGE) BUILD=$(TARGET) bench/servers
	$(MAKE) plots

bench-unbound bench-bind bench-knot: bench-%: bench-builds ## the cost of dnstap for each server at full load, and lost messages
	STAGE=$(STAGE) BUILD=$(TARGET) bench/cost $*

# The oldest and the newest series of each server.
PER_QUERY = unbound-1.17 unbound-1.26 bind-9.18 bind-9.20 knot-3.2 knot-3.5

bench-per-query: $(PER_QUERY:%=bench-per-query-%) ## instructions a query of each server, in each variant, with dnstap off and on

$(PER_QUERY:%=bench-per-query-%): bench-per-query-%: deps stage
	for variant in patched own stock $(if $(filter unbound-%,$*),without); do \
	    STAGE=$(STAGE) BUILD=$(TARGET) patches/build $(subst -, ,$*) $$variant || exit 1; \
	done
	STAGE=$(STAGE) BUILD=$(TARGET) bench/per_query $(subst -, ,$*)

# What is around the servers: whether series are listed, how sources are found and unpacked, how series are rebased, tried on
# releases and built patch by patch, and how programs are awaited.
check-source:
	.ci/install autoconf automake dpkg-dev git libtool openssl python3
	patches/test/listed
	patches/test/source
	patches/test/rebase
	patches/test/releases
	patches/test/each
	patches/series --check
	patches/test/headers
	patches/test/waits

# Servers with our patches, built below target/SERVER, from end to end.
CHECK_PACKAGES = bind9 dnsperf dnstap-ldns fstrm-bin golang-github-dnstap-golang-dnstap-cli hostname iproute2 knot \
    knot-dnsutils openssl python3 python3-nacl strace tshark valgrind
$(SERIES:%=check-%): check-%: $(READY_STAGE) ## build and test the series RELEASE of SERVER
	.ci/install $(CHECK_PACKAGES)
	OWN=$(if $(filter $*,$(OWN)),yes,$(if $(SHORT),no)) STAGE=$(STAGE) BUILD=$(TARGET) patches/check $(subst -, ,$*)

check-unbound check-knot check-bind: check-%: ## build and test the series of SERVER that make test includes
	for series in $(filter $*-%,$(TESTED)); do $(MAKE) check-$$series || exit 1; done

# Each patch builds on its own, without dnstap, with the server's own transport, and with libdnstap.
$(SERIES:%=each-%): each-%: $(READY_STAGE)
	STAGE=$(STAGE) BUILD=$(TARGET) patches/each $(subst -, ,$*)

# Unbound with processes instead of threads, and with its own transport.
check-unbound-variants: $(READY_STAGE)
	.ci/install $(CHECK_PACKAGES)
	for variant in patched nothreads own stock; do \
	    STAGE=$(STAGE) BUILD=$(TARGET) patches/build unbound 1.17 $$variant || exit 1; \
	done
	BUILD=$(TARGET) patches/unbound/test/run 1.17 processes transport

bench-tools: deps stage ## dnstap compared with other readers and receivers
	STAGE=$(STAGE) bench/tools
	bench/printing

# Compares the instructions of the functions that servers call with the committed ones, and figures in documents with the results.
bench-check: $(READY_STAGE) ## fail if functions that servers call take more instructions than committed
	STAGE=$(STAGE) bench/check
	bench/report --check

dist: ## pack HEAD with the sources of its dependencies in target/dist, for a release
	.ci/dist $(TARGET)/dist

test-dist: ## pack HEAD, and build it from the package offline
	.ci/test-dist

# From the cheapest to the most expensive. A step that fails does not end the others.
RELEASE_STEPS = release-version lint release-crates advisories semver abi-since-release bench-check test-dist test-all test-fresh test-packages

release-check: ## everything that a release needs, in a clean clone of HEAD: see RELEASING.md; takes hours; needs root
	.ci/release-check $(TARGET)/release-check $(RELEASE_STEPS)

release-version:
	.ci/version --release

release-crates:
	.ci/crates --all-features

advisories: $(READY_DEPS) ## look for known vulnerabilities of dependencies
	.ci/advisories $(TARGET)/lint/bin/cargo-deny

semver: ## compare the interfaces of the crates with the last release
	.ci/last-release crates

abi-since-release: ## compare the C libraries with the last release
	.ci/last-release abi

clean: ## remove everything that cargo has built
	$(CARGO) clean
