/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file
 * dnstap for DNS software: logs the DNS messages that a server receives and sends, at negligible
 * cost.
 *
 * A server opens a sink, creates a queue for each of its threads, and logs messages to these
 * queues. Logging never blocks, allocates memory or takes a lock; a writer thread sends the logged
 * messages.
 *
 *     dnstap_options *options = dnstap_options_new();
 *     dnstap_options_set_output(options, "unix:/run/dnstap.sock");
 *     dnstap_sink *sink = dnstap_sink_open(options, NULL);
 *     if (!sink)
 *         fprintf(stderr, "dnstap: %s\n", dnstap_options_get_error(options));
 *     dnstap_options_free(&options);
 *
 *     dnstap_queue *queue = dnstap_queue_new(sink, NULL);
 *     if (dnstap_enabled(queue, DNSTAP_MESSAGE_TYPE_CLIENT_QUERY)) {
 *         struct timespec now;
 *         clock_gettime(CLOCK_REALTIME, &now);
 *         dnstap_message message = DNSTAP_MESSAGE_INIT;
 *         message.type = DNSTAP_MESSAGE_TYPE_CLIENT_QUERY;
 *         message.socket_protocol = DNSTAP_SOCKET_PROTOCOL_UDP;
 *         message.initiator = client;
 *         message.responder = server;
 *         message.query_time = dnstap_time_of(&now);
 *         message.query.data = bytes;
 *         message.query.length = length;
 *         dnstap_log(queue, &message);
 *     }
 *     dnstap_queue_free(&queue);
 *
 *     dnstap_sink_close(&sink, NULL);
 *
 * Converters and short-lived programs, which can wait for the receiver, write from one thread with
 * dnstap_writer_open() and dnstap_writer_write(). Programs with a transport of their own use
 * dnstap_encode() alone. Programs that read dnstap use dnstap_reader_open() and
 * dnstap_reader_next(), or dnstap_decode().
 *
 * Unless a function says otherwise, only one thread at a time may use an object. The only functions
 * that a signal handler may call are dnstap_enabled() and dnstap_is_error(). A function that fails
 * returns an error, a number below 0, which dnstap_strerror() describes. The library aborts the
 * process only if a small allocation fails; for large objects, such as rings and buffers, it
 * returns DNSTAP_ERROR_MEMORY instead. Strings and bytes that are passed in need not outlive the
 * call, except for the frame that is passed to dnstap_decode().
 *
 * The interface can grow without breaking compiled programs. Structs that a program allocates begin
 * with their `size`, which the DNSTAP_..._INIT macros set; the library neither reads nor writes
 * beyond it. Later versions may append fields to these structs, and add results, constants and
 * functions; they do not change existing ones. struct dnstap_bytes, struct dnstap_time and union
 * dnstap_address never change. A program should be prepared for numbers that its header does not
 * name: in results, states, events and decoded messages.
 */

#ifndef LIBDNSTAP_H
#define LIBDNSTAP_H

#include <netinet/in.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>

/** The version of this header; dnstap_version() returns that of the library in use. */
#define LIBDNSTAP_VERSION "0.1.0"
/** The version as a number, with one byte each for major, minor and patch: 1.2.3 is 0x010203. */
#define LIBDNSTAP_VERSION_NUMBER 0x000100

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

/**
 * Where, and in which direction, a DNS message was seen.
 */
typedef enum dnstap_message_type {
  /**
   * An authoritative server received a query from a client.
   */
  DNSTAP_MESSAGE_TYPE_AUTH_QUERY = 1,
  /**
   * An authoritative server sent a response to a client.
   */
  DNSTAP_MESSAGE_TYPE_AUTH_RESPONSE = 2,
  /**
   * A resolver sent a query to an authoritative server.
   */
  DNSTAP_MESSAGE_TYPE_RESOLVER_QUERY = 3,
  /**
   * A resolver received a response from an authoritative server.
   */
  DNSTAP_MESSAGE_TYPE_RESOLVER_RESPONSE = 4,
  /**
   * A resolver or forwarder received a query from a client.
   */
  DNSTAP_MESSAGE_TYPE_CLIENT_QUERY = 5,
  /**
   * A resolver or forwarder sent a response to a client.
   */
  DNSTAP_MESSAGE_TYPE_CLIENT_RESPONSE = 6,
  /**
   * A forwarder sent a query to its upstream resolver.
   */
  DNSTAP_MESSAGE_TYPE_FORWARDER_QUERY = 7,
  /**
   * A forwarder received a response from its upstream resolver.
   */
  DNSTAP_MESSAGE_TYPE_FORWARDER_RESPONSE = 8,
  /**
   * A stub resolver sent a query.
   */
  DNSTAP_MESSAGE_TYPE_STUB_QUERY = 9,
  /**
   * A stub resolver received a response.
   */
  DNSTAP_MESSAGE_TYPE_STUB_RESPONSE = 10,
  /**
   * A tool such as dig sent a query.
   */
  DNSTAP_MESSAGE_TYPE_TOOL_QUERY = 11,
  /**
   * A tool such as dig received a response.
   */
  DNSTAP_MESSAGE_TYPE_TOOL_RESPONSE = 12,
  /**
   * An authoritative server received a dynamic update (RFC 2136).
   */
  DNSTAP_MESSAGE_TYPE_UPDATE_QUERY = 13,
  /**
   * An authoritative server sent a response to a dynamic update.
   */
  DNSTAP_MESSAGE_TYPE_UPDATE_RESPONSE = 14,
} dnstap_message_type;

/**
 * The family of the addresses.
 */
typedef enum dnstap_socket_family {
  /**
   * IPv4 (RFC 791): 4 bytes.
   */
  DNSTAP_SOCKET_FAMILY_INET = 1,
  /**
   * IPv6 (RFC 8200): 16 bytes.
   */
  DNSTAP_SOCKET_FAMILY_INET6 = 2,
} dnstap_socket_family;

/**
 * The transport protocol of a DNS message.
 */
typedef enum dnstap_socket_protocol {
  /**
   * UDP (RFC 1035, section 4.2.1).
   */
  DNSTAP_SOCKET_PROTOCOL_UDP = 1,
  /**
   * TCP (RFC 1035, section 4.2.2).
   */
  DNSTAP_SOCKET_PROTOCOL_TCP = 2,
  /**
   * DNS over TLS (RFC 7858).
   */
  DNSTAP_SOCKET_PROTOCOL_DOT = 3,
  /**
   * DNS over HTTPS (RFC 8484).
   */
  DNSTAP_SOCKET_PROTOCOL_DOH = 4,
  /**
   * DNSCrypt over UDP.
   */
  DNSTAP_SOCKET_PROTOCOL_DNSCRYPT_UDP = 5,
  /**
   * DNSCrypt over TCP.
   */
  DNSTAP_SOCKET_PROTOCOL_DNSCRYPT_TCP = 6,
  /**
   * DNS over dedicated QUIC connections (RFC 9250).
   */
  DNSTAP_SOCKET_PROTOCOL_DOQ = 7,
} dnstap_socket_protocol;

/**
 * The version of HTTP that DNS over HTTPS uses.
 */
typedef enum dnstap_http_protocol {
  /**
   * HTTP/1.0 or HTTP/1.1 (RFC 9112).
   */
  DNSTAP_HTTP_PROTOCOL_HTTP1 = 1,
  /**
   * HTTP/2 (RFC 9113).
   */
  DNSTAP_HTTP_PROTOCOL_HTTP2 = 2,
  /**
   * HTTP/3 (RFC 9114).
   */
  DNSTAP_HTTP_PROTOCOL_HTTP3 = 3,
} dnstap_http_protocol;

/**
 * The action that was taken because of a policy.
 */
typedef enum dnstap_policy_action {
  /**
   * Answered that the name does not exist (NXDOMAIN).
   */
  DNSTAP_POLICY_ACTION_NXDOMAIN = 1,
  /**
   * Answered that the name has no records of the type (NODATA).
   */
  DNSTAP_POLICY_ACTION_NODATA = 2,
  /**
   * Left the answer unchanged.
   */
  DNSTAP_POLICY_ACTION_PASS = 3,
  /**
   * Sent no answer.
   */
  DNSTAP_POLICY_ACTION_DROP = 4,
  /**
   * Sent a truncated answer (TC set), so that the client retries over TCP.
   */
  DNSTAP_POLICY_ACTION_TRUNCATE = 5,
  /**
   * Answered with the policy's own records.
   */
  DNSTAP_POLICY_ACTION_LOCAL_DATA = 6,
} dnstap_policy_action;

/**
 * The property that a policy was compared with.
 */
typedef enum dnstap_policy_match {
  /**
   * The name in the question.
   */
  DNSTAP_POLICY_MATCH_QNAME = 1,
  /**
   * The address of the client.
   */
  DNSTAP_POLICY_MATCH_CLIENT_IP = 2,
  /**
   * An address in the answer.
   */
  DNSTAP_POLICY_MATCH_RESPONSE_IP = 3,
  /**
   * The name of a name server of the zone.
   */
  DNSTAP_POLICY_MATCH_NS_NAME = 4,
  /**
   * The address of a name server of the zone.
   */
  DNSTAP_POLICY_MATCH_NS_IP = 5,
} dnstap_policy_match;

/**
 * Number of entries in an array by message type: one for each bit of a set, which leaves room for
 * later types.
 */
#define DNSTAP_MESSAGE_TYPE_COUNT 32

/**
 * The result of a function: DNSTAP_OK, a status above 0, or an error below 0, which
 * dnstap_is_error() recognises. Later versions may add statuses and errors. General errors start
 * at -1, errors of logging at -20, of messages and encoding at -40, of options and opening at -60,
 * and of reading and writing streams at -80.
 */
typedef enum dnstap_result {
  /**
   * Success.
   */
  DNSTAP_OK = 0,
  /**
   * The message was not logged, because its type is not enabled.
   */
  DNSTAP_DISABLED = 1,
  /**
   * The message was not logged, because it is not part of the sample.
   */
  DNSTAP_SAMPLED_OUT = 2,
  /**
   * The stream has ended, or no event is pending.
   */
  DNSTAP_END = 3,
  /**
   * The time limit of the call expired; call again to continue.
   */
  DNSTAP_TIMED_OUT = 4,
  /**
   * A pointer that is required is NULL.
   */
  DNSTAP_ERROR_NULL = -1,
  /**
   * The handle is of another kind, or has been freed.
   */
  DNSTAP_ERROR_HANDLE = -2,
  /**
   * The `size` of a struct is not set, or smaller than in any version. Use the _INIT macro.
   */
  DNSTAP_ERROR_SIZE = -3,
  /**
   * Out of memory.
   */
  DNSTAP_ERROR_MEMORY = -4,
  /**
   * Out of threads, thread keys (PTHREAD_KEYS_MAX) or file descriptors.
   */
  DNSTAP_ERROR_SYSTEM = -5,
  /**
   * An internal error, which any function may return. The process can continue.
   */
  DNSTAP_ERROR_INTERNAL = -6,
  /**
   * The ring of the queue is full. The message was dropped and counted.
   */
  DNSTAP_ERROR_FULL = -20,
  /**
   * The message is longer than half of the ring. It was dropped and counted.
   */
  DNSTAP_ERROR_TOO_LONG = -21,
  /**
   * The sink is closed, or a forked child could not start its writer thread; or a forked child
   * used a dnstap_writer of its parent.
   */
  DNSTAP_ERROR_CLOSED = -22,
  /**
   * The message type is not one of enum dnstap_message_type.
   */
  DNSTAP_ERROR_MESSAGE_TYPE = -40,
  /**
   * An address is neither an IPv4 nor an IPv6 address, or its family differs from that of the
   * message or of the other address.
   */
  DNSTAP_ERROR_FAMILY = -41,
  /**
   * A time is negative, or its nanoseconds are 1,000,000,000 or more.
   */
  DNSTAP_ERROR_TIME = -42,
  /**
   * A field is longer than 65,535 bytes, or a frame is empty or too long.
   */
  DNSTAP_ERROR_LENGTH = -43,
  /**
   * The type of a policy is not valid UTF-8.
   */
  DNSTAP_ERROR_POLICY_TYPE = -44,
  /**
   * The buffer is too small.
   */
  DNSTAP_ERROR_BUFFER = -45,
  /**
   * A value is out of range.
   */
  DNSTAP_ERROR_VALUE = -60,
  /**
   * The output is not set, or not of the form unix:PATH, tcp:HOST:PORT, tls:HOST:PORT or
   * file:PATH.
   */
  DNSTAP_ERROR_OUTPUT = -61,
  /**
   * Options contradict each other.
   */
  DNSTAP_ERROR_CONFLICT = -62,
  /**
   * A path cannot be used.
   */
  DNSTAP_ERROR_PATH = -63,
  /**
   * The path of the output exists, but is not a socket.
   */
  DNSTAP_ERROR_NOT_A_SOCKET = -64,
  /**
   * A certificate, key or server name for TLS cannot be used.
   */
  DNSTAP_ERROR_TLS = -65,
  /**
   * The library was built without TLS.
   */
  DNSTAP_ERROR_NO_TLS = -66,
  /**
   * The frame is not a dnstap event. A reader can go on with the next frame.
   */
  DNSTAP_ERROR_DECODE = -80,
  /**
   * The frame is larger than the limit of the reader, and was skipped. The reader can go on.
   */
  DNSTAP_ERROR_FRAME_SIZE = -81,
  /**
   * The stream ended without STOP, for example because its sender was killed; all frames that
   * were read are complete.
   */
  DNSTAP_ERROR_NO_STOP = -82,
  /**
   * The stream ended inside a frame.
   */
  DNSTAP_ERROR_TORN = -83,
  /**
   * The data is not a Frame Streams stream, or is damaged.
   */
  DNSTAP_ERROR_STREAM = -84,
  /**
   * The content type of the stream is not protobuf:dnstap.Dnstap, or the receiver does not
   * accept it.
   */
  DNSTAP_ERROR_CONTENT_TYPE = -85,
  /**
   * Opening, reading or writing failed.
   */
  DNSTAP_ERROR_IO = -86,
} dnstap_result;

/**
 * Optional parts of the library, as bits of dnstap_features().
 */
typedef enum dnstap_feature {
  /**
   * Outputs over TLS, tls:HOST:PORT. Without it, setting such an output fails with
   * DNSTAP_ERROR_NO_TLS.
   */
  DNSTAP_FEATURE_TLS = 1,
} dnstap_feature;

/**
 * The state of the stream of a sink.
 */
typedef enum dnstap_state {
  /**
   * There is no stream; the writer thread will try to open one when its timer expires.
   */
  DNSTAP_STATE_DISCONNECTED = 0,
  /**
   * The writer thread is connecting, or in the handshake.
   */
  DNSTAP_STATE_CONNECTING = 1,
  /**
   * The stream is open.
   */
  DNSTAP_STATE_CONNECTED = 2,
  /**
   * The stream is being closed, or the writer thread has ended.
   */
  DNSTAP_STATE_CLOSING = 3,
} dnstap_state;

/**
 * The kind of an event.
 */
typedef enum dnstap_event_kind {
  /**
   * A stream was opened: the receiver is connected, or the file is open. Also after
   * dnstap_sink_reopen().
   */
  DNSTAP_EVENT_KIND_CONNECTED = 1,
  /**
   * The stream could not be opened; the sink retries. Only the first failure since the start, or
   * since the last stream, is an event; dnstap_sink_get_error() has the latest failure.
   */
  DNSTAP_EVENT_KIND_CONNECT_FAILED = 2,
  /**
   * The stream broke; the sink reconnects.
   */
  DNSTAP_EVENT_KIND_DISCONNECTED = 3,
  /**
   * Writing to a file failed, for example because the disk is full. Only the first failure in a
   * row is an event. The messages stay pending, and writing is retried.
   */
  DNSTAP_EVENT_KIND_WRITE_FAILED = 4,
  /**
   * The first message was dropped since the start, or since DNSTAP_EVENT_KIND_RECOVERED.
   */
  DNSTAP_EVENT_KIND_DROPPING = 5,
  /**
   * No message has been dropped for 2 seconds, and the receiver accepts messages. If messages
   * are dropped again within a minute, this time is doubled, up to 60 seconds.
   */
  DNSTAP_EVENT_KIND_RECOVERED = 6,
  /**
   * The sink is closed, and sends nothing more. This is the last event, which a program can wait
   * for after dnstap_sink_begin_close().
   */
  DNSTAP_EVENT_KIND_CLOSED = 7,
} dnstap_event_kind;

/**
 * How the certificate of the server is verified.
 */
typedef enum dnstap_tls_verify {
  /**
   * A trusted authority has issued the certificate for the name of the server. The default.
   */
  DNSTAP_TLS_VERIFY_NAME = 0,
  /**
   * A trusted authority has issued the certificate, for any name.
   */
  DNSTAP_TLS_VERIFY_AUTHORITY = 1,
  /**
   * The certificate is not verified: the connection is encrypted, but the server may be anyone.
   */
  DNSTAP_TLS_VERIFY_NOTHING = 2,
} dnstap_tls_verify;

/**
 * Counters of a sink. At every moment `logged = sent + waiting + dropped_full + dropped_too_long +
 * dropped_invalid + dropped_closed`.
 *
 * The counters of a forked child start at 0: messages that were logged before the fork, including
 * pending ones, belong to the parent.
 */
typedef struct dnstap_stats {
  /**
   * Size of this struct in bytes, set by the caller, as by DNSTAP_STATS_INIT: later versions may
   * be longer.
   */
  size_t size;
  /**
   * Messages that were logged: those of enabled types, and in the sample.
   */
  uint64_t logged;
  /**
   * Messages that were handed to the operating system. They include those that the receiver had
   * not read when it died, which no sender can count.
   */
  uint64_t sent;
  /**
   * Pending messages, which are in the rings.
   */
  uint64_t waiting;
  /**
   * Messages that were dropped because the ring was full, or, pending in a freed queue, because
   * its memory was needed (dnstap_options_set_freed_queue_bytes()).
   */
  uint64_t dropped_full;
  /**
   * Messages that were dropped because they were longer than half of the ring.
   */
  uint64_t dropped_too_long;
  /**
   * Messages that were dropped because they were invalid, for example with an address of the
   * wrong family.
   */
  uint64_t dropped_invalid;
  /**
   * Messages that were dropped because they could not be sent before the sink was closed, or
   * were logged while it was being closed.
   */
  uint64_t dropped_closed;
  /**
   * Messages of enabled types that are not in the sample. `logged` does not include them.
   */
  uint64_t sampled_out;
  /**
   * Bytes sent: data frames with their length prefixes, without control frames.
   */
  uint64_t bytes_sent;
  /**
   * Streams that were opened.
   */
  uint64_t connects;
  /**
   * Failed attempts to open a stream.
   */
  uint64_t connect_failures;
  /**
   * Streams that broke.
   */
  uint64_t disconnects;
  /**
   * The state of the stream: one of enum dnstap_state.
   */
  uint32_t state;
  /**
   * Messages that were logged, by number of their type in enum dnstap_message_type.
   */
  uint64_t logged_by_type[DNSTAP_MESSAGE_TYPE_COUNT];
} dnstap_stats;

/**
 * A time since 1970-01-01 00:00 UTC; {0, 0} is absent. It is the same on every platform, whatever
 * the size of time_t. dnstap_time_of() converts a struct timespec.
 */
typedef struct dnstap_time {
  /**
   * 0 or more.
   */
  int64_t seconds;
  /**
   * Below 1,000,000,000.
   */
  uint32_t nanoseconds;
} dnstap_time;

/**
 * An event of a sink, for the program to log.
 */
typedef struct dnstap_event {
  /**
   * Size of this struct in bytes, set by the caller, as by DNSTAP_EVENT_INIT: later versions may
   * be longer.
   */
  size_t size;
  /**
   * A line to log, without a full stop: the receiver and the reason, or how many messages were
   * dropped for which reason. Valid until the next call of dnstap_sink_next_event() or
   * dnstap_sink_close() with this sink.
   */
  const char *text;
  /**
   * One of enum dnstap_event_kind; later versions may add kinds.
   */
  uint32_t kind;
  /**
   * Number of events that were discarded before this one: a sink keeps the latest 64.
   */
  uint32_t missed;
  /**
   * When the event happened.
   */
  struct dnstap_time time;
  /**
   * Messages that were dropped, for any reason: with DNSTAP_EVENT_KIND_DROPPING, those dropped
   * so far in this series; with DNSTAP_EVENT_KIND_RECOVERED and DNSTAP_EVENT_KIND_CLOSED, those
   * since the last DNSTAP_EVENT_KIND_RECOVERED. 0 with other kinds.
   */
  uint64_t count;
} dnstap_event;

/**
 * Bytes of the caller, or of a frame. If `data` is NULL, the field is absent, and `length` must be
 * 0. For a field that is present but empty, `data` may be any pointer that is not NULL.
 */
typedef struct dnstap_bytes {
  const uint8_t *data;
  /**
   * Number of bytes at `data`.
   */
  size_t length;
} dnstap_bytes;

/**
 * A rule of the operator that matched a message, such as one of a response policy zone.
 */
typedef struct dnstap_policy {
  /**
   * Size of this struct in bytes: later versions may be longer. Set by the caller when logging,
   * as by DNSTAP_POLICY_INIT. Set by the library when decoding: if it is smaller than in this
   * header, the library is older, and the fields beyond the size do not exist.
   */
  size_t size;
  /**
   * The type of the policy in UTF-8: "RPZ" for a response policy zone.
   */
  struct dnstap_bytes type;
  /**
   * The rule: for a response policy zone, its owner name in wire format.
   */
  struct dnstap_bytes rule;
  /**
   * The value that matched the rule, in a form that depends on `match`.
   */
  struct dnstap_bytes value;
  /**
   * The action that was taken: one of enum dnstap_policy_action; 0 if absent.
   */
  uint32_t action;
  /**
   * The property that the rule was compared with: one of enum dnstap_policy_match; 0 if absent.
   */
  uint32_t match;
} dnstap_policy;

/**
 * A DNS message with its context. To log a message, start with DNSTAP_MESSAGE_INIT, set `type`,
 * and set all other fields that are known; a field that is 0 or NULL is absent. No field may be
 * longer than 65,535 bytes. The library does not keep pointers from it.
 *
 * The initiator is the side that sent the query, the responder the side that answers it, in both
 * queries and responses.
 */
typedef struct dnstap_message {
  /**
   * Size of this struct in bytes, set by the caller, as by DNSTAP_MESSAGE_INIT: later versions
   * may be longer.
   */
  size_t size;
  /**
   * Where, and in which direction, the message was seen: one of enum dnstap_message_type.
   */
  uint32_t type;
  /**
   * The transport protocol of the message: one of enum dnstap_socket_protocol.
   */
  uint32_t socket_protocol;
  /**
   * One of enum dnstap_socket_family; 0 for the family of the addresses.
   */
  uint32_t socket_family;
  /**
   * The version of HTTP, if the transport is DNS over HTTPS: one of enum dnstap_http_protocol.
   */
  uint32_t http_protocol;
  /**
   * Number of messages that this message stands for; 1 if its sender did not sample. Set by
   * dnstap_decode() and dnstap_reader_next(), ignored by all other functions.
   */
  uint32_t sample_rate;
  /**
   * Address and port of the initiator: a struct sockaddr_in or struct sockaddr_in6, which need
   * not be aligned. Port 0 is absent. With the family AF_UNSPEC, only the port is used, at its
   * offset in struct sockaddr_in.
   */
  const struct sockaddr *initiator;
  /**
   * Address and port of the responder, likewise.
   */
  const struct sockaddr *responder;
  /**
   * When the query was sent or received.
   */
  struct dnstap_time query_time;
  /**
   * When the response was sent or received.
   */
  struct dnstap_time response_time;
  /**
   * The query in wire format (RFC 1035, section 4) without transport headers.
   */
  struct dnstap_bytes query;
  /**
   * The response in wire format, likewise.
   */
  struct dnstap_bytes response;
  /**
   * The zone whose servers were queried: a domain name in wire format.
   */
  struct dnstap_bytes zone;
  /**
   * The rule that matched the message.
   */
  const struct dnstap_policy *policy;
  /**
   * Data of the operator's own. In a sampled message it begins with the sample rate
   * (dnstap_options_set_sample_rate()).
   */
  struct dnstap_bytes extra;
  /**
   * Name of the server that logged the message (`Dnstap.identity`). If it is absent,
   * dnstap_log() uses that of the sink, and dnstap_writer_write() that of the options.
   */
  struct dnstap_bytes identity;
  /**
   * Software and version of that server (`Dnstap.version`), likewise.
   */
  struct dnstap_bytes version;
} dnstap_message;

/**
 * An IPv4 or IPv6 address with a port.
 */
typedef union dnstap_address {
  struct sockaddr any;
  struct sockaddr_in in;
  struct sockaddr_in6 in6;
} dnstap_address;

/**
 * Memory for data that a decoded message points to, in addition to the frame.
 */
typedef struct dnstap_storage {
  /**
   * Size of this struct in bytes, set by the caller, as by DNSTAP_STORAGE_INIT: later versions
   * may be longer.
   */
  size_t size;
  union dnstap_address initiator;
  union dnstap_address responder;
  /**
   * The last field, as it can grow; its `size` is that of this version of the struct.
   */
  struct dnstap_policy policy;
} dnstap_storage;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Returns the version of the library in use, which is the LIBDNSTAP_VERSION of its own header. Any
 * thread may call it.
 *
 * @return  A static string such as "0.1.0"; do not free it.
 */
const char *dnstap_version(void);

/**
 * Returns the features of the library in use. Any thread may call it. The pkg-config variable
 * `features` names those of the installed library: "tls", or nothing.
 *
 * @return  Bits of enum dnstap_feature. Later versions may set further bits.
 */
uint32_t dnstap_features(void);

/**
 * Returns a short description of a result, without a full stop. Any thread may call it.
 *
 * @param result  A result of this library; unknown numbers are allowed.
 * @return        A static string; do not free it. Never NULL.
 */
const char *dnstap_strerror(enum dnstap_result result);

/**
 * Returns the name of a message type in the schema. Any thread may call it.
 *
 * @param type  One of enum dnstap_message_type; unknown numbers are allowed.
 * @return      A static string such as "CLIENT_QUERY"; NULL if the number is unknown.
 */
const char *dnstap_message_type_name(uint32_t type);

/**
 * Returns the two-letter abbreviation of a message type that tools print. Any thread may call it.
 *
 * @param type  One of enum dnstap_message_type; unknown numbers are allowed.
 * @return      A static string such as "CQ"; NULL if the number is unknown.
 */
const char *dnstap_message_type_mnemonic(uint32_t type);

/**
 * Returns the name of a socket family in the schema. Any thread may call it.
 *
 * @param family  One of enum dnstap_socket_family; unknown numbers are allowed.
 * @return        A static string such as "INET6"; NULL if the number is unknown.
 */
const char *dnstap_socket_family_name(uint32_t family);

/**
 * Returns the name of a socket protocol in the schema. Any thread may call it.
 *
 * @param protocol  One of enum dnstap_socket_protocol; unknown numbers are allowed.
 * @return          A static string such as "UDP" or "DNSCryptUDP"; NULL if the number is unknown.
 */
const char *dnstap_socket_protocol_name(uint32_t protocol);

/**
 * Returns the name of an HTTP version in the schema. Any thread may call it.
 *
 * @param protocol  One of enum dnstap_http_protocol; unknown numbers are allowed.
 * @return          A static string such as "HTTP2"; NULL if the number is unknown.
 */
const char *dnstap_http_protocol_name(uint32_t protocol);

/**
 * Returns the name of a policy action in the schema. Any thread may call it.
 *
 * @param action  One of enum dnstap_policy_action; unknown numbers are allowed.
 * @return        A static string such as "NXDOMAIN"; NULL if the number is unknown.
 */
const char *dnstap_policy_action_name(uint32_t action);

/**
 * Returns the name of a policy match in the schema. Any thread may call it.
 *
 * @param match  One of enum dnstap_policy_match; unknown numbers are allowed.
 * @return       A static string such as "QNAME"; NULL if the number is unknown.
 */
const char *dnstap_policy_match_name(uint32_t match);

/**
 * Returns the name of a state of a sink. Any thread may call it.
 *
 * @param state  One of enum dnstap_state; unknown numbers are allowed.
 * @return       A static string such as "CONNECTED"; NULL if the number is unknown.
 */
const char *dnstap_state_name(uint32_t state);

/**
 * Returns the name of a kind of event. Any thread may call it.
 *
 * @param kind  One of enum dnstap_event_kind; unknown numbers are allowed.
 * @return      A static string such as "DROPPING"; NULL if the number is unknown.
 */
const char *dnstap_event_kind_name(uint32_t kind);

/**
 * Parses a list of message types, such as the value of a configuration option. Any thread may call
 * it.
 *
 * @param list          Names or mnemonics in upper or lower case, separated by commas, spaces or
 *                      both: "CLIENT_QUERY, CLIENT_RESPONSE" or "cq,cr". "all" stands for
 *                      DNSTAP_ALL_MESSAGE_TYPES. An empty list is the empty set.
 * @param[out] types    The set: DNSTAP_MESSAGE_TYPE_BIT() of each type. Not written to on an
 *                      error.
 * @param[out] unknown  For error messages: the beginning, in `list`, of the first unknown word;
 *                      NULL if there is none. May be NULL.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_VALUE  The list contains a word that is not a known message type.
 * @retval DNSTAP_ERROR_NULL   `list` or `types` is NULL.
 */
enum dnstap_result dnstap_message_types_parse(const char *list,
                                              uint32_t *types,
                                              const char **unknown);

/**
 * Creates options with the default values: no output, all message types, and the name of the host
 * as identity.
 *
 * @return  The options, to be freed with dnstap_options_free(); NULL on an internal error.
 */
dnstap_options *dnstap_options_new(void);

/**
 * Frees options. Sinks and writers that were opened with them keep their own copy.
 *
 * @param[in,out] options  Pointer to the options; set to NULL. If it is NULL already, nothing
 *                         happens.
 */
void dnstap_options_free(dnstap_options **options);

/**
 * Returns the reason for the last error of a call with these options, such as the file that could
 * not be read, as one line without a full stop.
 *
 * @param options  The options.
 * @return         A string, valid until the next call with these options; never NULL.
 */
const char *dnstap_options_get_error(const dnstap_options *options);

/**
 * Checks options as dnstap_sink_open() does, with the same result and text, but opens nothing: for
 * configuration checks, and for daemons, which report errors before they detach from the terminal.
 * Starts no thread and creates no file.
 *
 * Checked are: that an output is set; that the path of a socket is short enough (107 bytes on
 * Linux) and, if it exists, is a socket; that the folder of a file exists, and the path of the
 * file is not a folder; that the certificates, keys and names for TLS can be read and used, and
 * are set only for a tls: output. Not checked, as they may change later, are permissions, free
 * space, the folder of a socket, and whether a receiver listens. A daemon that changes its user or
 * its root directory has to make sure that the output is accessible afterwards.
 *
 * @param options  The options. dnstap_options_get_error() has the details of an error.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_OUTPUT        No output is set.
 * @retval DNSTAP_ERROR_PATH          The path of the output cannot be used.
 * @retval DNSTAP_ERROR_NOT_A_SOCKET  The path of a unix: output exists, but is not a socket.
 * @retval DNSTAP_ERROR_TLS           A certificate, key or server name cannot be used.
 * @retval DNSTAP_ERROR_CONFLICT      TLS options are set, but the output is not tls:.
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_check(dnstap_options *options);

/**
 * Sets the output to send to. There is no default.
 *
 * @param options  The options.
 * @param output   `unix:PATH`, a socket that a receiver listens on; `tcp:HOST:PORT` or
 *                 `tls:HOST:PORT`, where HOST is an address, IPv6 in brackets, or a name, which is
 *                 looked up for each connection; or `file:PATH`, a file, which is truncated. This
 *                 call makes a relative PATH absolute, so that a later change of the working
 *                 directory has no effect. After a change of the root directory, PATH is looked up
 *                 below the new root.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_OUTPUT  `output` has none of these forms.
 * @retval DNSTAP_ERROR_PATH    PATH is relative, and the working directory cannot be determined.
 * @retval DNSTAP_ERROR_NO_TLS  `output` begins with tls:, and the library was built without TLS.
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_output(dnstap_options *options, const char *output);

/**
 * Sets the name of the server (`Dnstap.identity`), usually its NSID (RFC 5001).
 *
 * @param options   The options.
 * @param identity  At most 65,535 bytes; NULL for none. The name of the host by default.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_LENGTH  `identity` is longer than 65,535 bytes.
 * @retval DNSTAP_ERROR_NULL    `options` is NULL.
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_identity(dnstap_options *options, const char *identity);

/**
 * Sets the software and version of the server (`Dnstap.version`), usually its answer to
 * "version.bind" in class CH.
 *
 * @param options  The options.
 * @param version  At most 65,535 bytes; NULL, the default, for none.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_LENGTH  `version` is longer than 65,535 bytes.
 * @retval DNSTAP_ERROR_NULL    `options` is NULL.
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_version(dnstap_options *options, const char *version);

/**
 * Sets the message types to log. dnstap_sink_set_message_types() changes them while the sink is
 * open.
 *
 * @param options        The options.
 * @param message_types  DNSTAP_MESSAGE_TYPE_BIT() of each type, or DNSTAP_ALL_MESSAGE_TYPES, the
 *                       default, from which types can be removed.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_VALUE   A bit does not belong to a known message type.
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_message_types(dnstap_options *options,
                                                    uint32_t message_types);

/**
 * Sets the size of the ring of each queue, which holds the pending messages. Messages that are
 * logged while it is full are dropped. Only the part of a ring that pending messages have used
 * takes memory.
 *
 * @param options      The options.
 * @param queue_bytes  From 4,096 bytes to 1 GiB, rounded up to a power of two; 1 MiB by default.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_VALUE
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_queue_bytes(dnstap_options *options, size_t queue_bytes);

/**
 * Sets the maximum amount of memory for the pending messages of all freed queues of a sink. Each
 * such queue counts for at least 64 KiB. Above the maximum, dnstap_queue_new() drops the oldest of
 * these messages and counts them as `dropped_full`. The rings of a sink thus take at most
 * `queue_bytes` for each queue in use, plus this amount.
 *
 * @param options            The options.
 * @param freed_queue_bytes  Any number of bytes; 256 MiB by default. With 0, the pending messages
 *                           of a freed queue are dropped unless they are sent before the next
 *                           queue is created.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_freed_queue_bytes(dnstap_options *options,
                                                        size_t freed_queue_bytes);

/**
 * Sets the maximum time that a message waits for further messages, to be sent together with them.
 *
 * @param options       The options.
 * @param milliseconds  From 1 to 600,000; 1,000 by default.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_VALUE
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_flush_interval(dnstap_options *options,
                                                     unsigned int milliseconds);

/**
 * Sets the maximum delay between two attempts to connect. The first retry comes after 100 ms, and
 * each failure doubles the delay.
 *
 * @param options       The options.
 * @param milliseconds  From 100 to 600,000; 5,000 by default.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_VALUE
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_reconnect_interval(dnstap_options *options,
                                                         unsigned int milliseconds);

/**
 * Sets the time limit of a sink for connecting and for each handshake, after which the writer
 * thread closes the connection and retries later; and that of each call with a dnstap_writer, all
 * its steps together.
 *
 * @param options       The options.
 * @param milliseconds  From 1 to 600,000; 5,000 by default.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_VALUE
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_io_timeout(dnstap_options *options,
                                                 unsigned int milliseconds);

/**
 * Sets the time limit of dnstap_sink_close() for sending the pending messages and closing the
 * stream.
 *
 * @param options       The options.
 * @param milliseconds  From 0 to 600,000; 2,000 by default.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_VALUE
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_close_timeout(dnstap_options *options,
                                                    unsigned int milliseconds);

/**
 * Sets the sample rate N: one in N messages is logged. A query and its response, which have the
 * same initiator, port and message ID, are logged together or not at all. Each event records the
 * rate: its `extra` begins with `sample=1/N`, followed by a space and the caller's `extra`, if
 * any. dnstap_sink_set_sample_rate() changes it while the sink is open.
 *
 * @param options      The options.
 * @param sample_rate  At least 1; 1, the default, logs all messages.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_VALUE
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_sample_rate(dnstap_options *options,
                                                  unsigned int sample_rate);

/**
 * Sets whether a stream to a socket is unidirectional. Most receivers reply: they accept the
 * content type, and confirm the end of the stream. For a receiver that does not, use a
 * unidirectional stream. A stream to a file always is.
 *
 * @param options         The options.
 * @param unidirectional  Whether the receiver sends no replies; false by default.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_unidirectional(dnstap_options *options, bool unidirectional);

/**
 * Sets the name of the writer thread.
 *
 * @param options  The options.
 * @param name     A name in UTF-8, of which the system shows 15 bytes; "dnstap-writer" by default.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_VALUE   The name is not valid UTF-8.
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_thread_name(dnstap_options *options, const char *name);

/**
 * Sets the name that the certificate of the server must be valid for.
 *
 * @param options      The options.
 * @param server_name  A DNS name or an address; NULL, the default, for the host of the output.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_VALUE   The name is not valid UTF-8.
 * @retval DNSTAP_ERROR_NO_TLS  The library was built without TLS.
 * @retval DNSTAP_ERROR_NULL    `options` is NULL.
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_tls_server_name(dnstap_options *options,
                                                      const char *server_name);

/**
 * Sets the trusted certificates: those of authorities, and those of servers, which may be
 * self-signed.
 *
 * @param options  The options.
 * @param path     A PEM file, which dnstap_sink_open() reads; NULL, the default, for the
 *                 authorities that the system trusts. A relative path is made absolute by this
 *                 call.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_PATH    `path` is relative, and the working directory cannot be determined.
 * @retval DNSTAP_ERROR_NO_TLS  The library was built without TLS.
 * @retval DNSTAP_ERROR_NULL    `options` is NULL.
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_tls_ca_bundle(dnstap_options *options, const char *path);

/**
 * Sets how the certificate of the server is verified.
 *
 * @param options  The options.
 * @param verify   One of enum dnstap_tls_verify.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_VALUE
 * @retval DNSTAP_ERROR_NO_TLS  The library was built without TLS.
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_tls_verify(dnstap_options *options, uint32_t verify);

/**
 * Sets the certificate for servers that ask clients for one.
 *
 * @param options      The options.
 * @param certificate  A PEM file with the certificate followed by those of its issuers, which
 *                     dnstap_sink_open() reads; NULL, the default, for none. Relative paths are
 *                     made absolute by this call.
 * @param key          A PEM file with the private key, without a passphrase; NULL if `certificate`
 *                     is NULL.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_PATH      A path is relative, and the working directory cannot be
 *                                determined.
 * @retval DNSTAP_ERROR_CONFLICT  One of `certificate` and `key` is NULL, but not the other.
 * @retval DNSTAP_ERROR_NO_TLS    The library was built without TLS.
 * @retval DNSTAP_ERROR_NULL      `options` is NULL.
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_tls_client_certificate(dnstap_options *options,
                                                             const char *certificate,
                                                             const char *key);

/**
 * Opens a sink: starts its writer thread, which connects to the output, and reconnects after every
 * failure. Never waits for the receiver, which may be started later; the events of the sink
 * (dnstap_sink_next_event()) report when it connects. The writer thread blocks all signals.
 *
 * The process may fork before or after this call. A child that logs to the sink gets a writer
 * thread and a stream of its own; if the output is a regular file, the child writes to PATH.PID
 * instead, with its process ID, and if it is a FIFO, only the parent writes to it. The parent's
 * descriptors are closed in the child. A child that is created by _Fork() or clone(), which run no
 * fork handlers, must not use the library.
 *
 * While another thread forks, any call except dnstap_log(), dnstap_log_frame() and
 * dnstap_enabled() may wait until the fork is over. The caller must therefore not hold a lock that
 * a fork handler of the program takes.
 *
 * @param options     The options, which are copied; an output must be set.
 *                    dnstap_options_get_error() has the details of an error.
 * @param[out] error  DNSTAP_OK or the error; may be NULL. In addition to the errors of
 *                    dnstap_options_check(), DNSTAP_ERROR_SYSTEM or DNSTAP_ERROR_MEMORY.
 * @return            The sink, to be closed with dnstap_sink_close(); NULL on an error.
 */
dnstap_sink *dnstap_sink_open(dnstap_options *options, enum dnstap_result *error);

/**
 * Retrieves the current counters. Any thread may call it.
 *
 * @param sink           The sink.
 * @param[in,out] stats  Receives the counters; `stats->size` must be set before, as by
 *                       DNSTAP_STATS_INIT. Fields that this version of the library does not know
 *                       are set to 0.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_SIZE    `stats->size` is not set.
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_sink_get_stats(const dnstap_sink *sink, struct dnstap_stats *stats);

/**
 * Retrieves the time of, and the reason for, the last failure to connect or break of the stream,
 * as one line without a full stop, such as "2026-03-01T12:00:00Z: /run/tap.sock: connecting: No
 * such file or directory". The time is in UTC. The line is kept when the sink has reconnected; see
 * the state and the events for the current situation. Any thread may call it.
 *
 * @param sink       The sink.
 * @param[out] line  Receives the line, truncated to `size` and terminated by NUL; empty if nothing
 *                   has failed in this process.
 * @param size       Size of `line` in bytes.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_sink_get_error(const dnstap_sink *sink, char *line, size_t size);

/**
 * Sets the message types to log, for each queue from its next message on. Any thread may call it.
 *
 * @param sink           The sink.
 * @param message_types  As for dnstap_options_set_message_types().
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_VALUE   A bit does not belong to a known message type.
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_sink_set_message_types(dnstap_sink *sink, uint32_t message_types);

/**
 * Sets the name of the server, for each queue from its next message on. Any thread may call it.
 *
 * @param sink      The sink.
 * @param identity  At most 65,535 bytes, which are copied; NULL for none.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_LENGTH  `identity` is longer than 65,535 bytes.
 * @retval DNSTAP_ERROR_NULL    `sink` is NULL.
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_sink_set_identity(dnstap_sink *sink, const char *identity);

/**
 * Sets the software and version of the server, for each queue from its next message on. Any thread
 * may call it.
 *
 * @param sink     The sink.
 * @param version  At most 65,535 bytes, which are copied; NULL for none.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_LENGTH  `version` is longer than 65,535 bytes.
 * @retval DNSTAP_ERROR_NULL    `sink` is NULL.
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_sink_set_version(dnstap_sink *sink, const char *version);

/**
 * Sets the sample rate, for each queue from its next message on. Any thread may call it. A query
 * and its response are logged together or not at all, unless the rate changes between them.
 *
 * @param sink         The sink.
 * @param sample_rate  As for dnstap_options_set_sample_rate().
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_VALUE   `sample_rate` is 0.
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_sink_set_sample_rate(dnstap_sink *sink, unsigned int sample_rate);

/**
 * Ends the stream after the current frame, and begins a new one. No message is lost or sent twice.
 * To rotate a file, rename it and call this function: a new file is created under the old name. A
 * file that was not renamed is continued. A socket is reconnected. Returns immediately; any thread
 * may call it.
 *
 * @param sink  The sink.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_sink_reopen(dnstap_sink *sink);

/**
 * Sends all messages that were logged before this call, without waiting for the flush interval,
 * and waits until they are sent. If the stream is down, an attempt to open it is made immediately.
 * For programs that are about to exit, or to call exec(), without closing the sink. Any thread may
 * call it.
 *
 * @param sink          The sink.
 * @param milliseconds  Maximum time to wait; 0 returns immediately.
 * @retval DNSTAP_OK         All of these messages have been handed to the operating system, or
 *                           dropped.
 * @retval DNSTAP_TIMED_OUT  Some of them are still pending; they stay in the rings.
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_sink_flush(dnstap_sink *sink, unsigned int milliseconds);

/**
 * Begins to close a sink, and returns immediately. From here on, messages are refused; in the
 * background, the writer thread sends the pending messages, closes the stream, and ends, within
 * the close timeout, which starts now. dnstap_sink_close() must still be called; it waits only for
 * the rest of the timeout. A program with several sinks should call this function for all of them
 * before it closes the first one, so that all are closed within a single timeout. Further calls
 * have no effect. Any thread may call it.
 *
 * @param sink  The sink. Its events and dnstap_sink_get_stats() show the progress.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_sink_begin_close(dnstap_sink *sink);

/**
 * Sends the pending messages, closes the stream, ends the writer thread, and frees the sink.
 * Returns at the latest half a second after the close timeout, which starts with this call or has
 * started with dnstap_sink_begin_close(). No other thread may be using the sink. Its queues may
 * still exist; messages that are logged to them from here on are refused. Pending events are
 * freed: retrieve them before this call.
 *
 * If the stream is down and messages are pending, one more attempt to open it is made immediately.
 * If it fails, the messages are dropped without further waiting, and counted as `dropped_closed`.
 *
 * A program that ends without this call, by exit() or a signal, loses the pending messages: those
 * of the last flush interval, or more if the receiver is away. dnstap_sink_flush() sends them.
 *
 * @param[in,out] sink  Pointer to the sink; set to NULL.
 * @param[out] stats    Receives the final counters, as from dnstap_sink_get_stats(); may be NULL.
 * @retval DNSTAP_OK            The sink is closed, or was NULL already.
 * @retval DNSTAP_ERROR_SIZE    The sink is closed, but `stats->size` is not set.
 * @retval DNSTAP_ERROR_NULL    `sink` is NULL.
 * @retval DNSTAP_ERROR_HANDLE  Not closed: the handle is not a sink.
 */
enum dnstap_result dnstap_sink_close(dnstap_sink **sink, struct dnstap_stats *stats);

/**
 * Retrieves the oldest pending event, and removes it. Never waits. Any thread may call it, but as
 * the text is valid only until the next call, one thread at a time should retrieve and log events.
 * A forked child starts without events.
 *
 * @param sink           The sink.
 * @param[in,out] event  Receives the event; `event->size` must be set before, as by
 *                       DNSTAP_EVENT_INIT. Fields that this version of the library does not know
 *                       are set to 0.
 * @retval DNSTAP_OK
 * @retval DNSTAP_END           No event is pending.
 * @retval DNSTAP_ERROR_SIZE    `event->size` is not set; the event stays pending.
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_sink_next_event(dnstap_sink *sink, struct dnstap_event *event);

/**
 * Returns a file descriptor that is readable while events are pending, for poll() and similar
 * calls. The first call creates it. It belongs to the sink, and dnstap_sink_close() closes it: do
 * not read, write or close it. If it was closed by mistake, the next call creates another one; so
 * does the first call in a forked child, in which the parent's descriptor is closed. Any thread
 * may call it.
 *
 * @param sink  The sink.
 * @return      The descriptor; -1 if the system is out of descriptors, or `sink` is not a sink.
 */
int dnstap_sink_get_event_fd(dnstap_sink *sink);

/**
 * Creates a queue, to which one thread at a time logs: a ring of memory of its own, so that
 * logging threads never wait for each other. Queues can be created and freed at any time while the
 * sink is open. Any thread may call it.
 *
 * @param sink        The sink.
 * @param[out] error  DNSTAP_OK or the error; may be NULL. DNSTAP_ERROR_MEMORY if the ring cannot
 *                    be allocated, DNSTAP_ERROR_CLOSED if the sink is closed, DNSTAP_ERROR_NULL or
 *                    DNSTAP_ERROR_HANDLE if `sink` is not a sink.
 * @return            The queue, to be freed with dnstap_queue_free(), before or after the sink is
 *                    closed; NULL on an error.
 */
dnstap_queue *dnstap_queue_new(dnstap_sink *sink, enum dnstap_result *error);

/**
 * Frees a queue. Its pending messages are still sent, unless freed queues hold too much memory
 * (dnstap_options_set_freed_queue_bytes()). Any thread may call it, while no thread is logging to
 * the queue.
 *
 * @param[in,out] queue  Pointer to the queue; set to NULL. If it is NULL already, or a handle of
 *                       another kind, nothing happens.
 */
void dnstap_queue_free(dnstap_queue **queue);

/**
 * Logs a message: encodes it into the ring of the queue, or drops and counts it. Never waits, and
 * allocates nothing, except for the first message of a forked child, which starts its writer
 * thread. If preparing a message takes work, call dnstap_enabled() first.
 *
 * @param queue    The queue; only one thread at a time may use it.
 * @param message  The message; neither it nor the data it points to is used after the call.
 * @retval DNSTAP_OK                  The message is pending, and will be sent.
 * @retval DNSTAP_DISABLED            The message type is not enabled.
 * @retval DNSTAP_SAMPLED_OUT         The message is not in the sample.
 * @retval DNSTAP_ERROR_FULL          Dropped: the ring is full, as the receiver is slow or away.
 * @retval DNSTAP_ERROR_TOO_LONG      Dropped: the message is longer than half of the ring.
 * @retval DNSTAP_ERROR_CLOSED        The sink is closed, or a forked child could not start its
 *                                    writer thread.
 * @retval DNSTAP_ERROR_FAMILY        Dropped: an address family is invalid.
 * @retval DNSTAP_ERROR_TIME          Dropped: a time is invalid.
 * @retval DNSTAP_ERROR_LENGTH        Dropped: a field is longer than 65,535 bytes.
 * @retval DNSTAP_ERROR_POLICY_TYPE   Dropped: the policy type is not valid UTF-8.
 * @retval DNSTAP_ERROR_NULL          Dropped: a field has a length, but its `data` is NULL. Not
 *                                    counted: `queue` or `message` is NULL.
 * @retval DNSTAP_ERROR_SIZE          Dropped: the `size` of the policy is not set. Not counted:
 *                                    that of the message is not set.
 * @retval DNSTAP_ERROR_MESSAGE_TYPE  Not counted: the message type is unknown.
 * @retval DNSTAP_ERROR_HANDLE        Not counted: `queue` is not a queue.
 */
enum dnstap_result dnstap_log(dnstap_queue *queue, const struct dnstap_message *message);

/**
 * Logs an event that is already encoded, for example by dnstap_encode(), or read with
 * dnstap_reader_get_frame(). Like dnstap_log(), it drops and counts what it cannot log, and
 * neither waits nor allocates. The event is sent unchanged: it is not decoded or checked, the
 * identity and version of the sink are not added, and the sample rate does not apply.
 *
 * @param queue         The queue; only one thread at a time may use it.
 * @param message_type  The type of the message in the event, one of enum dnstap_message_type. The
 *                      event is logged if this type is enabled, and counted under it.
 * @param frame         The event, which is copied: the payload of a data frame with the content
 *                      type protobuf:dnstap.Dnstap. Most readers accept at most 1 MiB.
 * @param length        Length of the event in bytes.
 * @retval DNSTAP_OK                  The event is pending, and will be sent.
 * @retval DNSTAP_DISABLED            The message type is not enabled.
 * @retval DNSTAP_ERROR_FULL          Dropped: the ring is full, as the receiver is slow or away.
 * @retval DNSTAP_ERROR_TOO_LONG      Dropped: the event is longer than half of the ring.
 * @retval DNSTAP_ERROR_LENGTH        Dropped, and counted as invalid: `length` is 0, or larger
 *                                    than any object can be.
 * @retval DNSTAP_ERROR_CLOSED        The sink is closed, or a forked child could not start its
 *                                    writer thread.
 * @retval DNSTAP_ERROR_MESSAGE_TYPE  Not counted: the message type is unknown.
 * @retval DNSTAP_ERROR_NULL          Not counted: `queue` or `frame` is NULL.
 * @retval DNSTAP_ERROR_HANDLE        Not counted: `queue` is not a queue.
 */
enum dnstap_result dnstap_log_frame(dnstap_queue *queue,
                                    uint32_t message_type,
                                    const uint8_t *frame,
                                    size_t length);

/**
 * Returns the buffer size that dnstap_encode() requires for a message, usually some 100 bytes more
 * than the event will have. Any thread may call it.
 *
 * @param message  The message.
 * @return         Size in bytes; 0 if the message cannot be encoded.
 */
size_t dnstap_encoded_size_max(const struct dnstap_message *message);

/**
 * Encodes a message as an event, the payload of one data frame, for a transport of the caller's
 * own. The identity and version are those of the message. Allocates nothing. Any thread may call
 * it.
 *
 * @param[out] buffer  Receives the event. The rest of the buffer may be overwritten.
 * @param capacity     Size of the buffer in bytes, at least dnstap_encoded_size_max().
 * @param[out] length  Length of the event in bytes; 0 on an error.
 * @param message      The message.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_BUFFER        `capacity` is less than dnstap_encoded_size_max().
 * @retval DNSTAP_ERROR_MESSAGE_TYPE  The message type is unknown.
 * @retval DNSTAP_ERROR_FAMILY        An address family is invalid.
 * @retval DNSTAP_ERROR_TIME          A time is invalid.
 * @retval DNSTAP_ERROR_LENGTH        A field is longer than 65,535 bytes.
 * @retval DNSTAP_ERROR_POLICY_TYPE   The policy type is not valid UTF-8.
 * @retval DNSTAP_ERROR_SIZE          The `size` of the message or of its policy is not set.
 * @retval DNSTAP_ERROR_NULL          An argument is NULL, or a field has a length, but its `data`
 *                                    is NULL.
 */
enum dnstap_result dnstap_encode(uint8_t *buffer,
                                 size_t capacity,
                                 size_t *length,
                                 const struct dnstap_message *message);

/**
 * Decodes an event, the payload of a data frame with the content type protobuf:dnstap.Dnstap.
 * Allocates nothing. Any thread may call it.
 *
 * Numbers that only a newer schema names are kept. If an event does not contain a DNS message, the
 * type of the message is 0. The family of an address follows from its length; an address that is
 * neither 4 nor 16 bytes long, and a port above 65,535, are ignored.
 *
 * @param frame         The event.
 * @param length        Length of the event in bytes.
 * @param[out] message  Receives the message; its `size` must be set before, as by
 *                      DNSTAP_MESSAGE_INIT. It points into the frame and the storage, and is valid
 *                      as long as both exist unchanged. It may be copied.
 * @param[out] storage  Receives data that the message points to; its `size` must be set before, as
 *                      by DNSTAP_STORAGE_INIT.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_DECODE  The frame is not a dnstap event.
 * @retval DNSTAP_ERROR_SIZE    The `size` of `message` or `storage` is not set.
 * @retval DNSTAP_ERROR_NULL    An argument is NULL. After any error, both structs are unchanged.
 */
enum dnstap_result dnstap_decode(const uint8_t *frame,
                                 size_t length,
                                 struct dnstap_message *message,
                                 struct dnstap_storage *storage);

/**
 * Opens a dnstap file, to read it from the beginning.
 *
 * @param path        The path of a file, or of a FIFO; dnstap_reader_next() waits for its writer.
 * @param[out] error  DNSTAP_OK or the error; may be NULL. DNSTAP_ERROR_IO, with errno set, if the
 *                    file cannot be opened; DNSTAP_ERROR_MEMORY or DNSTAP_ERROR_NULL.
 * @return            The reader, to be closed with dnstap_reader_close(); NULL on an error, of
 *                    which dnstap_reader_get_error(NULL) has the details.
 */
dnstap_reader *dnstap_reader_open(const char *path, enum dnstap_result *error);

/**
 * Opens a reader on a file, pipe or connected socket. On a socket, both kinds of stream are
 * accepted: if the stream begins with READY, the reader replies.
 *
 * @param fd          The file descriptor, which is duplicated; the caller may close it.
 * @param[out] error  DNSTAP_OK or the error; may be NULL. DNSTAP_ERROR_VALUE if `fd` is negative;
 *                    DNSTAP_ERROR_IO, with errno set, if it cannot be duplicated;
 *                    DNSTAP_ERROR_MEMORY.
 * @return            The reader, to be closed with dnstap_reader_close(); NULL on an error, of
 *                    which dnstap_reader_get_error(NULL) has the details.
 */
dnstap_reader *dnstap_reader_open_fd(int fd, enum dnstap_result *error);

/**
 * Sets the maximum frame size. Larger frames are skipped.
 *
 * @param reader  The reader.
 * @param bytes   From 512 bytes to 2 GiB - 1; 1 MiB by default.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_VALUE
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_reader_set_max_frame_size(dnstap_reader *reader, size_t bytes);

/**
 * Reads the next message. Allocates nothing, except for a frame that is longer than all before it.
 *
 * @param reader        The reader.
 * @param[out] message  Receives the message, decoded as by dnstap_decode(); its `size` must be set
 *                      before. It points into the reader, and is valid until the next call with
 *                      the reader. It may be copied. NULL to read a frame without decoding it. Not
 *                      written to on an error.
 * @param milliseconds  Maximum time of the call, even if the sender never pauses but does not
 *                      complete a message. Data that has already arrived is read, up to 1 MiB,
 *                      even with 0. Reading a regular file has no time limit.
 * @retval DNSTAP_OK
 * @retval DNSTAP_END                 The sender has ended the stream.
 * @retval DNSTAP_TIMED_OUT           Call again. A frame that has been read in part is kept.
 * @retval DNSTAP_ERROR_DECODE        Call again for the next frame: this one is not a dnstap
 *                                    event. dnstap_reader_get_frame() returns it.
 * @retval DNSTAP_ERROR_FRAME_SIZE    Call again for the next frame: this one was too large, and
 *                                    was skipped.
 * @retval DNSTAP_ERROR_NO_STOP       The stream ended without STOP.
 * @retval DNSTAP_ERROR_TORN          The stream ended inside a frame.
 * @retval DNSTAP_ERROR_STREAM        The stream ends here: the data is not a Frame Streams stream,
 *                                    or is damaged.
 * @retval DNSTAP_ERROR_CONTENT_TYPE  The stream ends here: its content type is not
 *                                    protobuf:dnstap.Dnstap.
 * @retval DNSTAP_ERROR_IO            The stream ends here: reading failed.
 * @retval DNSTAP_ERROR_MEMORY        The stream ends here: out of memory for a large frame.
 * @retval DNSTAP_ERROR_SIZE          `message->size` is not set. The frame was read;
 *                                    dnstap_reader_get_frame() returns it.
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_reader_next(dnstap_reader *reader,
                                      struct dnstap_message *message,
                                      unsigned int milliseconds);

/**
 * Retrieves the frame that the last call of dnstap_reader_next() has read, unchanged.
 *
 * @param reader      The reader.
 * @param[out] frame  Receives the payload, which is in the memory of the reader and valid until
 *                    the next call of dnstap_reader_next(); absent if the last call has read no
 *                    frame.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_reader_get_frame(const dnstap_reader *reader, struct dnstap_bytes *frame);

/**
 * Returns the reason for the last error of a call with this reader, with the byte offset in the
 * stream, as one line without a full stop.
 *
 * @param reader  The reader; NULL for the last failure of this thread to open one.
 * @return        A string, valid until the next call with this reader, or, for NULL, until this
 *                thread fails to open another one; never NULL.
 */
const char *dnstap_reader_get_error(const dnstap_reader *reader);

/**
 * Closes the stream, and frees the reader.
 *
 * @param[in,out] reader  Pointer to the reader; set to NULL. If it is NULL already, nothing
 *                        happens.
 */
void dnstap_reader_close(dnstap_reader **reader);

/**
 * Opens a stream to write to from one thread that can wait: for converters and short-lived
 * programs. Unlike a sink, a writer drops nothing, starts no thread except to look up a host name,
 * and connects only once: if no receiver listens, this call fails.
 *
 * No call with a writer takes longer than the I/O timeout of the options, except that writing to a
 * regular file has no time limit. A receiver must therefore be able to read some 64 KiB within the
 * timeout. SIGPIPE is not raised. The descriptor is closed on exec(), and in forked children,
 * which cannot use the writer.
 *
 * @param options     The options, which are copied; an output must be set. A writer uses the
 *                    output, identity, version, message types, I/O timeout, unidirectional and
 *                    TLS; the other options, including the sample rate, are ignored.
 *                    dnstap_options_get_error() has the details of an error.
 * @param[out] error  DNSTAP_OK or the error; may be NULL. In addition to the errors of
 *                    dnstap_options_check(): DNSTAP_ERROR_IO if the output cannot be opened, or
 *                    the receiver does not reply in time; DNSTAP_ERROR_CONTENT_TYPE if the
 *                    receiver does not accept dnstap; DNSTAP_ERROR_STREAM if it does not speak
 *                    Frame Streams; DNSTAP_ERROR_MEMORY.
 * @return            The writer, to be closed with dnstap_writer_close(); NULL on an error.
 */
dnstap_writer *dnstap_writer_open(dnstap_options *options, enum dnstap_result *error);

/**
 * Writes a message into a buffer, which is handed to the operating system when it holds 64 KiB.
 * The first failure of the stream ends it: all further calls return the same error.
 *
 * @param writer   The writer.
 * @param message  The message; neither it nor the data it points to is used after the call. If its
 *                 identity or version is absent, that of the options is written.
 * @retval DNSTAP_OK
 * @retval DNSTAP_DISABLED            Not written: the options do not include the message type.
 * @retval DNSTAP_ERROR_MESSAGE_TYPE  Not written: the message type is unknown.
 * @retval DNSTAP_ERROR_FAMILY        Not written: an address family is invalid.
 * @retval DNSTAP_ERROR_TIME          Not written: a time is invalid.
 * @retval DNSTAP_ERROR_LENGTH        Not written: a field is longer than 65,535 bytes.
 * @retval DNSTAP_ERROR_POLICY_TYPE   Not written: the policy type is not valid UTF-8.
 * @retval DNSTAP_ERROR_SIZE          Not written: the `size` of the message or of its policy is
 *                                    not set.
 * @retval DNSTAP_ERROR_NULL          Not written: an argument is NULL, or a field has a length,
 *                                    but its `data` is NULL.
 * @retval DNSTAP_ERROR_MEMORY        Not written: out of memory. The stream goes on without the
 *                                    message.
 * @retval DNSTAP_ERROR_IO            The stream has failed, or the receiver did not read within
 *                                    the I/O timeout. dnstap_writer_get_error() has the details.
 * @retval DNSTAP_ERROR_CLOSED        The writer belongs to the parent of this forked child.
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_writer_write(dnstap_writer *writer, const struct dnstap_message *message);

/**
 * Writes an event that is already encoded, for example by dnstap_encode(), or read with
 * dnstap_reader_get_frame(). The event is written unchanged: it is not decoded or checked.
 *
 * @param writer  The writer.
 * @param frame   The event: the payload of a data frame with the content type
 *                protobuf:dnstap.Dnstap. Most readers accept at most 1 MiB.
 * @param length  Length of the event in bytes, from 1 to 4 GiB - 1.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_LENGTH  Not written: `length` is out of range.
 * @retval DNSTAP_ERROR_NULL    Not written: an argument is NULL.
 * @retval DNSTAP_ERROR_MEMORY  Not written: out of memory. The stream goes on without the event.
 * @retval DNSTAP_ERROR_IO      As for dnstap_writer_write().
 * @retval DNSTAP_ERROR_CLOSED  The writer belongs to the parent of this forked child.
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_writer_write_frame(dnstap_writer *writer,
                                             const uint8_t *frame,
                                             size_t length);

/**
 * Hands the buffered data to the operating system.
 *
 * @param writer  The writer.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_IO      As for dnstap_writer_write().
 * @retval DNSTAP_ERROR_CLOSED  The writer belongs to the parent of this forked child.
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_writer_flush(dnstap_writer *writer);

/**
 * Returns the reason for the last error of a call with this writer, as one line without a full
 * stop.
 *
 * @param writer  The writer; NULL for the last writer that this thread closed with an error.
 * @return        A string, valid until the next call with this writer, or, for NULL, until this
 *                thread closes another one with an error; never NULL.
 */
const char *dnstap_writer_get_error(const dnstap_writer *writer);

/**
 * Writes the buffered data, ends the stream, waits until the receiver confirms that it has read
 * everything (unless the stream is unidirectional), and frees the writer. Without this call, the
 * buffered data is lost, and the stream ends without STOP.
 *
 * @param[in,out] writer  Pointer to the writer; set to NULL.
 * @retval DNSTAP_OK            Everything was written and, unless the stream is unidirectional,
 *                              confirmed; or the writer was NULL already.
 * @retval DNSTAP_ERROR_IO      Freed, but the stream has failed, or the receiver did not confirm
 *                              within the I/O timeout. dnstap_writer_get_error(NULL) has the
 *                              details of this error and the next two.
 * @retval DNSTAP_ERROR_STREAM  Freed, but the receiver sent an invalid reply.
 * @retval DNSTAP_ERROR_CLOSED  Freed; the stream belongs to the parent of this forked child.
 * @retval DNSTAP_ERROR_NULL    `writer` is NULL.
 * @retval DNSTAP_ERROR_HANDLE  Not freed: the handle is not a writer.
 */
enum dnstap_result dnstap_writer_close(dnstap_writer **writer);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

/**
 * Returns whether a result is an error, as opposed to DNSTAP_OK or a status. Also exported as a
 * symbol. Any thread and any signal handler may call it.
 *
 * @param result  A result of this library; unknown numbers are allowed.
 * @return        Whether the result is below 0.
 */
static inline bool dnstap_is_error(dnstap_result result)
{
  return result < 0;
}

/**
 * Returns whether messages of a type are currently logged. If not, the caller need not prepare a
 * message for dnstap_log(). Costs a load and a branch. Also exported as a symbol. Any thread and
 * any signal handler may call it.
 *
 * @param queue  The queue; NULL is allowed, for servers without a sink.
 * @param type   One of enum dnstap_message_type; unknown numbers are allowed.
 * @return       Whether the type is enabled; false if `queue` is NULL or the type is unknown.
 */
static inline bool dnstap_enabled(const dnstap_queue *queue, uint32_t type)
{
  /* A queue begins with the set of enabled types. The library uses bit 0, which belongs to no
   * type. */
#ifdef __cplusplus
  const volatile uint32_t *types = reinterpret_cast<const volatile uint32_t *>(queue);
#else
  const volatile uint32_t *types = (const volatile uint32_t *)(const volatile void *)queue;
#endif
  if (!types || type == 0 || type >= 32)
    return false;
#ifdef __GNUC__
  return (__atomic_load_n(types, __ATOMIC_RELAXED) & UINT32_C(1) << type) != 0;
#else
  /* Other compilers, such as tcc, read an aligned volatile word with one instruction. */
  return (*types & UINT32_C(1) << type) != 0;
#endif
}

/**
 * Converts a struct timespec, as set by clock_gettime(CLOCK_REALTIME, ...), to a dnstap_time.
 *
 * @param time  The time; must not be NULL.
 * @return      The same time.
 */
static inline dnstap_time dnstap_time_of(const struct timespec *time)
{
#ifdef __cplusplus
  dnstap_time same = {static_cast<int64_t>(time->tv_sec), static_cast<uint32_t>(time->tv_nsec)};
#else
  dnstap_time same = {(int64_t)time->tv_sec, (uint32_t)time->tv_nsec};
#endif
  return same;
}

#endif  /* LIBDNSTAP_H */
