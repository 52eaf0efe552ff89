/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#define _DEFAULT_SOURCE
#include "own_files.h"

#include "harness.h"

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST = 3, LAST = 1023, OWN = 40 };

enum kind { REGULAR, PIPE, SOCKETS, EVENTFD, EPOLL, KINDS };

static const char CONTENT[] = "not to be touched";

static struct {
	enum kind kind;
	struct stat identity;
} own[LAST + 1];

/* The numbers in use: the first is FIRST, unless the library was faster. */
static bool is_own[LAST + 1];

static void add(int fd, enum kind kind)
{
	ASSERT(fd >= FIRST && fd <= LAST && fstat(fd, &own[fd].identity) == 0, "no descriptor for a file of the host");
	own[fd].kind = kind;
	is_own[fd] = true;
}

static void add_some(enum kind kind)
{
	int ends[2] = { -1, -1 };

	if (kind == REGULAR) {
		int fd = open("own", O_RDWR | O_CREAT | O_TRUNC, 0600);

		ASSERT(fd >= 0 && write(fd, CONTENT, sizeof CONTENT) == sizeof CONTENT, "no file");
		ASSERT(lseek(fd, 0, SEEK_SET) == 0, "no seek");
		ends[0] = fd;
		unlink("own");
	} else if (kind == PIPE) {
		ASSERT(pipe(ends) == 0, "no pipe");
	} else if (kind == SOCKETS) {
		ASSERT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "no sockets");
	} else {
		ends[0] = kind == EVENTFD ? eventfd(0, 0) : epoll_create1(0);
	}
	add(ends[0], kind);
	if (ends[1] >= 0)
		add(ends[1], kind);
}

void take_all_descriptors(void)
{
	static unsigned rounds;

	for (int fd = FIRST; fd <= LAST; fd++) {
		close(fd);
		is_own[fd] = false;
	}
	/* Each number gets another kind in each round. */
	rounds++;
	for (unsigned i = 0; i < OWN; i++)
		add_some((enum kind)((i + rounds) % KINDS));
}

static void check(int fd)
{
	char content[sizeof CONTENT + 1];
	struct pollfd p = { fd, POLLIN, 0 };
	struct stat found;
	int pending;

	ASSERT(fstat(fd, &found) == 0, "descriptor %d of the host is closed", fd);
	ASSERT(found.st_dev == own[fd].identity.st_dev && found.st_ino == own[fd].identity.st_ino,
	       "descriptor %d of the host was replaced", fd);
	if (own[fd].kind == REGULAR) {
		ASSERT(lseek(fd, 0, SEEK_CUR) == 0, "descriptor %d of the host was used", fd);
		ASSERT(pread(fd, content, sizeof content, 0) == sizeof CONTENT &&
			       memcmp(content, CONTENT, sizeof CONTENT) == 0,
		       "the file of the host at descriptor %d was written to", fd);
	} else if (own[fd].kind == PIPE || own[fd].kind == SOCKETS) {
		/* Fails for the writing end of a pipe. */
		ASSERT(ioctl(fd, FIONREAD, &pending) != 0 || pending == 0, "%d bytes were written to descriptor %d",
		       pending, fd);
		ASSERT(poll(&p, 1, 0) == 0, "the other end of descriptor %d was closed: %#x", fd, (unsigned)p.revents);
	} else {
		ASSERT(poll(&p, 1, 0) == 0, "descriptor %d of the host is ready", fd);
	}
}

void check_own_files(void)
{
	for (int fd = FIRST; fd <= LAST; fd++)
		if (is_own[fd])
			check(fd);
}
