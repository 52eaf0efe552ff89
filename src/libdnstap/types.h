/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/** The bit of a message type, a number below 32, in a set of message types, a uint32_t. */
#define DNSTAP_MESSAGE_TYPE_BIT(type) (UINT32_C(1) << (type))
/**
 * The set of all message types that the library knows, including those that are newer than this
 * header. To exclude a type, clear its bit:
 * DNSTAP_ALL_MESSAGE_TYPES & ~DNSTAP_MESSAGE_TYPE_BIT(DNSTAP_MESSAGE_TYPE_TOOL_QUERY).
 */
#define DNSTAP_ALL_MESSAGE_TYPES UINT32_MAX

/** The configuration of a sink or a writer. */
typedef struct dnstap_options dnstap_options;
/** An output and its writer thread. */
typedef struct dnstap_sink dnstap_sink;
/** A queue of a sink, to which one thread logs. */
typedef struct dnstap_queue dnstap_queue;
/** A stream to read from. */
typedef struct dnstap_reader dnstap_reader;
/** A stream to write to. */
typedef struct dnstap_writer dnstap_writer;

/** Initialises a message without any fields: dnstap_message message = DNSTAP_MESSAGE_INIT; */
#define DNSTAP_MESSAGE_INIT                                                                        \
  {                                                                                                \
    sizeof(dnstap_message), 0, 0, 0, 0, 0, NULL, NULL, {0, 0}, {0, 0}, {NULL, 0}, {NULL, 0},       \
      {NULL, 0}, NULL, {NULL, 0}, {NULL, 0}, {NULL, 0}                                             \
  }
/** Initialises a policy without any fields. */
#define DNSTAP_POLICY_INIT                                                                         \
  {                                                                                                \
    sizeof(dnstap_policy), {NULL, 0}, {NULL, 0}, {NULL, 0}, 0, 0                                   \
  }
/** Initialises a struct dnstap_storage for dnstap_decode(). */
#ifdef __cplusplus
#define DNSTAP_STORAGE_INIT                                                                        \
  {                                                                                                \
    sizeof(dnstap_storage), {}, {}, {}                                                             \
  }
#else
#define DNSTAP_STORAGE_INIT                                                                        \
  {                                                                                                \
    sizeof(dnstap_storage), {{0}}, {{0}}, {0, {NULL, 0}, {NULL, 0}, {NULL, 0}, 0, 0}               \
  }
#endif
/** Initialises a struct dnstap_event for dnstap_sink_next_event(). */
#define DNSTAP_EVENT_INIT                                                                          \
  {                                                                                                \
    sizeof(dnstap_event), NULL, 0, 0, {0, 0}, 0                                                    \
  }
/** Initialises a struct dnstap_stats for dnstap_sink_get_stats() and dnstap_sink_close(). */
#define DNSTAP_STATS_INIT                                                                          \
  {                                                                                                \
    sizeof(dnstap_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, {0}                               \
  }

@ENUMERATIONS@
