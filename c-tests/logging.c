/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "logging.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

dnstap_options *options_to(const char *output)
{
	dnstap_options *options = dnstap_options_new();

	NEED(dnstap_options_set_output(options, output) == DNSTAP_OK, "%s: %s", output,
	     dnstap_options_get_error(options));
	NEED(dnstap_options_set_io_timeout(options, DEADLINE * 1000) == DNSTAP_OK, "io_timeout");
	NEED(dnstap_options_set_close_timeout(options, DEADLINE * 1000) == DNSTAP_OK, "close_timeout");
	return options;
}

dnstap_sink *open_sink(dnstap_options *options)
{
	dnstap_result error;
	dnstap_sink *sink = dnstap_sink_open(options, &error);

	NEED(sink != NULL && error == DNSTAP_OK, "no sink: %s", dnstap_options_get_error(options));
	dnstap_options_free(&options);
	return sink;
}

static struct sockaddr_in initiator = { .sin_family = AF_INET }, responder = { .sin_family = AF_INET };

static void set_addresses(void)
{
	initiator.sin_addr.s_addr = htonl(0xc0000201);
	initiator.sin_port = htons(53000);
	responder.sin_addr.s_addr = htonl(0xc6336401);
	responder.sin_port = htons(53);
}

dnstap_message example(uint32_t type)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	dnstap_message m;

	pthread_once(&once, set_addresses);
	memset(&m, 0, sizeof m);
	m.size = sizeof m;
	m.type = type;
	m.socket_protocol = DNSTAP_UDP;
	m.initiator = (const struct sockaddr *)&initiator;
	m.responder = (const struct sockaddr *)&responder;
	m.query_time.tv_sec = 1700000000;
	m.query_time.tv_nsec = 123456789;
	return m;
}

dnstap_result log_number(dnstap_queue *queue, uint32_t type, struct number number, size_t length)
{
	unsigned char query[65536] = { 0 };
	dnstap_message m = example(type);

	memcpy(query, &number, sizeof number);
	m.query.data = query;
	m.query.length = length;
	return dnstap_log(queue, &m);
}

Dnstap__Dnstap *unpack(const unsigned char *data, size_t len)
{
	Dnstap__Dnstap *event = dnstap__dnstap__unpack(NULL, len, data);

	NEED(event != NULL && event->type == DNSTAP__DNSTAP__TYPE__MESSAGE && event->message != NULL,
	     "a frame of %zu bytes is no event with a message", len);
	return event;
}

void free_event(Dnstap__Dnstap *event)
{
	dnstap__dnstap__free_unpacked(event, NULL);
}

struct tally *new_tally(void)
{
	struct tally *tally = calloc(1, sizeof *tally);

	NEED(tally != NULL, "no memory");
	pthread_mutex_init(&tally->lock, NULL);
	return tally;
}

void free_tally(struct tally *tally)
{
	pthread_mutex_destroy(&tally->lock);
	free(tally);
}

void tally_frame(struct tally *tally, const unsigned char *data, size_t len)
{
	Dnstap__Dnstap *event = unpack(data, len);
	const ProtobufCBinaryData *query = &event->message->query_message;
	struct number n;

	NEED(event->message->has_query_message && query->len >= sizeof n, "a message without a number");
	memcpy(&n, query->data, sizeof n);
	NEED(n.who < WHO && event->message->type > 0 && event->message->type < DNSTAP_MESSAGE_TYPES,
	     "a message of %u and of type %d, which nobody logged", n.who, (int)event->message->type);
	pthread_mutex_lock(&tally->lock);
	NEED(n.seq >= tally->next[n.who], "message %u of %u after its message %u", n.seq, n.who,
	     tally->next[n.who] - 1);
	tally->missing += n.seq - tally->next[n.who];
	tally->next[n.who] = n.seq + 1;
	tally->messages++;
	tally->bytes += 4 + len;
	tally->by_type[event->message->type]++;
	pthread_mutex_unlock(&tally->lock);
	free_event(event);
}

/* Frames up to the end of the stream; its last frame is returned. */
static int tally_stream(struct tally *tally, int fd)
{
	struct frame f;

	while (read_frame(fd, &f) == DATA) {
		tally_frame(tally, f.data, f.len);
		free_frame(&f);
	}
	free_frame(&f);
	if (f.type == STOP) {
		pthread_mutex_lock(&tally->lock);
		tally->streams++;
		pthread_mutex_unlock(&tally->lock);
	}
	return f.type;
}

uint64_t tally_file(struct tally *tally, const char *path)
{
	uint64_t before = tally->messages;
	int fd = open(path, O_RDONLY);
	struct frame f;
	int last;

	NEED(fd >= 0, "%s is not there", path);
	NEED(read_frame(fd, &f) == START && has_content_type(&f, "protobuf:dnstap.Dnstap"),
	     "%s begins with %d and not with START", path, f.type);
	free_frame(&f);
	last = tally_stream(tally, fd);
	NEED(last == STOP, "%s ends with %d and not with STOP", path, last);
	NEED(read_frame(fd, &f) == END, "%s goes on behind STOP", path);
	close(fd);
	return tally->messages - before;
}

void receive(struct receiver *r)
{
	int fd = accept_one(r->listening);

	NEED(fd >= 0, "nobody connected");
	if (receiver_handshake(r, fd, NULL)) {
		receiver_reach(r, 1);
		if (tally_stream(r->arg, fd) == STOP)
			send_control(fd, FINISH, NULL);
	}
	close(fd);
}

void check_sums(const dnstap_stats *s)
{
	uint64_t sum = 0;

	for (int i = 0; i < DNSTAP_MESSAGE_TYPES; i++)
		sum += s->logged_by_type[i];
	NEED(s->logged == sum, "%llu logged, but %llu by type", (unsigned long long)s->logged, (unsigned long long)sum);
	sum = s->sent + s->waiting + s->dropped_full + s->dropped_too_long + s->dropped_invalid +
	      s->dropped_closed + s->dropped_fork;
	NEED(s->logged == sum && s->waiting <= s->logged && s->sent <= s->logged,
	     "%llu logged, but %llu sent, %llu waiting, dropped: %llu full, %llu too long, %llu invalid, %llu closed, %llu fork",
	     (unsigned long long)s->logged, (unsigned long long)s->sent, (unsigned long long)s->waiting,
	     (unsigned long long)s->dropped_full, (unsigned long long)s->dropped_too_long,
	     (unsigned long long)s->dropped_invalid, (unsigned long long)s->dropped_closed,
	     (unsigned long long)s->dropped_fork);
}

dnstap_stats stats_of(const dnstap_sink *sink)
{
	dnstap_stats s;
	dnstap_result result;

	memset(&s, 0x5a, sizeof s);
	s.size = sizeof s;
	result = dnstap_sink_get_stats(sink, &s);
	NEED(result == DNSTAP_OK, "get_stats: %s", dnstap_strerror(result));
	check_sums(&s);
	return s;
}

void expect(const char *what, uint64_t is, uint64_t wanted)
{
	NEED(is == wanted, "%s is %llu, not %llu", what, (unsigned long long)is, (unsigned long long)wanted);
}

void wait_for(pid_t child)
{
	int status = -1;

	NEED(child > 0 && waitpid(child, &status, 0) == child, "no child to wait for");
	NEED(status == 0, "a child ended with status %#x", (unsigned)status);
}

int in_haste(void)
{
	return getenv("IN_HASTE") != NULL;
}
