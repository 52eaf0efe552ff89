/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/** The version of this header. dnstap_version() has that of the library that runs. */
#define LIBDNSTAP_VERSION "@VERSION@"
/** The same as a number: a byte each for major, minor and patch, so 1.2.3 is 0x010203. */
#define LIBDNSTAP_VERSION_NUMBER @VERSION_NUMBER@
