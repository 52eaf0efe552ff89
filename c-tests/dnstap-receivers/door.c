/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "door.h"
#include "fault.h"
#include "receiver.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char PATH[] = "receiver";

/* A socket at a port of 127.0.0.1 that several may be bound to; 0 lets the system choose one. */
static int bind_port(unsigned *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((in_port_t)*port) };
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	NEED(bind(fd, (struct sockaddr *)&address, size) == 0, "port %u cannot be had", *port);
	getsockname(fd, (struct sockaddr *)&address, &size);
	*port = ntohs(address.sin_port);
	return fd;
}

void door_make(struct door *d, enum transport transport)
{
	memset(d, 0, sizeof *d);
	d->transport = transport;
	d->held = d->listening = -1;
	if (transport == TCP) {
		d->held = bind_port(&d->port);
		snprintf(d->output, sizeof d->output, "tcp:127.0.0.1:%u", d->port);
	} else {
		snprintf(d->output, sizeof d->output, "unix:%s", PATH);
	}
}

void door_open(struct door *d)
{
	if (d->transport == UNIX) {
		d->listening = listen_unix(PATH);
		return;
	}
	d->listening = bind_port(&d->port);
	NEED(listen(d->listening, 64) == 0, "nobody can listen at port %u", d->port);
}

void door_shut(struct door *d)
{
	close(d->listening);
	d->listening = -1;
}

void slam(int fd)
{
	struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	close(fd);
}
