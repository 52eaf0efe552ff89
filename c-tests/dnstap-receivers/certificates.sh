#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# certificates.sh DIRECTORY: makes the keys and certificates of the TLS tests there.
#
#   ca.pem       an authority, which signs
#     server       for receiver.test, localhost and 127.0.0.1
#     expired      the same, but it was valid years ago
#     client       for a sender
#   self.pem      signed by itself, and marked as an authority
#   old.pem       signed by itself, of X.509 version 1, for the common name old
#   other-ca.pem  another authority, which signs
#     stranger     for a sender
#
# Each is NAME.pem, with its private key in NAME.key.
set -eu
cd "$1"

new_key() {
	openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"
}

authority() {
	new_key "$1"
	openssl req -x509 -new -key "$1.key" -subj "/CN=$1" -days 2 -out "$1.pem" \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
}

# sign NAME AUTHORITY EXTENSIONS FROM TO
sign() {
	new_key "$1"
	openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
	: >"index-$1"
	cat >"$1.conf" <<-END
		[ca]
		default_ca = here
		[here]
		database = index-$1
		new_certs_dir = .
		rand_serial = yes
		default_md = sha256
		policy = any
		x509_extensions = extensions
		[any]
		commonName = supplied
		[extensions]
		basicConstraints = CA:FALSE
		$3
	END
	openssl ca -batch -notext -config "$1.conf" -cert "$2.pem" -keyfile "$2.key" -in "$1.csr" \
		-out "$1.pem" -startdate "$4" -enddate "$5"
}

from=$(date -u -d yesterday +%Y%m%d%H%M%SZ)
to=$(date -u -d tomorrow +%Y%m%d%H%M%SZ)
for_server='extendedKeyUsage = serverAuth
subjectAltName = DNS:receiver.test, DNS:localhost, IP:127.0.0.1'
for_sender='extendedKeyUsage = clientAuth'

authority ca
authority other-ca
sign server ca "$for_server" "$from" "$to"
sign expired ca "$for_server" 20200101000000Z 20210101000000Z
sign client ca "$for_sender" "$from" "$to"
sign stranger other-ca "$for_sender" "$from" "$to"
new_key self
openssl req -x509 -new -key self.key -subj /CN=self -days 2 -out self.pem \
	-addext basicConstraints=critical,CA:TRUE -addext subjectAltName=DNS:self.test
new_key old
# From OpenSSL 3.2 on, version 1 has to be asked for, and a configuration must not add extensions.
if openssl req -help 2>&1 | grep -q -e -x509v1; then
	printf '[req]\ndistinguished_name = name\n[name]\n' >old.conf
	openssl req -x509v1 -config old.conf -new -key old.key -subj /CN=old -days 2 -out old.pem
else
	openssl req -new -key old.key -subj /CN=old -out old.csr
	openssl x509 -req -in old.csr -signkey old.key -days 2 -out old.pem
fi
openssl x509 -in old.pem -noout -text | grep -q 'Version: 1 ' || {
	echo "old.pem is not of version 1"
	exit 1
}
