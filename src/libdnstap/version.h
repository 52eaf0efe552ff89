/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/** The version of this header; dnstap_version() returns that of the library in use. */
#define LIBDNSTAP_VERSION "@VERSION@"
/** The version as a number, with one byte each for major, minor and patch: 1.2.3 is 0x010203. */
#define LIBDNSTAP_VERSION_NUMBER @VERSION_NUMBER@
