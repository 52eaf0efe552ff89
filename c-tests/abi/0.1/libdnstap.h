/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file
 * dnstap for DNS software: logs the DNS messages that a server receives and sends, at negligible cost.
 *
 * A server opens a sink, creates a queue for each of its threads, and logs messages to these queues.
 * Logging never blocks, allocates memory or takes a lock; a writer thread sends the logged messages.
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
 * dnstap_encode() alone. Programs that read dnstap use dnstap_reader_open() and dnstap_reader_next(),
 * or dnstap_decode().
 *
 * Unless a function says otherwise, only one thread at a time may use an object. The only functions
 * that a signal handler may call are dnstap_enabled() and dnstap_is_error(). A function that fails
 * returns an error, a number below 0, which dnstap_strerror() describes. The library aborts the
 * process only if a small allocation fails; for large objects, such as rings and buffers, it returns
 * DNSTAP_ERROR_MEMORY instead. Strings and bytes that are passed in need not outlive the call, except
 * for the frame that is passed to dnstap_decode().
 *
 * The interface can grow without breaking compiled programs. Structs that a program allocates begin
 * with their `size`, which the DNSTAP_..._INIT macros set; the library neither reads nor writes beyond
 * it. Later versions may append fields to these structs, and add results, constants and functions;
 * they do not change existing ones. struct dnstap_bytes, struct dnstap_time and union dnstap_address
 * never change. A program should be prepared for numbers that its header does not name: in results,
 * states, events and decoded messages.
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

/** The bit of a message type, which must be below 32, in a set of message types, a uint32_t. */
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
    sizeof(dnstap_event), 0, 0, {0, 0}, 0, NULL                                                    \
  }
/** Initialises a struct dnstap_stats for dnstap_sink_get_stats() and dnstap_sink_close(). */
#define DNSTAP_STATS_INIT                                                                          \
  {                                                                                                \
    sizeof(dnstap_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, {0}                               \
  }

/**
 * At which hop, at which of its ends and in which direction a DNS message was seen.
 */
typedef enum dnstap_message_type {
  /**
   * A server got a query as the authority for its zone.
   */
  DNSTAP_MESSAGE_TYPE_AUTH_QUERY = 1,
  /**
   * A server answered as the authority for its zone.
   */
  DNSTAP_MESSAGE_TYPE_AUTH_RESPONSE = 2,
  /**
   * A resolver asked an authoritative server.
   */
  DNSTAP_MESSAGE_TYPE_RESOLVER_QUERY = 3,
  /**
   * A resolver got the answer of an authoritative server.
   */
  DNSTAP_MESSAGE_TYPE_RESOLVER_RESPONSE = 4,
  /**
   * A resolver or forwarder was asked by a client.
   */
  DNSTAP_MESSAGE_TYPE_CLIENT_QUERY = 5,
  /**
   * A resolver or forwarder answered a client.
   */
  DNSTAP_MESSAGE_TYPE_CLIENT_RESPONSE = 6,
  /**
   * A forwarder asked the next resolver.
   */
  DNSTAP_MESSAGE_TYPE_FORWARDER_QUERY = 7,
  /**
   * A forwarder got the answer of the next resolver.
   */
  DNSTAP_MESSAGE_TYPE_FORWARDER_RESPONSE = 8,
  /**
   * A stub resolver asked.
   */
  DNSTAP_MESSAGE_TYPE_STUB_QUERY = 9,
  /**
   * A stub resolver got the answer.
   */
  DNSTAP_MESSAGE_TYPE_STUB_RESPONSE = 10,
  /**
   * A tool such as dig asked.
   */
  DNSTAP_MESSAGE_TYPE_TOOL_QUERY = 11,
  /**
   * A tool such as dig got the answer.
   */
  DNSTAP_MESSAGE_TYPE_TOOL_RESPONSE = 12,
  /**
   * An authoritative server got a dynamic update (RFC 2136).
   */
  DNSTAP_MESSAGE_TYPE_UPDATE_QUERY = 13,
  /**
   * An authoritative server answered a dynamic update.
   */
  DNSTAP_MESSAGE_TYPE_UPDATE_RESPONSE = 14,
} dnstap_message_type;

/**
 * How to read the addresses.
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
 * How a DNS message travelled.
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
   * TLS (RFC 7858).
   */
  DNSTAP_SOCKET_PROTOCOL_DOT = 3,
  /**
   * HTTPS (RFC 8484).
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
   * QUIC (RFC 9250).
   */
  DNSTAP_SOCKET_PROTOCOL_DOQ = 7,
} dnstap_socket_protocol;

/**
 * The version of HTTP below DNS over HTTPS.
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
 * What was done because of a policy.
 */
typedef enum dnstap_policy_action {
  /**
   * Answered that the name does not exist.
   */
  DNSTAP_POLICY_ACTION_NXDOMAIN = 1,
  /**
   * Answered that the name has no such record.
   */
  DNSTAP_POLICY_ACTION_NODATA = 2,
  /**
   * Left the answer as it was.
   */
  DNSTAP_POLICY_ACTION_PASS = 3,
  /**
   * Gave no answer.
   */
  DNSTAP_POLICY_ACTION_DROP = 4,
  /**
   * Answered with TC set, so that the client comes back over TCP.
   */
  DNSTAP_POLICY_ACTION_TRUNCATE = 5,
  /**
   * Answered with records of the policy.
   */
  DNSTAP_POLICY_ACTION_LOCAL_DATA = 6,
} dnstap_policy_action;

/**
 * What a policy was compared with.
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
 * Number of entries in an array by message type: one for each bit of a set, so that there is room
 * for later types.
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
   * Out of threads or file descriptors.
   */
  DNSTAP_ERROR_SYSTEM = -5,
  /**
   * An internal error of the library. The process can continue.
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
 * Where a writer thread stands with its receiver.
 */
typedef enum dnstap_state {
  /**
   * No connection; the next try is on a timer.
   */
  DNSTAP_STATE_DISCONNECTED = 0,
  /**
   * Connecting, or in the handshake.
   */
  DNSTAP_STATE_CONNECTING = 1,
  /**
   * The stream is open.
   */
  DNSTAP_STATE_CONNECTED = 2,
  /**
   * The stream is being closed, or the thread has ended.
   */
  DNSTAP_STATE_CLOSING = 3,
} dnstap_state;

/**
 * The kind of an event.
 */
typedef enum dnstap_event_kind {
  /**
   * A stream is open: the receiver was connected, or the file was opened. Also after
   * dnstap_sink_reopen().
   */
  DNSTAP_EVENT_KIND_CONNECTED = 1,
  /**
   * A try to connect failed. Only the first failure since the start, or since the last event of
   * another kind about the stream; dnstap_sink_get_error() has the latest.
   */
  DNSTAP_EVENT_KIND_CONNECT_FAILED = 2,
  /**
   * The stream broke off. The sink connects again.
   */
  DNSTAP_EVENT_KIND_DISCONNECTED = 3,
  /**
   * A file could not be written to, as on a full disk. Only the first failure in a row. The
   * messages are kept, and written as soon as that is possible.
   */
  DNSTAP_EVENT_KIND_WRITE_FAILED = 4,
  /**
   * Messages are being dropped: the first one since the start, or since
   * DNSTAP_EVENT_KIND_RECOVERED.
   */
  DNSTAP_EVENT_KIND_DROPPING = 5,
  /**
   * No more messages are dropped, and the receiver takes them: none was dropped for 2 seconds.
   * If messages are dropped again within a minute, this time is doubled, up to 60 seconds.
   */
  DNSTAP_EVENT_KIND_RECOVERED = 6,
  /**
   * The sink is closed: nothing is sent any more. The last event, which a program can wait for
   * after dnstap_sink_begin_close().
   */
  DNSTAP_EVENT_KIND_CLOSED = 7,
} dnstap_event_kind;

/**
 * What the certificate of a server has to prove.
 */
typedef enum dnstap_tls_verify {
  /**
   * That it is the server of the name, as a trusted authority says. The default.
   */
  DNSTAP_TLS_VERIFY_NAME = 0,
  /**
   * That a trusted authority knows the server, by whatever name.
   */
  DNSTAP_TLS_VERIFY_AUTHORITY = 1,
  /**
   * Nothing: nobody can read along, but anybody can be the server.
   */
  DNSTAP_TLS_VERIFY_NOTHING = 2,
} dnstap_tls_verify;

/**
 * Counts of messages by their fate. At every moment `logged = sent + waiting + dropped_full +
 * dropped_too_long + dropped_invalid + dropped_closed`.
 *
 * The counters of a forked child start at 0: earlier events, and those pending at the fork, belong
 * to its parent.
 */
typedef struct dnstap_stats {
  /**
   * Size in bytes of this struct, set by the caller, as DNSTAP_STATS_INIT does: later versions may
   * be longer.
   */
  size_t size;
  /**
   * Messages that were logged: of enabled types, and in the sample.
   */
  uint64_t logged;
  /**
   * Messages handed over to the operating system. What a receiver had not read when it died is
   * among them: no sender can know.
   */
  uint64_t sent;
  /**
   * Messages in the rings.
   */
  uint64_t waiting;
  /**
   * Messages for which the ring was full, and those of freed queues that were dropped for new
   * queues (dnstap_options_set_freed_queue_bytes()).
   */
  uint64_t dropped_full;
  /**
   * Messages longer than half of their ring.
   */
  uint64_t dropped_too_long;
  /**
   * Messages that are invalid, such as with an address of the wrong family.
   */
  uint64_t dropped_invalid;
  /**
   * Messages that were not sent within the close timeout, or came too late to be sent.
   */
  uint64_t dropped_closed;
  /**
   * Messages of enabled types that were left out of the sample. They are not among those logged.
   */
  uint64_t sampled_out;
  /**
   * Bytes sent, with the lengths of the frames and without control frames.
   */
  uint64_t bytes_sent;
  /**
   * Streams that were opened up to START.
   */
  uint64_t connects;
  /**
   * Failed attempts to open a stream.
   */
  uint64_t connect_failures;
  /**
   * Streams that broke off.
   */
  uint64_t disconnects;
  /**
   * Where the writer thread stands with the receiver: one of enum dnstap_state.
   */
  uint32_t state;
  /**
   * The messages that were logged, by number of enum dnstap_message_type.
   */
  uint64_t logged_by_type[DNSTAP_MESSAGE_TYPE_COUNT];
} dnstap_stats;

/**
 * A time since 1970-01-01 UTC; one of 0 is absent. dnstap_time_of() converts a struct timespec.
 * The same on every platform, whatever its time_t is.
 */
typedef struct dnstap_time {
  /**
   * At least 0.
   */
  int64_t seconds;
  /**
   * Below 1,000,000,000.
   */
  uint32_t nanoseconds;
} dnstap_time;

/**
 * A change of a sink that its program may want to log.
 */
typedef struct dnstap_event {
  /**
   * Size in bytes of this struct, set by the caller: later versions may be longer.
   */
  size_t size;
  /**
   * One of enum dnstap_event_kind; later versions may have more.
   */
  uint32_t kind;
  /**
   * Events before this one that were discarded: a sink keeps the latest 64.
   */
  uint32_t missed;
  /**
   * When it happened.
   */
  struct dnstap_time time;
  /**
   * Messages that were dropped, for any reason (dnstap_stats has each): with
   * DNSTAP_EVENT_KIND_DROPPING so far, with DNSTAP_EVENT_KIND_RECOVERED since the last event of
   * this kind, and with DNSTAP_EVENT_KIND_CLOSED since then. 0 with other kinds.
   */
  uint64_t count;
  /**
   * A line to log, without a full stop: the receiver and the reason, or how many messages were
   * dropped for which reason. Valid until the next call of dnstap_sink_next_event() or
   * dnstap_sink_close() with this sink.
   */
  const char *text;
} dnstap_event;

/**
 * Bytes of the caller, or of a frame. If `data` is NULL, the field is absent, and `length` has to be
 * 0. A field that is present but empty has a `data` that points anywhere.
 */
typedef struct dnstap_bytes {
  const uint8_t *data;
  /**
   * Bytes at `data`.
   */
  size_t length;
} dnstap_bytes;

/**
 * A rule of the operator that a message met, such as one of a response policy zone.
 */
typedef struct dnstap_policy {
  /**
   * Size in bytes of this struct: later versions may be longer. Set by the caller in a message to
   * log, by DNSTAP_POLICY_INIT; by the library in a decoded one, which may be older than the
   * header: then later fields are not there.
   */
  size_t size;
  /**
   * The kind of policy in UTF-8, "RPZ" for a response policy zone.
   */
  struct dnstap_bytes type;
  /**
   * The rule, in a response policy zone its owner name in wire format.
   */
  struct dnstap_bytes rule;
  /**
   * What met the rule, in a form that depends on what was compared.
   */
  struct dnstap_bytes value;
  /**
   * What was done: one of enum dnstap_policy_action; 0 if absent.
   */
  uint32_t action;
  /**
   * What the rule was compared with: one of enum dnstap_policy_match; 0 if absent.
   */
  uint32_t match;
} dnstap_policy;

/**
 * A DNS message with its circumstances. To log one, begin with DNSTAP_MESSAGE_INIT, set `type`,
 * and then all that is known; a field that is 0 or NULL is absent. Nothing is kept of what it
 * points to.
 *
 * The initiator is the side that sent the query, the responder the side that answers it, in
 * queries and responses alike.
 */
typedef struct dnstap_message {
  /**
   * Size in bytes of this struct, set by the caller, as DNSTAP_MESSAGE_INIT does: later versions
   * may be longer.
   */
  size_t size;
  /**
   * Where and in which direction the message was seen: one of enum dnstap_message_type.
   */
  uint32_t type;
  /**
   * How the message travelled: one of enum dnstap_socket_protocol.
   */
  uint32_t socket_protocol;
  /**
   * One of enum dnstap_socket_family; 0 for that of the addresses.
   */
  uint32_t socket_family;
  /**
   * The version of HTTP, where the protocol is DNS over HTTPS: one of enum
   * dnstap_http_protocol.
   */
  uint32_t http_protocol;
  /**
   * How many messages this one stands for; 1 if its sender did not sample. Set by
   * dnstap_decode() and dnstap_reader_next(); dnstap_log() and dnstap_encode() ignore it.
   */
  uint32_t sample_rate;
  /**
   * Address and port of the initiator: a struct sockaddr_in or sockaddr_in6, which need not be
   * aligned. Port 0 means no port. With family AF_UNSPEC only the port is used, at its offset in
   * struct sockaddr_in.
   */
  const struct sockaddr *initiator;
  /**
   * The same of the responder.
   */
  const struct sockaddr *responder;
  /**
   * When the query was sent or received.
   */
  struct dnstap_time query_time;
  /**
   * The same of the response.
   */
  struct dnstap_time response_time;
  /**
   * The query in wire format (RFC 1035, section 4) without transport headers, at most 65,535
   * bytes.
   */
  struct dnstap_bytes query;
  /**
   * The response, likewise.
   */
  struct dnstap_bytes response;
  /**
   * The zone whose servers were asked, a domain name in wire format.
   */
  struct dnstap_bytes zone;
  /**
   * The rule that the message met.
   */
  const struct dnstap_policy *policy;
  /**
   * Bytes of the operator's own. In a message that was sampled, they begin with the record of the
   * rate (dnstap_options_set_sample_rate()).
   */
  struct dnstap_bytes extra;
  /**
   * Name of the server that logged the message (`Dnstap.identity`). dnstap_log() takes that of
   * the sink if it is absent here, as it is for a server's own messages.
   */
  struct dnstap_bytes identity;
  /**
   * Software of that server (`Dnstap.version`), likewise.
   */
  struct dnstap_bytes version;
} dnstap_message;

/**
 * An address of IPv4 or IPv6.
 */
typedef union dnstap_address {
  struct sockaddr any;
  struct sockaddr_in in;
  struct sockaddr_in6 in6;
} dnstap_address;

/**
 * Memory for what a decoded message points to, beside the frame.
 */
typedef struct dnstap_storage {
  /**
   * Size in bytes of this struct, set by the caller, as DNSTAP_STORAGE_INIT does: later versions
   * may be longer.
   */
  size_t size;
  union dnstap_address initiator;
  union dnstap_address responder;
  /**
   * Last, so that it can grow; its `size` says how much of it there is.
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
 * Returns the name of a kind of event of a sink. Any thread may call it.
 *
 * @param kind  `kind` of a struct dnstap_event, or any number.
 * @return      A static string such as "DROPPING"; NULL if this version does not know the number.
 */
const char *dnstap_event_kind_name(uint32_t kind);

/**
 * Parses a list of message types, such as the value of a configuration option. Any thread may call
 * it.
 *
 * @param list          Names or mnemonics in upper or lower case, separated by commas, spaces or
 *                      both: "CLIENT_QUERY, CLIENT_RESPONSE" or "cq,cr". "all" stands for
 *                      DNSTAP_ALL_MESSAGE_TYPES. An empty list is the empty set.
 * @param[out] types    The set: DNSTAP_MESSAGE_TYPE_BIT() of each type. Not written to on an error.
 * @param[out] unknown  For an error message: where in `list` the first word begins that is not a
 *                      known message type; NULL if there is none. May be NULL.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_VALUE  The list contains a word that is not a known message type.
 * @retval DNSTAP_ERROR_NULL   `list` or `types` is NULL.
 */
enum dnstap_result dnstap_message_types_parse(const char *list,
                                              uint32_t *types,
                                              const char **unknown);

/**
 * Makes options with the default values: no output, all message types, the name of the host as
 * identity. They are copied where they are used.
 *
 * @return  The options, to be freed with dnstap_options_free(); NULL on a fault of the library.
 */
dnstap_options *dnstap_options_new(void);

/**
 * Frees options.
 *
 * @param[in,out] options  Where they are; NULL is left there. Nothing happens if it is NULL
 *                         already.
 */
void dnstap_options_free(dnstap_options **options);

/**
 * Tells what was wrong in the last call with these options that returned an error, such as which
 * file could not be read, in a line without a full stop.
 *
 * @param options  The options.
 * @return         A string that is valid until the next call with these options; never NULL.
 */
const char *dnstap_options_get_error(const dnstap_options *options);

/**
 * Checks options as dnstap_sink_open() does, with the same result and text, but opens nothing: for
 * a configuration check, and for a daemon that has to report errors before it detaches from its
 * terminal. Starts no thread and creates no file.
 *
 * Checked are: that an output is set; that the path of a socket fits into an address (107 bytes on
 * Linux), and that nothing but a socket is there; that the folder of a file exists, and that the
 * path itself is not one; that certificates, keys and names for TLS can be read and used, and are
 * only set for a tls: output. Not checked, as they may change until the sink is open, or later:
 * permissions, free space, whether a receiver listens, and the folder of a socket. A daemon that
 * changes its user or root directory has to make sure that the path of its output is usable then.
 *
 * @param options  The options. dnstap_options_get_error() has more about an error.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_OUTPUT        No output is set.
 * @retval DNSTAP_ERROR_PATH
 * @retval DNSTAP_ERROR_NOT_A_SOCKET
 * @retval DNSTAP_ERROR_TLS
 * @retval DNSTAP_ERROR_CONFLICT
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_check(dnstap_options *options);

/**
 * Sets where to send to. There is no default.
 *
 * @param options  The options.
 * @param output   `unix:PATH`, a socket that a receiver listens on; `tcp:HOST:PORT`, where HOST is
 *                 a name, which is looked up anew for every connection, or an address, IPv6 in
 *                 brackets; `tls:HOST:PORT`; or `file:PATH`, a file that is truncated. A relative
 *                 PATH is made absolute by this call: a daemon that changes its working directory
 *                 later still writes to the same place. A change of the root directory is not
 *                 known here: PATH is that within the root at the time of each connection.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_OUTPUT
 * @retval DNSTAP_ERROR_PATH    PATH is relative, and the working directory is not known.
 * @retval DNSTAP_ERROR_NO_TLS
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_output(dnstap_options *options, const char *output);

/**
 * Sets the name of the server (`Dnstap.identity`), as a rule its answer to NSID (RFC 5001).
 *
 * @param options   The options.
 * @param identity  At most 65,535 bytes; NULL leaves it out. By default the name of the host.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_LENGTH
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_identity(dnstap_options *options, const char *identity);

/**
 * Sets the software of the server (`Dnstap.version`), as a rule its answer to "version.bind" in
 * class CH.
 *
 * @param options  The options.
 * @param version  At most 65,535 bytes; NULL, the default, leaves it out.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_LENGTH
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_version(dnstap_options *options, const char *version);

/**
 * Sets which message types are logged; dnstap_sink_set_message_types() changes it later.
 *
 * @param options        The options.
 * @param message_types  DNSTAP_MESSAGE_TYPE_BIT() of each; DNSTAP_ALL_MESSAGE_TYPES, with or without
 *                       some types, for all that the library knows. By default all.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_VALUE   A bit is that of no message type.
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_message_types(dnstap_options *options,
                                                    uint32_t message_types);

/**
 * Sets the size of each queue's ring, which holds its pending messages. Messages that are logged
 * while it is full are dropped. Only the part of it in which messages had to wait takes memory.
 *
 * @param options      The options.
 * @param queue_bytes  From 4096 to 1 GiB, rounded up to a power of two; 1 MiB by default.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_VALUE
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_queue_bytes(dnstap_options *options, size_t queue_bytes);

/**
 * Sets how much memory the pending messages of all freed queues together may hold; each such queue
 * counts for at least 64 KiB. If they hold more, dnstap_queue_new() drops the oldest of these
 * messages, and counts them as `dropped_full`. The rings of a sink thus take at most `queue_bytes`
 * for each queue in use, plus this.
 *
 * @param options            The options.
 * @param freed_queue_bytes  Any number; 256 MiB by default. With 0, pending messages of a freed
 *                           queue are dropped unless they are sent before the next queue is made.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_freed_queue_bytes(dnstap_options *options,
                                                        size_t freed_queue_bytes);

/**
 * Sets how long a message waits for others, to be sent together.
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
 * Sets the longest time between two attempts to connect. The first is repeated after 100 ms, and
 * each failure doubles the time.
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
 * Sets how long the receiver may take to connect, and for each handshake. After
 * that, the writer thread gives the connection up, and retries later. A call with a
 * dnstap_writer takes no longer than this, all its steps together.
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
 * Sets how long dnstap_sink_close() may take to send what waits and to close the stream.
 *
 * @param options       The options.
 * @param milliseconds  Up to 600,000; 2,000 by default.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_VALUE
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_close_timeout(dnstap_options *options,
                                                    unsigned int milliseconds);

/**
 * Sets the sample rate N: one of N messages is logged. A query and its response, which
 * have the same initiator, port and message ID, are both logged or neither. Every event then says
 * so: its `extra` begins with `sample=1/N`, followed by a space and the caller's own bytes, if any.
 *
 * @param options      The options.
 * @param sample_rate  At least 1; 1, the default, logs all.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_VALUE
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_sample_rate(dnstap_options *options,
                                                  unsigned int sample_rate);

/**
 * Sets whether a receiver on a socket answers. Most do: they choose the content type, and confirm
 * the end of the stream. To one that does not, the stream is sent as into a file.
 *
 * @param options         The options.
 * @param unidirectional  Whether the receiver just listens; by default it does not.
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
 * @retval DNSTAP_ERROR_VALUE   The name is not UTF-8.
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_thread_name(dnstap_options *options, const char *name);

/**
 * Sets the name that the certificate of the server has to be for.
 *
 * @param options      The options.
 * @param server_name  A DNS name or an address; NULL, the default, for the host of the output.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_VALUE   The name is not UTF-8.
 * @retval DNSTAP_ERROR_NO_TLS
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_tls_server_name(dnstap_options *options,
                                                      const char *server_name);

/**
 * Sets the certificates to trust: of authorities, and a server's own, which no authority has to
 * have signed.
 *
 * @param options  The options.
 * @param path     A file in PEM, which dnstap_sink_open() reads; NULL, the default, for the
 *                 authorities of the system. A relative path is made absolute by this call.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_PATH    It is relative, and the working directory is not known.
 * @retval DNSTAP_ERROR_NO_TLS
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_tls_ca_bundle(dnstap_options *options, const char *path);

/**
 * Sets what the certificate of the server has to prove.
 *
 * @param options  The options.
 * @param verify   One of enum dnstap_tls_verify.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_VALUE
 * @retval DNSTAP_ERROR_NO_TLS
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_tls_verify(dnstap_options *options, uint32_t verify);

/**
 * Sets what to show to a server that asks for a certificate.
 *
 * @param options      The options.
 * @param certificate  A file in PEM with the certificate and those of its issuers, which
 *                     dnstap_sink_open() reads; NULL, the default, for none. Relative paths are
 *                     made absolute by this call.
 * @param key          A file in PEM with its private key, without a passphrase; NULL if there is
 *                     no certificate.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_PATH      One is relative, and the working directory is not known.
 * @retval DNSTAP_ERROR_CONFLICT  One is NULL, and the other is not.
 * @retval DNSTAP_ERROR_NO_TLS
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_options_set_tls_client_certificate(dnstap_options *options,
                                                             const char *certificate,
                                                             const char *key);

/**
 * Opens a sink: starts the writer thread, which connects, and connects again whenever that fails.
 * Never waits for the receiver, which may come later: dnstap_sink_next_event() tells when it does.
 * The writer thread blocks all signals.
 *
 * A process that forks may do so before or after: a child that goes on logging gets a writer
 * thread and a stream of its own. Instead of a regular file that is PATH.PID, with its process ID;
 * only the parent writes to a FIFO. The descriptors of the parent are closed in the child. A child
 * made by _Fork() or clone(), which run no fork handlers, must not use the library.
 *
 * While a fork is under way, any call but dnstap_log() and dnstap_enabled() may wait for its end. A
 * thread that makes one must not hold a lock which a fork handler of the program takes.
 *
 * @param options     The options, with an output; copied. dnstap_options_get_error() has more
 *                    about an error.
 * @param[out] error  Why there is no sink; DNSTAP_OK if there is. May be NULL.
 * @return            The sink, to be closed with dnstap_sink_close(); NULL on an error.
 */
dnstap_sink *dnstap_sink_open(dnstap_options *options, enum dnstap_result *error);

/**
 * Retrieves the accounts at this moment. Any thread may call it.
 *
 * @param sink           The sink.
 * @param[in,out] stats  Where the accounts go; `stats->size` is to be set before. Fields that this
 *                       version does not know are set to 0.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_SIZE
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_sink_get_stats(const dnstap_sink *sink, struct dnstap_stats *stats);

/**
 * Tells when and why the last try to connect failed, or the last stream broke off, in a line
 * without a full stop, such as "2026-03-01T12:00:00Z: /run/tap.sock: connecting: No such file or
 * directory". The time is in UTC. It stays after the sink has connected again; the state and the
 * events tell what holds now. Any thread may call it.
 *
 * @param sink       The sink.
 * @param[out] line  Where the line goes, cut off at the size and ended by NUL; empty if nothing
 *                   has failed in this process.
 * @param size       Bytes there.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_sink_get_error(const dnstap_sink *sink, char *line, size_t size);

/**
 * Sets the message types that are logged, for every queue from its next message on. Any thread may
 * call it.
 *
 * @param sink           The sink.
 * @param message_types  As for dnstap_options_set_message_types().
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_VALUE   A bit is that of no message type.
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_sink_set_message_types(dnstap_sink *sink, uint32_t message_types);

/**
 * Sets who logs, for every queue from its next message on. Any thread may call it.
 *
 * @param sink      The sink.
 * @param identity  A string, which is copied; NULL leaves it out.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_LENGTH
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_sink_set_identity(dnstap_sink *sink, const char *identity);

/**
 * Sets what software logs, for every queue from its next message on. Any thread may call it.
 *
 * @param sink     The sink.
 * @param version  A string, which is copied; NULL leaves it out.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_LENGTH
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_sink_set_version(dnstap_sink *sink, const char *version);

/**
 * Ends the stream and begins a new one, as soon as the frame that is under way is out; nothing is
 * lost or sent twice. For the rotation of a file: rename it, call this, and a new one is made with
 * its name; one that was not renamed goes on. A socket is connected anew. Returns at once; any
 * thread may call it.
 *
 * @param sink  The sink.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_sink_reopen(dnstap_sink *sink);

/**
 * Sends the messages that were logged before this call at once, instead of within the flush
 * interval, and waits until they are sent. If the stream is down, this tries to open it at once.
 * Any thread may call it. For a program that is about to end, or to exec, without closing the
 * sink.
 *
 * @param sink          The sink.
 * @param milliseconds  Longest time to wait; 0 does not wait.
 * @retval DNSTAP_OK         All of these messages were handed over to the operating system, or
 *                           dropped.
 * @retval DNSTAP_TIMED_OUT  Some are still pending; they stay in the rings.
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_sink_flush(dnstap_sink *sink, unsigned int milliseconds);

/**
 * Begins to close a sink and returns at once: messages are refused from here on, the pending ones
 * are sent, the stream is closed and the writer thread ends in the background, and the close
 * timeout starts. dnstap_sink_close() must still be called; it then waits only for the rest of the
 * timeout. A program with several sinks calls this for each of them before it closes the first, so
 * that all are closed within one close timeout. Further calls do nothing. Any thread may call it.
 *
 * @param sink  The sink. dnstap_sink_get_stats() shows its progress.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_sink_begin_close(dnstap_sink *sink);

/**
 * Sends what waits, closes the stream, ends the writer thread, and frees the sink. Always returns:
 * half a second after the close timeout at the latest, which starts now or has started with
 * dnstap_sink_begin_close(). Queues may still be there; what is logged to them from here on is not.
 *
 * A program that ends without it, by exit() or a signal, loses the pending messages: those of the
 * last flush interval, more if the receiver is away. dnstap_sink_flush() sends them.
 *
 * @param[in,out] sink  Where the sink is; NULL is left there.
 * @param[out] stats    The last accounts, as from dnstap_sink_get_stats(); may be NULL.
 * @retval DNSTAP_OK    Closed, or NULL already.
 * @retval DNSTAP_ERROR_SIZE    Closed, but the accounts have no room.
 * @retval DNSTAP_ERROR_NULL    `sink` is NULL.
 * @retval DNSTAP_ERROR_HANDLE  Not closed: it is no sink.
 */
enum dnstap_result dnstap_sink_close(dnstap_sink **sink, struct dnstap_stats *stats);

/**
 * Retrieves the oldest pending event, and removes it. Never waits. Any thread may call it, but as the
 * text is valid until the next call, only one thread at a time should take events. A forked child
 * begins without events.
 *
 * @param sink           The sink.
 * @param[in,out] event  Where the event goes; `event->size` is to be set before, as by
 *                       DNSTAP_EVENT_INIT. Fields that this version does not know are set to 0.
 * @retval DNSTAP_OK
 * @retval DNSTAP_END    No event is pending.
 * @retval DNSTAP_ERROR_SIZE
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_sink_next_event(dnstap_sink *sink,
                                          struct dnstap_event *event);

/**
 * Returns a descriptor that is readable while events are pending, for poll() and its kind. The
 * first call makes it. Do nothing else with it: it belongs to the sink, which closes it in
 * dnstap_sink_close(). If the program closed it all the same, the next call makes another one; so
 * does the first call in a forked child, where the parent's is closed. Any thread may call it.
 *
 * @param sink  The sink.
 * @return      The descriptor; -1 if the system is out of descriptors, or `sink` is not a sink.
 */
int dnstap_sink_get_event_fd(dnstap_sink *sink);

/**
 * Makes a queue for one thread to log to: its own ring of memory, to which it writes without
 * waiting for anybody. Threads can come and go while the sink is open. Any thread may call it.
 *
 * @param sink        The sink.
 * @param[out] error  Why there is no queue; DNSTAP_OK if there is. May be NULL.
 * @return            The queue, to be freed with dnstap_queue_free(); it may outlive the sink.
 *                    NULL on an error: DNSTAP_ERROR_MEMORY without memory for the ring,
 *                    DNSTAP_ERROR_CLOSED if the sink is closed, DNSTAP_ERROR_NULL or
 *                    DNSTAP_ERROR_HANDLE if it is not a sink.
 */
dnstap_queue *dnstap_queue_new(dnstap_sink *sink, enum dnstap_result *error);

/**
 * Frees a queue. Its pending messages are still sent, unless freed queues hold too much memory
 * (dnstap_options_set_freed_queue_bytes()). Any thread may call it, but no thread may be logging
 * to the queue.
 *
 * @param[in,out] queue  Where the queue is; NULL is left there. Nothing happens if it is NULL
 *                       already, or a handle of another kind.
 */
void dnstap_queue_free(dnstap_queue **queue);

/**
 * Logs a message: encodes it into the ring of the queue, or drops and counts it. Never waits, and
 * allocates nothing, but for the first message of a forked child, which starts a thread. A caller
 * that has to prepare something asks dnstap_enabled() first.
 *
 * @param queue    The queue; one thread at a time.
 * @param message  The message; it and what it points to are free again when the call returns.
 * @retval DNSTAP_OK                    It will be sent.
 * @retval DNSTAP_DISABLED              Its type is not logged.
 * @retval DNSTAP_SAMPLED_OUT           It is not in the sample.
 * @retval DNSTAP_ERROR_FULL            Dropped: the receiver is slower, or away for too long.
 * @retval DNSTAP_ERROR_TOO_LONG        Dropped: longer than half of the ring.
 * @retval DNSTAP_ERROR_CLOSED          The sink is closed.
 * @retval DNSTAP_ERROR_FAMILY
 * @retval DNSTAP_ERROR_TIME
 * @retval DNSTAP_ERROR_LENGTH
 * @retval DNSTAP_ERROR_POLICY_TYPE     Dropped: the message is invalid.
 * @retval DNSTAP_ERROR_NULL            Dropped: a field has a length and no bytes. If `queue` or
 *                                      `message` is NULL, nothing is counted.
 * @retval DNSTAP_ERROR_SIZE            Dropped: the size of the policy is not set. If that of the
 *                                      message is not, nothing is counted.
 * @retval DNSTAP_ERROR_MESSAGE_TYPE
 * @retval DNSTAP_ERROR_HANDLE          Not logged, and not counted.
 */
enum dnstap_result dnstap_log(dnstap_queue *queue, const struct dnstap_message *message);

/**
 * Logs an event that is encoded already, as by dnstap_encode() or from dnstap_reader_get_frame().
 * It is counted, sent and dropped as a message that dnstap_log() gets, and this call does not wait
 * or allocate either. It goes out as it is: it is not decoded or checked, no identity and version
 * are added, and it is not subject to the sample rate, nor marked with it.
 *
 * @param queue         The queue; one thread at a time.
 * @param message_type  The type of its message, one of enum dnstap_message_type: the event is
 *                      logged if this type is enabled, and counted under it.
 * @param frame         The event, which is copied: the payload of a data frame of type
 *                      protobuf:dnstap.Dnstap. Readers take up to 1 MiB by default.
 * @param length        Its length in bytes.
 * @retval DNSTAP_OK                  It will be sent.
 * @retval DNSTAP_DISABLED            The type is not logged.
 * @retval DNSTAP_ERROR_FULL          Dropped: the receiver is slower, or away for too long.
 * @retval DNSTAP_ERROR_TOO_LONG      Dropped: longer than half of the ring.
 * @retval DNSTAP_ERROR_LENGTH        Dropped, as invalid: it is empty, which no data frame can be, or
 *                                    the length is that of no object.
 * @retval DNSTAP_ERROR_CLOSED        The sink is closed.
 * @retval DNSTAP_ERROR_MESSAGE_TYPE
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE        Not counted, as it has no type, or is no event, or no queue.
 */
enum dnstap_result dnstap_log_frame(dnstap_queue *queue,
                                    uint32_t message_type,
                                    const uint8_t *frame,
                                    size_t length);

/**
 * Tells how large a buffer for dnstap_encode() has to be: as a rule some 100 bytes more than it
 * will use. Any thread may call it.
 *
 * @param message  The message.
 * @return         Bytes; 0 if the message cannot be encoded.
 */
size_t dnstap_encoded_size_max(const struct dnstap_message *message);

/**
 * Encodes a message for a transport of the caller's own: the payload of one data frame. Identity
 * and version are those of the message. Allocates nothing; any thread may call it.
 *
 * @param[out] buffer  Where the event goes. Bytes after it may be written to.
 * @param capacity     Size of the buffer in bytes, at least dnstap_encoded_size_max().
 * @param[out] length  Bytes of the event; 0 on an error.
 * @param message      The message.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_BUFFER  The buffer is too small.
 * @retval DNSTAP_ERROR_MESSAGE_TYPE
 * @retval DNSTAP_ERROR_FAMILY
 * @retval DNSTAP_ERROR_TIME
 * @retval DNSTAP_ERROR_LENGTH
 * @retval DNSTAP_ERROR_POLICY_TYPE
 * @retval DNSTAP_ERROR_SIZE
 * @retval DNSTAP_ERROR_NULL
 */
enum dnstap_result dnstap_encode(uint8_t *buffer,
                                 size_t capacity,
                                 size_t *length,
                                 const struct dnstap_message *message);

/**
 * Decodes the payload of a data frame of type protobuf:dnstap.Dnstap. Allocates nothing; any
 * thread may call it.
 *
 * Numbers of a newer schema, which have no name yet, are kept as they are. An event without a DNS
 * message leaves a message of type 0. Addresses are told by their length; one that is neither 4
 * nor 16 bytes long, and a port above 65,535, are left out.
 *
 * @param frame         The payload.
 * @param length        Its length in bytes.
 * @param[out] message  The message, whose `size` is to be set before, as by DNSTAP_MESSAGE_INIT.
 *                      It points into the frame and the storage; it can be copied, and is valid
 *                      as long as both stay as they are.
 * @param[out] storage  Memory for what the message points to beside the frame; its `size` is to be
 *                      set before, as by DNSTAP_STORAGE_INIT.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_DECODE  The bytes are not a dnstap event.
 * @retval DNSTAP_ERROR_SIZE
 * @retval DNSTAP_ERROR_NULL    On any error, neither struct is written to.
 */
enum dnstap_result dnstap_decode(const uint8_t *frame,
                                 size_t length,
                                 struct dnstap_message *message,
                                 struct dnstap_storage *storage);

/**
 * Opens a file of dnstap, to read it from its beginning.
 *
 * @param path        The path of a file, or of a FIFO, whose writer is waited for by dnstap_reader_next().
 * @param[out] error  Why there is no reader; DNSTAP_OK if there is. May be NULL.
 * @return            The reader, to be closed with dnstap_reader_close(); NULL on an error:
 *                    dnstap_reader_get_error(NULL) has more about it, and
 *                    errno is that of the system.
 */
dnstap_reader *dnstap_reader_open(const char *path,
                                  enum dnstap_result *error);

/**
 * Reads from a file, pipe or socket that the caller has opened, or accepted a sender on. On a
 * socket both kinds of stream are taken: one that begins with READY is answered.
 *
 * @param fd          The descriptor, which is duplicated: the caller may close it.
 * @param[out] error  As for dnstap_reader_open().
 * @return            The same.
 */
dnstap_reader *dnstap_reader_open_fd(int fd, enum dnstap_result *error);

/**
 * Sets the size of the largest frame that is taken. Larger ones are skipped.
 *
 * @param reader  The reader.
 * @param bytes   From 512 to 2 GiB - 1; 1,048,576 by default.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_VALUE
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_reader_set_max_frame_size(dnstap_reader *reader, size_t bytes);

/**
 * Reads the next message. Allocates nothing, but for a frame that is longer than all before.
 *
 * @param reader        The reader.
 * @param[out] message  The message, whose `size` is to be set before; as from dnstap_decode(). It
 *                      points into the reader; it can be copied, and is valid until the next call.
 *                      NULL to read the frame without decoding it. Not written to on an error.
 * @param milliseconds  Longest time of the call, even if the sender never pauses but completes no
 *                      message. Data that has arrived is read, up to 1 MiB, even with 0. Reading a
 *                      regular file has no time limit.
 * @retval DNSTAP_OK
 * @retval DNSTAP_END               The sender has ended the stream.
 * @retval DNSTAP_TIMED_OUT         Call again: nothing of a frame that has begun is lost.
 * @retval DNSTAP_ERROR_DECODE      Call again: the frame is not a dnstap event. It was read whole;
 *                                  dnstap_reader_get_frame() has it.
 * @retval DNSTAP_ERROR_FRAME_SIZE  Call again: a frame was too long, and is skipped.
 * @retval DNSTAP_ERROR_NO_STOP
 * @retval DNSTAP_ERROR_TORN
 * @retval DNSTAP_ERROR_STREAM
 * @retval DNSTAP_ERROR_CONTENT_TYPE
 * @retval DNSTAP_ERROR_IO          The stream ends here; dnstap_reader_get_error() has more.
 * @retval DNSTAP_ERROR_MEMORY      There is none for so large a frame; the stream ends here.
 * @retval DNSTAP_ERROR_SIZE        The frame was read; dnstap_reader_get_frame() has it.
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_reader_next(dnstap_reader *reader,
                                      struct dnstap_message *message,
                                      unsigned int milliseconds);

/**
 * Returns the frame that dnstap_reader_next() has read last, as it is.
 *
 * @param reader      The reader.
 * @param[out] frame  The payload, in the memory of the reader; it stays until the next call. Absent
 *                    if the last call read none.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_reader_get_frame(const dnstap_reader *reader, struct dnstap_bytes *frame);

/**
 * Tells what was wrong in the last call with this reader that returned an error, and at which byte
 * of the stream, in a line without a full stop.
 *
 * @param reader  The reader; NULL for the last call of this thread that could not open one.
 * @return        A string that is valid until the next call with this reader, or until this thread
 *                fails to open another one; never NULL.
 */
const char *dnstap_reader_get_error(const dnstap_reader *reader);

/**
 * Closes a stream, and frees the reader.
 *
 * @param[in,out] reader  Where the reader is; NULL is left there. Nothing happens if it is NULL
 *                        already.
 */
void dnstap_reader_close(dnstap_reader **reader);

/**
 * Opens a stream for a program that writes from one thread and can wait: a converter, or a tool
 * that runs for a short time. Unlike a sink it drops nothing, starts no thread except to look up a
 * name, and connects once: if no receiver listens, this call fails.
 *
 * No call with a writer takes longer than the I/O timeout of the options, so a receiver has to take
 * some 64 KiB within it; writing to a regular file has no time limit. SIGPIPE is not raised. The
 * descriptor is closed by exec(), and in forked children, which cannot use the writer.
 *
 * @param options     The options, with an output; copied. Used are output, identity, version,
 *                    message types, I/O timeout, unidirectional and TLS. The others, the sample rate
 *                    among them, are for sinks. dnstap_options_get_error() has more about an error.
 * @param[out] error  Why there is no writer; DNSTAP_OK if there is. May be NULL. Beside the errors
 *                    of dnstap_options_check() it is DNSTAP_ERROR_IO if the output cannot be opened
 *                    or does not answer in time, DNSTAP_ERROR_CONTENT_TYPE if the receiver takes no
 *                    dnstap, and DNSTAP_ERROR_STREAM if it does not speak Frame Streams.
 * @return            The writer, to be closed with dnstap_writer_close(); NULL on an error.
 */
dnstap_writer *dnstap_writer_open(dnstap_options *options,
                                  enum dnstap_result *error);

/**
 * Writes a message into a buffer, which is handed to the system when it holds 64 KiB. The first
 * failure of the stream ends it: every further call returns the same error.
 *
 * @param writer   The writer.
 * @param message  The message; neither it nor what it points to is needed after the call. Where its
 *                 identity or version is absent, that of the options is written.
 * @retval DNSTAP_OK
 * @retval DNSTAP_DISABLED              Its type is none of the message types of the options.
 * @retval DNSTAP_ERROR_MESSAGE_TYPE
 * @retval DNSTAP_ERROR_FAMILY
 * @retval DNSTAP_ERROR_TIME
 * @retval DNSTAP_ERROR_LENGTH
 * @retval DNSTAP_ERROR_POLICY_TYPE
 * @retval DNSTAP_ERROR_SIZE
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_MEMORY          Not written; the stream goes on without it.
 * @retval DNSTAP_ERROR_IO              The stream has failed, or the receiver took nothing within
 *                                      the I/O timeout. dnstap_writer_get_error() has more.
 * @retval DNSTAP_ERROR_CLOSED          This is a forked child of the process that opened it.
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_writer_write(dnstap_writer *writer, const struct dnstap_message *message);

/**
 * Writes an event that is encoded already, as by dnstap_encode() or from
 * dnstap_reader_get_frame(). It goes out as it is: not decoded, checked or added to.
 *
 * @param writer  The writer.
 * @param frame   The event: the payload of a data frame of type protobuf:dnstap.Dnstap. Readers
 *                take up to 1 MiB by default.
 * @param length  Its length in bytes, from 1 to 4 GiB - 1.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_LENGTH
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_MEMORY  Not written; the stream goes on without it.
 * @retval DNSTAP_ERROR_IO
 * @retval DNSTAP_ERROR_CLOSED  As for dnstap_writer_write().
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_writer_write_frame(dnstap_writer *writer,
                                             const uint8_t *frame,
                                             size_t length);

/**
 * Hands everything that is buffered to the system.
 *
 * @param writer  The writer.
 * @retval DNSTAP_OK
 * @retval DNSTAP_ERROR_IO
 * @retval DNSTAP_ERROR_CLOSED  As for dnstap_writer_write().
 * @retval DNSTAP_ERROR_NULL
 * @retval DNSTAP_ERROR_HANDLE
 */
enum dnstap_result dnstap_writer_flush(dnstap_writer *writer);

/**
 * Returns what was wrong in the last call with this writer that returned an error, in a line
 * without a full stop.
 *
 * @param writer  The writer; NULL for the last one that this thread closed with an error.
 * @return        A string that is valid until the next call with this writer, or until this thread
 *                closes another one with an error; never NULL.
 */
const char *dnstap_writer_get_error(const dnstap_writer *writer);

/**
 * Writes what is buffered, ends the stream, waits until the receiver confirms that it has read
 * everything, where it answers, and frees the writer. Without this call what is buffered is lost,
 * and the stream ends without STOP.
 *
 * @param[in,out] writer  Where the writer is; NULL is left there.
 * @retval DNSTAP_OK            Everything was written, and confirmed where the receiver answers; or
 *                              it was NULL already.
 * @retval DNSTAP_ERROR_IO      Freed, but the stream has failed, now or before, or nothing was
 *                              confirmed within the I/O timeout. dnstap_writer_get_error(NULL) has
 *                              more about this and the next two.
 * @retval DNSTAP_ERROR_STREAM  Freed, but the receiver answered with something else.
 * @retval DNSTAP_ERROR_CLOSED  Freed; the stream is that of the process that opened it.
 * @retval DNSTAP_ERROR_NULL    `writer` is NULL.
 * @retval DNSTAP_ERROR_HANDLE  Not freed: it is no writer.
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
  const uint32_t *types = reinterpret_cast<const uint32_t *>(queue);
#else
  const uint32_t *types = (const uint32_t *)(const void *)queue;
#endif
  return types && type != 0 && type < 32
         && (__atomic_load_n(types, __ATOMIC_RELAXED) & UINT32_C(1) << type) != 0;
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
