/*
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Compares two writer threads: one that copies each payload after its length into a buffer, and one that passes
 * pointers to the payloads to the kernel. It uses no Frame Streams library: it measures the design, not a product.
 *
 *   copy_or_hand_over WAY SIZE MESSAGES
 *
 * One thread mallocs payloads, the main thread drains them in batches to a Unix socket, a child process reads. Prints one
 * JSON line with the CPU time per message of draining only.
 *
 *   copy           64 KiB buffer, payload freed at once, one send a full buffer and one at the end of a batch
 *   hand_over_c    sendmsg of two iovecs a message, 64 messages or 8 KiB a call (fstrm's defaults), freed after the call
 *   hand_over_64   the same, 64 messages a call
 *   hand_over_512  the same, 512 messages a call
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH 512 /* the default size of a queue */
#define BATCHES 4
#define BUFFER (64u * 1024)

static struct {
	void *payload[BATCH];
	unsigned count;
} ring[BATCHES];
static sem_t filled, drained;
static size_t size;
static unsigned long messages;
static int out;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) != 0)
		;
}

static void *make_payloads(void *unused)
{
	(void)unused;
	for (unsigned long made = 0, batch = 0; made < messages; batch++) {
		wait_for(&drained);
		unsigned n = messages - made < BATCH ? (unsigned)(messages - made) : BATCH;
		for (unsigned i = 0; i < n; i++) {
			uint8_t *payload = malloc(size);
			if (payload == NULL)
				die("malloc");
			memset(payload, 0x5a, size);
			ring[batch % BATCHES].payload[i] = payload;
		}
		ring[batch % BATCHES].count = n;
		made += n;
		sem_post(&filled);
	}
	return NULL;
}

static void send_all(const uint8_t *data, size_t length)
{
	while (length > 0) {
		ssize_t n = send(out, data, length, MSG_NOSIGNAL);
		if (n < 0)
			die("send");
		data += n;
		length -= (size_t)n;
	}
}

static void sendmsg_all(struct iovec *iov, size_t count)
{
	while (count > 0) {
		ssize_t n = sendmsg(out, &(struct msghdr){ .msg_iov = iov, .msg_iovlen = count }, MSG_NOSIGNAL);
		if (n < 0)
			die("sendmsg");
		while (count > 0 && (size_t)n >= iov->iov_len) {
			n -= (ssize_t)iov->iov_len;
			iov++;
			count--;
		}
		if (count > 0) {
			iov->iov_base = (uint8_t *)iov->iov_base + n;
			iov->iov_len -= (size_t)n;
		}
	}
}

static __attribute__((noinline)) void drain_copy(void **payload, unsigned count)
{
	static uint8_t buffer[BUFFER];
	size_t used = 0;

	for (unsigned i = 0; i < count; i++) {
		uint32_t length = htonl((uint32_t)size);
		if (used + sizeof(length) + size > BUFFER) {
			send_all(buffer, used);
			used = 0;
		}
		memcpy(buffer + used, &length, sizeof(length));
		memcpy(buffer + used + sizeof(length), payload[i], size);
		used += sizeof(length) + size;
		free(payload[i]);
	}
	send_all(buffer, used);
}

static __attribute__((noinline)) void drain_hand_over(void **payload, unsigned count, unsigned per_call,
						      size_t bytes_per_call)
{
	static struct iovec iov[2 * BATCH];
	static uint32_t lengths[BATCH];

	for (unsigned done = 0; done < count;) {
		unsigned n = 0;
		for (size_t bytes = 0; done + n < count && n < per_call; n++) {
			bytes += sizeof(lengths[n]) + size;
			if (n > 0 && bytes >= bytes_per_call)
				break;
			lengths[n] = htonl((uint32_t)size);
			iov[2 * n] = (struct iovec){ &lengths[n], sizeof(lengths[n]) };
			iov[2 * n + 1] = (struct iovec){ payload[done + n], size };
		}
		sendmsg_all(iov, 2 * (size_t)n);
		for (unsigned i = 0; i < n; i++)
			free(payload[done + i]);
		done += n;
	}
}

static void pin(int cpu)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) != 0)
		die("sched_setaffinity");
}

static double cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		unsigned per_call;
		size_t bytes_per_call;
	} ways[] = { { "copy", 0, 0 },
		     { "hand_over_c", 64, 8192 },
		     { "hand_over_64", 64, SIZE_MAX },
		     { "hand_over_512", 512, SIZE_MAX } };
	unsigned way = 0;
	int pair[2];
	pthread_t maker;

	while (argc == 4 && way < 4 && strcmp(ways[way].name, argv[1]) != 0)
		way++;
	size = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
	messages = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	if (way == 4 || size == 0 || size > BUFFER - 4 || messages == 0) {
		fprintf(stderr, "usage: copy_or_hand_over copy|hand_over_c|hand_over_64|hand_over_512 SIZE MESSAGES\n");
		return 2;
	}

	/* The draining thread has a core to itself; the child and the maker inherit the other one. */
	pin(1);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		die("socketpair");
	pid_t reader = fork();
	if (reader < 0)
		die("fork");
	if (reader == 0) {
		static uint8_t buffer[256 * 1024];
		uint64_t bytes = 0;
		close(pair[0]);
		for (ssize_t n; (n = read(pair[1], buffer, sizeof(buffer))) > 0;)
			bytes += (uint64_t)n;
		_exit(bytes != (uint64_t)messages * (4 + size));
	}
	close(pair[1]);
	out = pair[0];

	sem_init(&filled, 0, 0);
	sem_init(&drained, 0, BATCHES);
	if (pthread_create(&maker, NULL, make_payloads, NULL) != 0)
		die("pthread_create");
	pin(0);

	double spent = 0;
	for (unsigned long sent = 0, batch = 0; sent < messages; batch++) {
		wait_for(&filled);

		void **payload = ring[batch % BATCHES].payload;
		unsigned count = ring[batch % BATCHES].count;
		double before = cpu_ns();
		if (way == 0)
			drain_copy(payload, count);
		else
			drain_hand_over(payload, count, ways[way].per_call, ways[way].bytes_per_call);
		spent += cpu_ns() - before;
		sent += count;
		sem_post(&drained);
	}
	pthread_join(maker, NULL);
	close(out);

	int status;
	if (waitpid(reader, &status, 0) != reader || status != 0) {
		fprintf(stderr, "copy_or_hand_over: the reader did not get every byte\n");
		return 1;
	}
	printf("{\"way\": \"%s\", \"size\": %zu, \"messages\": %lu, \"cpu_ns_per_message\": %.2f}\n", ways[way].name,
	       size, messages, spent / (double)messages);
	return 0;
}
