/*
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A Frame Streams receiver that only counts. It shares no code with either library, so it can judge both.
 *
 *   receiver SOCKET [CONNECTIONS [FRAMES]]
 *
 * Prints "listening" once the socket is bound, "start" at every START frame, "enough" when FRAMES frames have been
 * received, and one JSON line when it ends: after CONNECTIONS connections have closed, unless that is 0, or on SIGTERM.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { ACCEPT = 1, START = 2, STOP = 3, READY = 4, FINISH = 5 };

#define CONNECTIONS_MAX 64
#define CONTROL_MAX 512
#define FRAME_MAX (1u << 24)
#define BUFFER (256u * 1024)

struct connection {
	int fd;
	enum { WANT_READY, WANT_START, DATA, DONE } state;
	uint32_t length; /* of the current data frame */
	uint64_t skip;   /* its payload bytes still to come */
	size_t held;     /* bytes of an incomplete header or control frame kept in buf */
	uint8_t *buf;
};

static struct {
	unsigned long connections, finished, errors, frames, bytes, reads;
} total;

static unsigned long enough;

static volatile sig_atomic_t stop;

static void on_sigterm(int signo)
{
	(void)signo;
	stop = 1;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint32_t be32(const uint8_t *p)
{
	uint32_t n;
	memcpy(&n, p, sizeof(n));
	return ntohl(n);
}

/* The reply carries the fields of the frame it answers, so every offered content type is accepted. */
static bool reply(int fd, uint32_t type, const uint8_t *fields, uint32_t length)
{
	uint8_t out[12 + CONTROL_MAX];
	uint32_t head[3] = { 0, htonl(4 + length), htonl(type) };

	memcpy(out, head, sizeof(head));
	memcpy(out + sizeof(head), fields, length);
	return send(fd, out, sizeof(head) + length, MSG_NOSIGNAL) == (ssize_t)(sizeof(head) + length);
}

static bool on_control(struct connection *c, const uint8_t *body, uint32_t length)
{
	uint32_t type = be32(body);

	if (type == READY && c->state == WANT_READY) {
		c->state = WANT_START;
		return reply(c->fd, ACCEPT, body + 4, length - 4);
	}
	if (type == START && c->state == WANT_START) {
		c->state = DATA;
		puts("start");
		return true;
	}
	if (type == STOP && c->state == DATA) {
		c->state = DONE;
		total.finished++;
		return reply(c->fd, FINISH, NULL, 0);
	}
	return false;
}

/* Takes every whole frame in the buffer and keeps the rest for the next read. False: the stream is broken. */
static bool parse(struct connection *c, size_t n)
{
	const uint8_t *p = c->buf, *end = c->buf + n;

	for (;;) {
		size_t left = (size_t)(end - p);
		if (c->skip >= left) {
			c->skip -= left;
			c->held = 0;
			return true;
		}
		p += c->skip;
		left -= c->skip;
		c->skip = 0;
		if (left < 4)
			break;

		uint32_t length = be32(p);
		if (length != 0) {
			if (c->state != DATA || length > FRAME_MAX)
				return false;
			total.frames++;
			total.bytes += length;
			p += 4;
			c->length = length;
			c->skip = length;
			continue;
		}
		if (left < 8)
			break;
		length = be32(p + 4);
		if (length < 4 || length > CONTROL_MAX)
			return false;
		if (left < 8 + (size_t)length)
			break;
		if (!on_control(c, p + 8, length))
			return false;
		p += 8 + length;
	}
	c->held = (size_t)(end - p);
	memmove(c->buf, p, c->held);
	return true;
}

/* False once the connection is over. */
static bool receive(struct connection *c)
{
	ssize_t n = recv(c->fd, c->buf + c->held, BUFFER - c->held, 0);

	total.reads++;
	if (n < 0)
		return errno == EINTR;
	if (n == 0) {
		/* A stream may only end between frames; a half-received frame was counted and is taken back. */
		if (c->skip != 0) {
			total.frames--;
			total.bytes -= c->length;
		}
		if (c->skip != 0 || c->held != 0)
			total.errors++;
		return false;
	}
	if (!parse(c, c->held + (size_t)n)) {
		total.errors++;
		return false;
	}
	if (enough != 0 && total.frames >= enough && c->skip == 0) {
		puts("enough");
		enough = 0;
	}
	return true;
}

int main(int argc, char **argv)
{
	unsigned long limit = argc > 2 ? strtoul(argv[2], NULL, 10) : 0, closed = 0;
	struct connection open[CONNECTIONS_MAX];
	struct pollfd fds[1 + CONNECTIONS_MAX];
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	unsigned count = 0;
	sigset_t terminate, unblocked;

	if (argc < 2 || strlen(argv[1]) >= sizeof(address.sun_path)) {
		fprintf(stderr, "usage: receiver SOCKET [CONNECTIONS [FRAMES]]\n");
		return 2;
	}
	enough = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
	setvbuf(stdout, NULL, _IOLBF, 0);

	/* Blocked except inside ppoll, so that no SIGTERM falls between the test and the wait. */
	sigemptyset(&terminate);
	sigaddset(&terminate, SIGTERM);
	sigprocmask(SIG_BLOCK, &terminate, &unblocked);
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = on_sigterm }, NULL);

	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strcpy(address.sun_path, argv[1]);
	unlink(argv[1]);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 16))
		die(argv[1]);
	puts("listening");

	while (!stop && (limit == 0 || closed < limit)) {
		fds[0] = (struct pollfd){ .fd = count < CONNECTIONS_MAX ? listener : -1, .events = POLLIN };
		for (unsigned i = 0; i < count; i++)
			fds[1 + i] = (struct pollfd){ .fd = open[i].fd, .events = POLLIN };
		if (ppoll(fds, 1 + count, NULL, &unblocked) < 0) {
			if (errno == EINTR)
				continue;
			die("ppoll");
		}
		for (unsigned i = count; i-- > 0;) {
			if (fds[1 + i].revents == 0 || receive(&open[i]))
				continue;
			close(open[i].fd);
			free(open[i].buf);
			open[i] = open[--count];
			closed++;
		}
		if (fds[0].revents != 0) {
			struct connection c = { .fd = accept(listener, NULL, NULL), .buf = malloc(BUFFER) };
			if (c.fd < 0 || c.buf == NULL)
				die("accept");
			open[count++] = c;
			total.connections++;
		}
	}
	unlink(argv[1]);

	struct timespec cpu;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	printf("{\"connections\": %lu, \"finished\": %lu, \"framing_errors\": %lu, \"frames\": %lu, \"bytes\": %lu, "
	       "\"reads\": %lu, \"cpu_seconds\": %.6f}\n",
	       total.connections, total.finished, total.errors, total.frames, total.bytes, total.reads,
	       (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9);
	return total.errors != 0;
}
