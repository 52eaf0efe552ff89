/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A receiver with its own implementation of Frame Streams, so that the library is
 * not checked by itself. Every wait ends after DEADLINE seconds.
 */
#ifndef RECEIVER_H
#define RECEIVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { DEADLINE = 20 };

/* Control frame types as the wire has them. */
enum { ACCEPT = 1, START = 2, STOP = 3, READY = 4, FINISH = 5 };

/* Other results of read_frame(). */
enum { DATA = 0, END = -1, CUT = -2, LATE = -3 };

struct frame {
	int type;            /* DATA, a control frame type, END, CUT inside a frame, or LATE */
	unsigned char *data; /* payload of the data or control frame, malloc'ed */
	size_t len;
};

/* Open listening sockets; the system chooses the TCP port. -1 if the machine does not have the address. */
int listen_unix(const char *path);
int listen_tcp(const char *address, char port[8]);

/* Accepts the next connection; -1 if none comes in time. */
int accept_one(int listening);

/* Reads one frame, to be freed with free_frame(), and returns its type. */
int read_frame(int fd, struct frame *frame);
void free_frame(struct frame *frame);

/* Discards bytes until the peer closes; false if it does not within the deadline. */
bool read_to_end(int fd);

/* Send a control frame, or bytes. The list of content types ends in NULL, or is NULL. */
bool send_control(int fd, int type, const char *const *content_types);
bool send_bytes(int fd, const void *data, size_t len);

/* Returns whether the control frame has this content type. */
bool has_content_type(const struct frame *control, const char *content_type);

/* A thread that plays the receiver, and logs the frames that it receives. */
struct receiver {
	int listening;
	void (*play)(struct receiver *);
	void *arg; /* for play() */
	FILE *log; /* printed by receiver_finish() */
	char *text;
	size_t text_len;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t moved;
	int step;
};

void receiver_start(struct receiver *r, int listening, void (*play)(struct receiver *), void *arg);

/* Waits for play() to return and prints the log. */
void receiver_finish(struct receiver *r, FILE *out);

/* play() announces a step, and the test waits for it; false if the deadline has passed. */
void receiver_reach(struct receiver *r, int step);
bool receiver_wait(struct receiver *r, int step);

/* Reads one frame, logs it, and returns its type. */
int receiver_read(struct receiver *r, int fd);

/* Exchanges READY, ACCEPT and START; ACCEPT repeats the offered content types if `accepted` is NULL. */
bool receiver_handshake(struct receiver *r, int fd, const char *const *accepted);

/* Serves a whole connection: handshake, frames up to STOP, FINISH, and the end of the connection. */
void receiver_serve(struct receiver *r, int fd);

/* play(): serves one connection. */
void receiver_play_one(struct receiver *r);

#endif
