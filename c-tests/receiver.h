/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A receiver that speaks Frame Streams by hand, one byte after the other: it
 * uses nothing of the library, so the library is never checked by itself.
 * Every wait in here ends after DEADLINE seconds.
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

/* What else read_frame() may find. */
enum { DATA = 0, END = -1, CUT = -2, LATE = -3 };

struct frame {
	int type;		/* DATA, a control frame type, END, CUT inside a frame, or LATE */
	unsigned char *data;	/* payload of the data or control frame, malloc'ed */
	size_t len;
};

/* Listening sockets; the port of a TCP one is chosen by the system. -1 if the address is not there. */
int listen_unix(const char *path);
int listen_tcp(const char *address, char port[8]);

/* The next connection, or -1 when none comes in time. */
int accept_one(int listening);

/* Reads one frame; frame->data is to be freed with free_frame(). Returns its type. */
int read_frame(int fd, struct frame *frame);
void free_frame(struct frame *frame);

/* Reads and forgets bytes until the peer closes. False when it has not within the deadline. */
bool read_to_end(int fd);

/* Content types are a list of strings ending in NULL; the list itself may be NULL. */
bool send_control(int fd, int type, const char *const *content_types);
bool send_bytes(int fd, const void *data, size_t len);

/* True if the control frame has this content type. */
bool has_content_type(const struct frame *control, const char *content_type);

/* A thread that plays the receiver, and writes down what came in order. */
struct receiver {
	int listening;
	void (*play)(struct receiver *);
	void *arg;		/* for play() */
	FILE *log;		/* read with receiver_finish() */
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

/* play() announces a step; the test waits for it. False when the deadline passed. */
void receiver_reach(struct receiver *r, int step);
bool receiver_wait(struct receiver *r, int step);

/* Reads one frame into the log and returns its type. */
int receiver_read(struct receiver *r, int fd);

/* READY, ACCEPT, START; the ACCEPT repeats what was offered if `accepted` is NULL. */
bool receiver_handshake(struct receiver *r, int fd, const char *const *accepted);

/* A whole connection: handshake, frames up to STOP, FINISH, and the end of the connection. */
void receiver_serve(struct receiver *r, int fd);

/* play(): serves one connection. */
void receiver_play_one(struct receiver *r);

#endif
