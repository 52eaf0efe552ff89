/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The paths, addresses and ports that a socket writer accepts, and where they lead. */
#include "print.h"
#include "receiver.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct fstrm_writer *tcp_writer(const char *address, const char *port)
{
	struct fstrm_tcp_writer_options *twopt = fstrm_tcp_writer_options_init();
	struct fstrm_writer *w;

	fstrm_tcp_writer_options_set_socket_address(twopt, address);
	fstrm_tcp_writer_options_set_socket_port(twopt, port);
	w = fstrm_tcp_writer_init(twopt, NULL);
	fstrm_tcp_writer_options_destroy(&twopt);
	if (twopt != NULL)
		puts("options are kept");
	fstrm_tcp_writer_options_destroy(&twopt);
	return w;
}

static struct fstrm_writer *unix_writer(const char *path)
{
	struct fstrm_unix_writer_options *uwopt = fstrm_unix_writer_options_init();
	struct fstrm_writer *w;

	fstrm_unix_writer_options_set_socket_path(uwopt, "replaced");
	fstrm_unix_writer_options_set_socket_path(uwopt, path);
	w = fstrm_unix_writer_init(uwopt, NULL);
	fstrm_unix_writer_options_destroy(&uwopt);
	if (uwopt != NULL)
		puts("options are kept");
	fstrm_unix_writer_options_destroy(&uwopt);
	return w;
}

static void made_or_not(struct fstrm_writer *w)
{
	printf("%s\n", w != NULL ? "made" : "NULL");
	fstrm_writer_destroy(&w);
}

static void addresses(void)
{
	/* clang-format off */
	static const char *const texts[] = {
		NULL, "", "127.0.0.1", "0.0.0.0", "255.255.255.255", "256.1.1.1", "127.1", "127.0.0.1.", "127.0.0.01",
		"127.0.0.1 ", " 127.0.0.1", "0x7f.0.0.1", "1.2.3", "1.2.3.4.5", "localhost", "::1", "::", "1::", "::1 ", " ::1",
		"[::1]", "::1%lo", "fe80::1%1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::",
		"::2:3:4:5:6:7:8", "1::8::9", "::ffff:127.0.0.1", "::127.0.0.1", "1:2:3:4:5:6:127.0.0.1", "::00001", "::g",
		":1", "1:", ":::", "::1/128", "127.0.0.1:53",
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		printf("address %s: ", texts[i] != NULL ? texts[i] : "not set");
		made_or_not(tcp_writer(texts[i], "53"));
	}
}

static void ports(void)
{
	/* clang-format off */
	static const char *const texts[] = {
		NULL, "", "0", "53", "0x35", "0X35", "0x", "065", "08", "00", "65535", "65536", "0xffff", "0x10000", "-1", "-0",
		"+53", " 53", "\t53", "53 ", "5 3", "abc", "53a", "1e3", "5.3", "domain", "4294967349", "18446744073709551616",
		"18446744073709551669", "99999999999999999999999",
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		printf("port %s: ", texts[i] != NULL ? texts[i] : "not set");
		made_or_not(tcp_writer("127.0.0.1", texts[i]));
	}
	printf("neither address nor port: ");
	made_or_not(tcp_writer(NULL, NULL));
}

static void open_with(const char *title, struct fstrm_writer *w, int listening)
{
	struct receiver r;
	fstrm_res res;

	receiver_start(&r, listening, receiver_play_one, NULL);
	res = fstrm_writer_open(w);
	printf("%s: open %s\n", title, res_name(res));
	printf("  destroy %s\n", res_name(fstrm_writer_destroy(&w)));
	receiver_finish(&r, stdout);
}

/* Each spelling of a port leads to the same receiver. */
static void spellings(void)
{
	static const char *const formats[] = { "%ld", "0x%lx", "0%lo", " %ld", "+%ld", "0X%lX", "0x000%lx" };
	char port[8], text[32];
	int listening = listen_tcp("127.0.0.1", port);

	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		snprintf(text, sizeof text, formats[i], strtol(port, NULL, 10));
		open_with(formats[i], tcp_writer("127.0.0.1", text), listening);
	}
	open_with("IPv4 address in an IPv6 one", tcp_writer("::ffff:127.0.0.1", port), listening);
	close(listening);
}

static void paths(void)
{
	static const size_t lens[] = { 0, 1, 90, 106, 107, 108, 109, 4096 };
	char path[5000];

	printf("path not set: ");
	made_or_not(unix_writer(NULL));
	for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
		struct fstrm_writer *w;

		memset(path, 'p', lens[i]);
		path[lens[i]] = '\0';
		w = unix_writer(path);
		printf("path of %zu bytes: %s\n", lens[i], w != NULL ? "made" : "NULL");
		if (w != NULL)
			printf("  without a receiver: open %s\n", res_name(fstrm_writer_open(w)));
		if (w != NULL && lens[i] > 0) {
			int listening = listen_unix(path);

			open_with("  receiver there", w, listening);
			close(listening);
			unlink(path);
		} else {
			fstrm_writer_destroy(&w);
		}
	}
}

int main(void)
{
	addresses();
	ports();
	spellings();
	paths();
	return 0;
}
