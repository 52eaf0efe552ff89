/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/** The bit of a message type in a set of them. */
#define DNSTAP_MESSAGE_TYPE_BIT(type) (1u << (type))
/** The set of all message types. */
#define DNSTAP_ALL_MESSAGE_TYPES 0x7ffeu

/** How a sink works. */
typedef struct dnstap_options dnstap_options;
/** One output with its writer thread. */
typedef struct dnstap_sink dnstap_sink;
/** The end of a sink that one thread logs to. */
typedef struct dnstap_queue dnstap_queue;
/** A stream to read from. */
typedef struct dnstap_reader dnstap_reader;
