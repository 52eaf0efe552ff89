/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "stream.h"
#include "fault.h"

const char CONTENT_TYPE[] = "protobuf:dnstap.Dnstap";
const char *const content_types[] = { CONTENT_TYPE, NULL };

int take_frame(int fd, struct arrivals *came)
{
	struct frame frame;
	uint64_t number;

	if (read_frame(fd, &frame) == DATA) {
		NEED(event_number(frame.data, frame.len, &number), "after %llu messages a torn one arrived",
		     (unsigned long long)came->frames);
		NEED(arrive(came, number), "number %llu arrived where %llu was due", (unsigned long long)number,
		     (unsigned long long)came->next);
	}
	free_frame(&frame);
	return frame.type;
}

int take_rest(int fd, struct arrivals *came)
{
	int type;

	do
		type = take_frame(fd, came);
	while (type == DATA);
	NEED(type != LATE, "the stream came to a halt after %llu messages", (unsigned long long)came->frames);
	return type;
}

void take_to_stop(int fd, struct arrivals *came)
{
	int type = take_rest(fd, came);

	NEED(type == STOP, "the stream ended with %d, not STOP", type);
	NEED(send_control(fd, FINISH, NULL), "FINISH could not be sent");
	NEED(read_to_end(fd), "the sender did not close after FINISH");
}
