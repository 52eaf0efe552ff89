/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "receiver.h"
#include "bytes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* A frame longer than any that the tests send means that the stream is corrupt. */
enum { LENGTH_LIMIT = 64 << 20 };

static void die(const char *what)
{
	perror(what);
	exit(99);
}

int listen_unix(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(address.sun_path, path, sizeof address.sun_path - 1);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 64) != 0)
		die("listening on a Unix socket");
	return fd;
}

int listen_tcp(const char *address, char port[8])
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	bool is_v4 = inet_pton(AF_INET, address, &v4.sin_addr) == 1;
	struct sockaddr *sa = is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
	socklen_t len = is_v4 ? sizeof v4 : sizeof v6;
	int fd;

	if (!is_v4)
		inet_pton(AF_INET6, address, &v6.sin6_addr);
	fd = socket(sa->sa_family, SOCK_STREAM, 0);
	if (fd < 0)
		return -1;
	if (bind(fd, sa, len) != 0) {
		close(fd);
		return -1;
	}
	if (listen(fd, 64) != 0 || getsockname(fd, sa, &len) != 0)
		die("listening on a TCP socket");
	snprintf(port, 8, "%u", ntohs(is_v4 ? v4.sin_port : v6.sin6_port));
	return fd;
}

int accept_one(int listening)
{
	struct pollfd waiting = { .fd = listening, .events = POLLIN };
	struct timeval limit = { .tv_sec = DEADLINE };
	int fd, ready;

	do
		ready = poll(&waiting, 1, DEADLINE * 1000);
	while (ready < 0 && errno == EINTR);
	if (ready < 1)
		return -1;
	fd = accept(listening, NULL, NULL);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	return fd;
}

/* Returns the number of bytes read: fewer than `len` at the end, -1 if late. */
static ssize_t read_some(int fd, unsigned char *to, size_t len)
{
	size_t have = 0;

	while (have < len) {
		ssize_t got = read(fd, to + have, len - have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return -1;
		if (got <= 0)
			break;
		have += (size_t)got;
	}
	return (ssize_t)have;
}

/* Reads a length; returns DATA if there is one. */
static int read_length(int fd, size_t *len)
{
	unsigned char b[4];
	ssize_t got = read_some(fd, b, sizeof b);

	if (got != sizeof b)
		return got < 0 ? LATE : got == 0 ? END : CUT;
	*len = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
	return DATA;
}

int read_frame(int fd, struct frame *frame)
{
	bool control = false;
	ssize_t got;

	frame->data = NULL;
	frame->type = read_length(fd, &frame->len);
	if (frame->type != DATA)
		return frame->type;
	if (frame->len == 0) {
		control = true;
		frame->type = read_length(fd, &frame->len);
		if (frame->type != DATA)
			return frame->type = frame->type == END ? CUT : frame->type;
	}
	if (frame->len > LENGTH_LIMIT)
		return frame->type = CUT;
	frame->data = malloc(frame->len + 1);
	if (frame->data == NULL)
		die("malloc");
	got = read_some(fd, frame->data, frame->len);
	if (got != (ssize_t)frame->len)
		return frame->type = got < 0 ? LATE : CUT;
	if (control)
		frame->type =
			frame->len >= 4 && frame->data[3] >= ACCEPT && frame->data[3] <= FINISH ? frame->data[3] : CUT;
	return frame->type;
}

void free_frame(struct frame *frame)
{
	free(frame->data);
	frame->data = NULL;
}

bool read_to_end(int fd)
{
	unsigned char unused[4096];
	ssize_t got;

	do
		got = read(fd, unused, sizeof unused);
	while (got > 0 || (got < 0 && errno == EINTR));
	return got == 0 || errno == ECONNRESET;
}

bool send_bytes(int fd, const void *data, size_t len)
{
	return send(fd, data, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static size_t put32(unsigned char *to, size_t value)
{
	to[0] = (unsigned char)(value >> 24);
	to[1] = (unsigned char)(value >> 16);
	to[2] = (unsigned char)(value >> 8);
	to[3] = (unsigned char)value;
	return 4;
}

bool send_control(int fd, int type, const char *const *content_types)
{
	unsigned char out[1024];
	size_t len = 8;

	len += put32(out + len, (size_t)type);
	for (; content_types != NULL && *content_types != NULL; content_types++) {
		size_t n = strlen(*content_types);
		len += put32(out + len, 1);
		len += put32(out + len, n);
		memcpy(out + len, *content_types, n);
		len += n;
	}
	put32(out, 0);
	put32(out + 4, len - 8);
	return send_bytes(fd, out, len);
}

/* Returns the next content type of a control frame; false after the last. */
static bool next_content_type(const struct frame *control, size_t *at, const unsigned char **text, size_t *len)
{
	const unsigned char *p = control->data + *at;

	if (*at + 8 > control->len)
		return false;
	*len = (size_t)p[6] << 8 | p[7];
	*text = p + 8;
	*at += 8 + *len;
	return *at <= control->len;
}

bool has_content_type(const struct frame *control, const char *content_type)
{
	const unsigned char *text;
	size_t at = 4, len;

	while (next_content_type(control, &at, &text, &len))
		if (len == strlen(content_type) && memcmp(text, content_type, len) == 0)
			return true;
	return false;
}

static void *run(void *arg)
{
	struct receiver *r = arg;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	r->play(r);
	return NULL;
}

void receiver_start(struct receiver *r, int listening, void (*play)(struct receiver *), void *arg)
{
	pthread_condattr_t clock;

	memset(r, 0, sizeof *r);
	r->listening = listening;
	r->play = play;
	r->arg = arg;
	r->log = open_memstream(&r->text, &r->text_len);
	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&r->moved, &clock);
	pthread_condattr_destroy(&clock);
	if (r->log == NULL || pthread_create(&r->thread, NULL, run, r) != 0)
		die("starting a receiver");
}

void receiver_finish(struct receiver *r, FILE *out)
{
	pthread_join(r->thread, NULL);
	fclose(r->log);
	fwrite(r->text, 1, r->text_len, out);
	free(r->text);
	pthread_cond_destroy(&r->moved);
	pthread_mutex_destroy(&r->lock);
}

void receiver_reach(struct receiver *r, int step)
{
	pthread_mutex_lock(&r->lock);
	r->step = step;
	pthread_cond_broadcast(&r->moved);
	pthread_mutex_unlock(&r->lock);
}

bool receiver_wait(struct receiver *r, int step)
{
	struct timespec until;
	bool reached;
	int late = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += DEADLINE;
	pthread_mutex_lock(&r->lock);
	while (r->step < step && late == 0)
		late = pthread_cond_timedwait(&r->moved, &r->lock, &until);
	reached = r->step >= step;
	pthread_mutex_unlock(&r->lock);
	return reached;
}

static void log_frame(FILE *log, const struct frame *frame)
{
	static const char *const names[] = { "data", "ACCEPT", "START", "STOP", "READY", "FINISH" };
	static const char *const ends[] = { "end of stream", "cut inside a frame", "nothing came in time" };

	fputs("  received ", log);
	if (frame->type < 0) {
		fputs(ends[-1 - frame->type], log);
	} else {
		fprintf(log, "%s ", names[frame->type]);
		print_bytes(log, frame->data, frame->len);
	}
	fputc('\n', log);
}

int receiver_read(struct receiver *r, int fd)
{
	struct frame frame;

	read_frame(fd, &frame);
	log_frame(r->log, &frame);
	free_frame(&frame);
	return frame.type;
}

bool receiver_handshake(struct receiver *r, int fd, const char *const *accepted)
{
	struct frame ready;
	bool sent = false;

	read_frame(fd, &ready);
	log_frame(r->log, &ready);
	if (ready.type == READY && accepted != NULL)
		sent = send_control(fd, ACCEPT, accepted);
	if (ready.type == READY && accepted == NULL) {
		unsigned char head[12];
		put32(head, 0);
		put32(head + 4, ready.len);
		put32(head + 8, ACCEPT);
		sent = send_bytes(fd, head, sizeof head) &&
		       (ready.len == 4 || send_bytes(fd, ready.data + 4, ready.len - 4));
	}
	free_frame(&ready);
	return sent && receiver_read(r, fd) == START;
}

void receiver_serve(struct receiver *r, int fd)
{
	int type = DATA;

	if (!receiver_handshake(r, fd, NULL))
		return;
	while (type == DATA)
		type = receiver_read(r, fd);
	if (type == STOP) {
		send_control(fd, FINISH, NULL);
		receiver_read(r, fd);
	}
}

void receiver_play_one(struct receiver *r)
{
	int fd = accept_one(r->listening);

	receiver_serve(r, fd);
	close(fd);
}
