/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "messages.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const only_dnstap[] = { CONTENT_TYPE, NULL };

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
	dnstap_message m = DNSTAP_MESSAGE_INIT;

	pthread_once(&once, set_addresses);
	m.type = type;
	m.socket_protocol = DNSTAP_SOCKET_PROTOCOL_UDP;
	m.initiator = (const struct sockaddr *)&initiator;
	m.responder = (const struct sockaddr *)&responder;
	m.query_time.seconds = 1700000000;
	m.query_time.nanoseconds = 123456789;
	return m;
}

/* The first bytes of a query, which determine the others. */
struct head {
	uint16_t logger;
	uint16_t length;
	uint32_t seq;
};

void put_id(dnstap_message *message, uint8_t *query, struct message_id id, size_t length)
{
	struct head head = { (uint16_t)id.logger, (uint16_t)length, id.seq };

	memcpy(query, &head, sizeof head);
	memset(query + sizeof head, (int)(id.seq & 0xff), length - sizeof head);
	message->query.data = query;
	message->query.length = length;
}

bool get_id(const uint8_t *query, size_t length, struct message_id *id)
{
	struct head head;

	if (length < sizeof head)
		return false;
	memcpy(&head, query, sizeof head);
	id->logger = head.logger;
	id->seq = head.seq;
	for (size_t i = sizeof head; i < length; i++)
		if (query[i] != (head.seq & 0xff))
			return false;
	return length == head.length;
}

dnstap_result log_with_id(dnstap_queue *queue, uint32_t type, struct message_id id, size_t length)
{
	uint8_t query[MAX_QUERY];
	dnstap_message m = example(type);

	put_id(&m, query, id, length);
	return dnstap_log(queue, &m);
}

dnstap_result log_frame_with_id(dnstap_queue *queue, uint32_t type, struct message_id id, size_t length)
{
	uint8_t query[MAX_QUERY], frame[MAX_QUERY + 1000];
	dnstap_message m = example(type);
	size_t used;

	put_id(&m, query, id, length);
	ASSERT(dnstap_encode(frame, sizeof frame, &used, &m) == DNSTAP_OK, "a message of %zu bytes cannot be encoded",
	       length);
	return dnstap_log_frame(queue, type, frame, used);
}

Dnstap__Dnstap *unpack(const unsigned char *data, size_t len)
{
	Dnstap__Dnstap *event = dnstap__dnstap__unpack(NULL, len, data);

	ASSERT(event != NULL && event->type == DNSTAP__DNSTAP__TYPE__MESSAGE && event->message != NULL,
	       "a frame of %zu bytes is not an event with a message", len);
	/* Fewer if a field came twice. */
	ASSERT(dnstap__dnstap__get_packed_size(event) == len, "an event takes %zu bytes, but its frame has %zu",
	       dnstap__dnstap__get_packed_size(event), len);
	return event;
}

void free_event(Dnstap__Dnstap *event)
{
	dnstap__dnstap__free_unpacked(event, NULL);
}

struct tally *new_tally(void)
{
	struct tally *tally = calloc(1, sizeof *tally);

	ASSERT(tally != NULL, "no memory");
	pthread_mutex_init(&tally->lock, NULL);
	return tally;
}

void free_tally(struct tally *tally)
{
	pthread_mutex_destroy(&tally->lock);
	free(tally);
}

static void count(struct tally *tally, const struct frame *f)
{
	Dnstap__Dnstap *event = unpack(f->data, f->len);
	const ProtobufCBinaryData *query = &event->message->query_message;
	int type = (int)event->message->type;
	struct message_id n;

	ASSERT(event->message->has_query_message && get_id(query->data, query->len, &n),
	       "a corrupt message after %llu messages", (unsigned long long)tally->messages);
	ASSERT(type > 0 && type < DNSTAP_MESSAGE_TYPE_COUNT, "a message of logger %u has type %d, which was not logged",
	       n.logger, type);
	pthread_mutex_lock(&tally->lock);
	ASSERT(n.seq >= tally->next[n.logger], "message %u of logger %u instead of message %u", n.seq, n.logger,
	       tally->next[n.logger]);
	tally->gaps += n.seq > tally->next[n.logger];
	tally->missing += n.seq - tally->next[n.logger];
	tally->next[n.logger] = n.seq + 1;
	tally->messages++;
	tally->bytes += 4 + f->len;
	tally->by_type[type]++;
	pthread_mutex_unlock(&tally->lock);
	free_event(event);
}

int tally_frame(struct tally *tally, int fd)
{
	struct frame f;

	if (read_frame(fd, &f) == DATA)
		count(tally, &f);
	free_frame(&f);
	return f.type;
}

int tally_stream(struct tally *tally, int fd)
{
	int type;

	do
		type = tally_frame(tally, fd);
	while (type == DATA);
	ASSERT(type != LATE, "the stream stalled after %llu messages", (unsigned long long)tally->messages);
	if (type == STOP) {
		pthread_mutex_lock(&tally->lock);
		tally->streams++;
		pthread_mutex_unlock(&tally->lock);
	}
	return type;
}

void tally_to_stop(struct tally *tally, int fd)
{
	int type = tally_stream(tally, fd);

	ASSERT(type == STOP, "the stream ended with %d, not STOP", type);
	ASSERT(send_control(fd, FINISH, NULL), "FINISH could not be sent");
	ASSERT(read_to_end(fd), "the sender did not close after FINISH");
}

/* Returns whether the library reads this frame next, and its message. */
static bool reads_the_same(dnstap_reader *reader, const struct frame *f)
{
	dnstap_message m = DNSTAP_MESSAGE_INIT;
	struct message_id n;
	dnstap_bytes frame;

	return dnstap_reader_next(reader, &m, 0) == DNSTAP_OK && get_id(m.query.data, m.query.length, &n) &&
	       dnstap_reader_get_frame(reader, &frame) == DNSTAP_OK && frame.length == f->len &&
	       memcmp(frame.data, f->data, f->len) == 0;
}

int tally_partial_file(struct tally *tally, const char *path)
{
	dnstap_reader *reader = dnstap_reader_open(path, NULL);
	int fd = open(path, O_RDONLY);
	dnstap_result end;
	struct frame f;
	int type;

	ASSERT(fd >= 0 && reader != NULL, "%s does not exist", path);
	ASSERT(read_frame(fd, &f) == START && has_content_type(&f, CONTENT_TYPE), "%s begins with %d, not START", path,
	       f.type);
	free_frame(&f);
	while ((type = read_frame(fd, &f)) == DATA) {
		count(tally, &f);
		ASSERT(reads_the_same(reader, &f), "%s: after %llu messages the library reads another frame: %s", path,
		       (unsigned long long)tally->messages, dnstap_reader_get_error(reader));
		free_frame(&f);
	}
	free_frame(&f);
	end = dnstap_reader_next(reader, NULL, 0);
	ASSERT(end == (type == STOP  ? DNSTAP_END
		       : type == END ? DNSTAP_ERROR_NO_STOP
				     : DNSTAP_ERROR_TORN),
	       "%s ends with %d, but the library says: %s", path, type, dnstap_strerror(end));
	ASSERT(type != STOP || read_frame(fd, &f) == END, "%s goes on after STOP", path);
	dnstap_reader_close(&reader);
	close(fd);
	return type;
}

uint64_t tally_file(struct tally *tally, const char *path)
{
	uint64_t before = tally->messages;
	int end = tally_partial_file(tally, path);

	ASSERT(end == STOP, "%s ends with %d, not STOP", path, end);
	return tally->messages - before;
}

void receive(struct receiver *r)
{
	int fd = accept_one(r->listening);

	ASSERT(fd >= 0, "the sender did not connect");
	ASSERT(receiver_handshake(r, fd, only_dnstap), "no handshake");
	receiver_reach(r, 1);
	tally_to_stop(r->arg, fd);
	close(fd);
}
