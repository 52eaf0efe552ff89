/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Messages with an id, from which a receiver sees whether messages were lost,
 * duplicated, reordered or corrupted. They are decoded with protobuf-c, so that the
 * library is not checked by itself.
 */
#ifndef MESSAGES_H
#define MESSAGES_H

#include "harness.h"
#include "receiver.h"

#include <dnstap.pb-c.h>
#include <libdnstap.h>

/* The content type of dnstap streams, and a list of it alone. */
#define CONTENT_TYPE "protobuf:dnstap.Dnstap"
extern const char *const only_dnstap[];

/* Returns a message from 192.0.2.1 port 53000 to 198.51.100.1 port 53 over UDP. */
dnstap_message example(uint32_t type);

struct message_id {
	uint32_t logger; /* less than LOGGERS */
	uint32_t seq;    /* counts from 0 */
};

enum { LOGGERS = 65536, MIN_QUERY = 8, MAX_QUERY = 65535 };

/*
 * Gives a message a query of `length` bytes, from MIN_QUERY to MAX_QUERY, which is
 * stored in `query`: the id, the length, and padding that depends on the id.
 */
void put_id(dnstap_message *message, uint8_t *query, struct message_id id, size_t length);

/* Reads the id of a query; false if any byte has changed. */
bool get_id(const uint8_t *query, size_t length, struct message_id *id);

/* Logs an example with an id, whose query has `length` bytes. */
dnstap_result log_with_id(dnstap_queue *queue, uint32_t type, struct message_id id, size_t length);

/* The same, encoded by dnstap_encode() and logged as a frame. */
dnstap_result log_frame_with_id(dnstap_queue *queue, uint32_t type, struct message_id id, size_t length);

/* Decodes the event in a frame; fails the case unless the frame is exactly one event. */
Dnstap__Dnstap *unpack(const unsigned char *data, size_t len);
void free_event(Dnstap__Dnstap *event);

/* Counts of the messages received, in all streams together. */
struct tally {
	pthread_mutex_t lock;
	uint32_t next[LOGGERS]; /* the next sequence number */
	uint64_t messages;
	uint64_t bytes;   /* with the lengths of the frames */
	uint64_t missing; /* sequence numbers that were skipped */
	unsigned gaps;    /* places where that happened */
	uint64_t by_type[DNSTAP_MESSAGE_TYPE_COUNT];
	int streams; /* streams that ended with STOP */
};

struct tally *new_tally(void);
void free_tally(struct tally *tally);

/* Reads one frame and returns its type. Fails the case if a message is corrupt or out of order. */
int tally_frame(struct tally *tally, int fd);

/* Reads frames up to the first that is not data, and returns its type. */
int tally_stream(struct tally *tally, int fd);

/* Reads frames up to STOP, sends FINISH, and waits for the sender to close. */
void tally_to_stop(struct tally *tally, int fd);

/* Counts the frames of a file, which the reader of the library has to read alike. Returns the end: STOP, END or CUT. */
int tally_partial_file(struct tally *tally, const char *path);

/* Counts the frames of a file that has to be one whole stream, and returns their number. */
uint64_t tally_file(struct tally *tally, const char *path);

/* A receiver's play(): receives a stream into the tally that is its argument. Step 1 is START. */
void receive(struct receiver *r);

#endif
