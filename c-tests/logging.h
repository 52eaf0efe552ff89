/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What programs over libdnstap have in common: messages that carry a number,
 * which tells at the other end what was lost, doubled or mixed up. What comes
 * out is read with protobuf-c, so the library is never checked by itself.
 */
#ifndef LOGGING_H
#define LOGGING_H

#include "fault.h"
#include "receiver.h"

#include <dnstap.pb-c.h>
#include <libdnstap.h>
#include <time.h>

/* Options for an output, with time for the slowest machine; and a sink with such options, which it frees. */
dnstap_options *options_to(const char *output);
dnstap_sink *open_sink(dnstap_options *options);

/* A message from 192.0.2.1 port 53000 to 198.51.100.1 port 53 over UDP. */
dnstap_message example(uint32_t type);

struct number {
	uint32_t who;		/* below WHO */
	uint32_t seq;		/* from 0 on */
};

enum { WHO = 65536, NUMBER_LENGTH = sizeof(struct number) };

/* Logs an example whose query has `length` bytes, of which the first are the number. */
dnstap_result log_number(dnstap_queue *queue, uint32_t type, struct number number, size_t length);

/* The event in a frame; ends the case if there is none. */
Dnstap__Dnstap *unpack(const unsigned char *data, size_t len);
void free_event(Dnstap__Dnstap *event);

/* What came, in all streams together. */
struct tally {
	pthread_mutex_t lock;
	uint32_t next[WHO];	/* the number that is due */
	uint64_t messages;
	uint64_t bytes;		/* with the lengths of the frames */
	uint64_t missing;	/* numbers that were passed over */
	uint64_t by_type[DNSTAP_MESSAGE_TYPES];
	int streams;		/* that ended with STOP */
};

struct tally *new_tally(void);
void free_tally(struct tally *tally);

/* Counts a frame; ends the case if its number does not go up. */
void tally_frame(struct tally *tally, const unsigned char *data, size_t len);

/* Counts all frames of a file, which has to be one whole stream. Returns how many there are. */
uint64_t tally_file(struct tally *tally, const char *path);

/* play(): receives a stream into the tally that is its argument. Step 1 is START. */
void receive(struct receiver *r);

/* The accounts, which are checked for adding up. */
dnstap_stats stats_of(const dnstap_sink *sink);
void check_sums(const dnstap_stats *s);

/* Ends a case unless an account is what it should be. */
void expect(const char *what, uint64_t is, uint64_t wanted);
#define EXPECT(what, wanted) expect(#what, what, wanted)

/* Asks again until it is so: most of what a sink does has no event to wait for. */
#define AWAIT(condition) do { \
		struct timespec pause_ = { 0, 1000000 }; \
		double began_ = now(); \
		while (!(condition)) { \
			NEED(now() - began_ < DEADLINE, "never came: %s", #condition); \
			nanosleep(&pause_, NULL); \
		} \
	} while (0)

/* Waits for a child of a fork, which has to end well. */
void wait_for(pid_t child);

/* Runs the cases. */
#define RUN(argc, argv, cases) faults_main(argc, argv, cases, sizeof cases / sizeof cases[0])

/* Whether all is slow, as under valgrind: then less is tried, and more time given. */
int in_haste(void);

#endif
