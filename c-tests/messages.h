/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Messages that carry a number, which tells at the other end what was lost,
 * doubled, mixed up or torn. What comes out is read with protobuf-c, so the
 * library is never checked by itself.
 */
#ifndef MESSAGES_H
#define MESSAGES_H

#include "fault.h"
#include "receiver.h"

#include <dnstap.pb-c.h>
#include <libdnstap.h>

/* The content type of dnstap streams, and the list of it alone. */
#define CONTENT_TYPE "protobuf:dnstap.Dnstap"
extern const char *const only_dnstap[];

/* A message from 192.0.2.1 port 53000 to 198.51.100.1 port 53 over UDP. */
dnstap_message example(uint32_t type);

struct number {
	uint32_t who;		/* below WHO */
	uint32_t seq;		/* from 0 on */
};

enum { WHO = 65536, NUMBER_LENGTH = 8, LONGEST = 65535 };

/*
 * Gives a message a query of `length` bytes, which `query` has room for, from
 * NUMBER_LENGTH to LONGEST: the number, the length, and more that follows from both.
 */
void put_number(dnstap_message *message, uint8_t *query, struct number number, size_t length);

/* The number of a query; false if any byte of it is not as it was put there. */
bool get_number(const uint8_t *query, size_t length, struct number *number);

/* Logs an example with a number, whose query has `length` bytes. */
dnstap_result log_number(dnstap_queue *queue, uint32_t type, struct number number, size_t length);

/* The same, encoded by dnstap_encode() and logged as a frame. */
dnstap_result log_number_frame(dnstap_queue *queue, uint32_t type, struct number number, size_t length);

/* The event in a frame; ends the case if there is none, or not it alone. */
Dnstap__Dnstap *unpack(const unsigned char *data, size_t len);
void free_event(Dnstap__Dnstap *event);

/* What came, in all streams together. */
struct tally {
	pthread_mutex_t lock;
	uint32_t next[WHO];	/* the number that is due */
	uint64_t messages;
	uint64_t bytes;		/* with the lengths of the frames */
	uint64_t missing;	/* numbers that were passed over */
	unsigned gaps;		/* in so many places */
	uint64_t by_type[DNSTAP_MESSAGE_TYPE_COUNT];
	int streams;		/* that ended with STOP */
};

struct tally *new_tally(void);
void free_tally(struct tally *tally);

/* Reads one frame, and returns its type. Ends the case if a message is not whole, or its number does not go up. */
int tally_frame(struct tally *tally, int fd);

/* The same up to the end of the data. Returns what comes there. */
int tally_stream(struct tally *tally, int fd);

/* The same up to STOP, which is answered, and sees the sender close. */
void tally_to_stop(struct tally *tally, int fd);

/* Counts all frames of a file, which the library's reader has to see the same way. Returns the end: STOP, END or CUT. */
int tally_remains(struct tally *tally, const char *path);

/* The same of a file that has to be one whole stream. Returns how many frames there are. */
uint64_t tally_file(struct tally *tally, const char *path);

/* play(): receives a stream into the tally that is its argument. Step 1 is START. */
void receive(struct receiver *r);

#endif
