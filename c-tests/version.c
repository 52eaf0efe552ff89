/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Prints the version of the header, as text and as a number, and the version and features of the library. */
#include <libdnstap.h>
#include <stdio.h>

int main(void)
{
	printf("%s 0x%06x %s", LIBDNSTAP_VERSION, (unsigned)LIBDNSTAP_VERSION_NUMBER, dnstap_version());
	if (dnstap_features() & DNSTAP_FEATURE_TLS)
		printf(" tls");
	if (dnstap_features() & ~(uint32_t)DNSTAP_FEATURE_TLS)
		printf(" and unknown features");
	printf("\n");
	return 0;
}
