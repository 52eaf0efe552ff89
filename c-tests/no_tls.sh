#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# A libdnstap that is built without TLS is small, and refuses what needs TLS.
set -u
. ./report.sh
. ./versions.sh
target=$BUILD/no-tls
lib=$work/stage/lib/libdnstap.so.0

cat >"$work/program.c" <<'END'
#include <libdnstap.h>
#include <stdio.h>

#define CHECK(condition) if (!(condition)) { puts(#condition); return 1; }

int main(void)
{
	dnstap_options *o = dnstap_options_new();
	dnstap_sink *sink;

	CHECK(!(dnstap_features() & DNSTAP_FEATURE_TLS));
	CHECK(dnstap_options_set_output(o, "tls:localhost:853") == DNSTAP_ERROR_NO_TLS);
	CHECK(dnstap_options_get_error(o)[0] != '\0');
	CHECK(dnstap_options_set_tls_server_name(o, "localhost") == DNSTAP_ERROR_NO_TLS);
	CHECK(dnstap_options_set_tls_ca_bundle(o, "ca.pem") == DNSTAP_ERROR_NO_TLS);
	CHECK(dnstap_options_set_tls_verify(o, DNSTAP_TLS_VERIFY_AUTHORITY) == DNSTAP_ERROR_NO_TLS);
	CHECK(dnstap_options_set_tls_verify(o, DNSTAP_TLS_VERIFY_NAME) == DNSTAP_OK);
	CHECK(dnstap_options_set_tls_client_certificate(o, "cert.pem", "key.pem") == DNSTAP_ERROR_NO_TLS);
	CHECK(dnstap_options_set_output(o, "tcp:localhost:6000") == DNSTAP_OK);
	CHECK((sink = dnstap_sink_open(o, NULL)) != NULL);
	CHECK(dnstap_sink_close(&sink, NULL) == DNSTAP_OK);
	dnstap_options_free(&o);
	return 0;
}
END

if ! command -v cargo >/dev/null; then
	echo "skip - a build without TLS: cargo is not installed"
elif ! make -C .. libdnstap TLS=no TARGET="$target" >"$work/log" 2>&1 ||
     ! make -C .. install-libdnstap TARGET="$target" DESTDIR= PREFIX="$work/stage" >"$work/log" 2>&1 ||
     ! cp -R "$STAGE/include" "$work/stage"; then
	echo "not ok - make libdnstap TLS=no, and its installation"
	tail -n 20 "$work/log" | sed 's/^/#   /'
else
	size=$(wc -c <"$lib")
	[ "$size" -gt 0 ] && [ "$size" -lt $((700 * 1024)) ]
	result $? "without TLS libdnstap is smaller than 700 KB, stripped: $size bytes" "too large"
	nm -D --defined-only "$lib" | awk '$2 == "T" { print $3 }' >"$work/without"
	nm -D --defined-only "$STAGE/lib/libdnstap.so" | awk '$2 == "T" { print $3 }' >"$work/with"
	[ -s "$work/with" ] && diff "$work/with" "$work/without" >"$work/log"
	result $? "without TLS libdnstap has the same symbols"
	check_version "$work/stage" ''
	$CC -std=c99 -D_XOPEN_SOURCE=700 -I"$STAGE/include" -o "$work/program" "$work/program.c" "$lib" \
		-Wl,-rpath,"$work/stage/lib" >"$work/log" 2>&1 && timeout -k 5 60 "$work/program" >"$work/log" 2>&1
	result $? "without TLS libdnstap refuses TLS outputs and options, and sends over TCP"
fi
echo "end of no_tls"
