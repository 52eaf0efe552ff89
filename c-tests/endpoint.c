/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "endpoint.h"
#include "receiver.h"

#include <string.h>
#include <unistd.h>

const char ENDPOINT_PATH[] = "endpoint";

static const char *const addresses[TRANSPORTS] = { NULL, NULL, "127.0.0.1", "::1" };

bool endpoint_open(struct endpoint *e, enum transport transport)
{
	static const char *const names[TRANSPORTS] = { "file", "unix", "tcp 127.0.0.1", "tcp ::1" };

	e->transport = transport;
	e->name = names[transport];
	e->listening = -1;
	if (transport == TO_UNIX)
		e->listening = listen_unix(ENDPOINT_PATH);
	if (addresses[transport] != NULL)
		e->listening = listen_tcp(addresses[transport], e->port);
	return transport == TO_FILE || e->listening >= 0;
}

void endpoint_close(struct endpoint *e)
{
	if (e->listening >= 0)
		close(e->listening);
	unlink(ENDPOINT_PATH);
}

void each_socket(void (*test)(const struct endpoint *e))
{
	for (enum transport transport = TO_UNIX; transport < TRANSPORTS; transport++) {
		struct endpoint e;

		if (!endpoint_open(&e, transport)) {
			printf("%s: skipped, the machine does not have this address\n", e.name);
			continue;
		}
		test(&e);
		endpoint_close(&e);
	}
}

struct fstrm_writer *endpoint_writer(const struct endpoint *e, const char *const *content_types)
{
	struct fstrm_writer_options *wopt = fstrm_writer_options_init();
	struct fstrm_writer *writer;

	for (; content_types != NULL && *content_types != NULL; content_types++)
		fstrm_writer_options_add_content_type(wopt, *content_types, strlen(*content_types));
	if (e->transport == TO_FILE) {
		struct fstrm_file_options *fopt = fstrm_file_options_init();
		fstrm_file_options_set_file_path(fopt, ENDPOINT_PATH);
		writer = fstrm_file_writer_init(fopt, wopt);
		fstrm_file_options_destroy(&fopt);
	} else if (e->transport == TO_UNIX) {
		struct fstrm_unix_writer_options *uwopt = fstrm_unix_writer_options_init();
		fstrm_unix_writer_options_set_socket_path(uwopt, ENDPOINT_PATH);
		writer = fstrm_unix_writer_init(uwopt, wopt);
		fstrm_unix_writer_options_destroy(&uwopt);
	} else {
		struct fstrm_tcp_writer_options *twopt = fstrm_tcp_writer_options_init();
		fstrm_tcp_writer_options_set_socket_address(twopt, addresses[e->transport]);
		fstrm_tcp_writer_options_set_socket_port(twopt, e->port);
		writer = fstrm_tcp_writer_init(twopt, wopt);
		fstrm_tcp_writer_options_destroy(&twopt);
	}
	fstrm_writer_options_destroy(&wopt);
	return writer;
}
