/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "address.h"
#include "harness.h"
#include "receiver.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char PATH[] = "receiver";

/* Binds a socket to a port of 127.0.0.1 that may be bound several times; 0 lets the system choose one. */
static int bind_port(unsigned *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((in_port_t)*port) };
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	ASSERT(bind(fd, (struct sockaddr *)&address, size) == 0, "port %u cannot be bound", *port);
	getsockname(fd, (struct sockaddr *)&address, &size);
	*port = ntohs(address.sin_port);
	return fd;
}

void address_reserve(struct address *a, enum transport transport)
{
	memset(a, 0, sizeof *a);
	a->transport = transport;
	a->reserved = a->listening = -1;
	if (transport == TCP) {
		a->reserved = bind_port(&a->port);
		snprintf(a->output, sizeof a->output, "tcp:127.0.0.1:%u", a->port);
	} else {
		snprintf(a->output, sizeof a->output, "unix:%s", PATH);
	}
}

void address_listen(struct address *a)
{
	if (a->transport == UNIX) {
		a->listening = listen_unix(PATH);
		return;
	}
	a->listening = bind_port(&a->port);
	ASSERT(listen(a->listening, 64) == 0, "cannot listen at port %u", a->port);
}

void address_abandon(struct address *a)
{
	close(a->listening);
	a->listening = -1;
}

void reset_connection(int fd)
{
	struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	close(fd);
}
