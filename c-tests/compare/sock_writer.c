/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Socket writers: the handshake with various receivers, and the frames after it. */
#include "endpoint.h"
#include "print.h"
#include "receiver.h"

#include <string.h>
#include <unistd.h>

static const char *const no_types[] = { NULL };
static const char *const dnstap[] = { "protobuf:dnstap.Dnstap", NULL };
static const char *const two[] = { "first", "second", NULL };
static const char *const second[] = { "second", NULL };
static const char *const both_turned[] = { "second", "first", NULL };
static const char *const other[] = { "other", NULL };

/* An ACCEPT without the first type of the writer is missing: the C library wrongly refuses it. */
static const struct {
	const char *name;
	const char *const *offered;
	const char *const *accepted; /* NULL repeats what was offered */
} cases[] = {
	{ "nothing offered, nothing accepted", no_types, no_types },
	{ "nothing offered, one accepted", no_types, dnstap },
	{ "one offered and accepted", dnstap, NULL },
	{ "one offered, any accepted", dnstap, no_types },
	{ "one offered, another accepted", dnstap, other },
	{ "two offered, both accepted", two, NULL },
	{ "two offered, both accepted in reverse order", two, both_turned },
	{ "two offered, any accepted", two, no_types },
	{ "two offered, another accepted", two, other },
	{ "one offered, two accepted", second, both_turned },
};

static void play(struct receiver *r)
{
	const char *const *accepted = r->arg;
	int fd = accept_one(r->listening);

	/* A writer that refused the ACCEPT sends nothing more; closing frees it. */
	if (accepted == other) {
		receiver_read(r, fd);
		send_control(fd, ACCEPT, accepted);
		receiver_wait(r, 1);
	} else if (receiver_handshake(r, fd, accepted)) {
		while (receiver_read(r, fd) == DATA)
			;
		send_control(fd, FINISH, NULL);
		receiver_read(r, fd);
	}
	close(fd);
}

static void show_controls(struct fstrm_writer *w)
{
	for (int type = 0; type < 7; type++) {
		struct fstrm_control *c = NULL;
		fstrm_res res = fstrm_writer_get_control(w, (fstrm_control_type)type, &c);

		printf("  control %d: %s, ", type, res_name(res));
		print_control(stdout, c);
		putchar('\n');
	}
}

static void write_all(struct fstrm_writer *w)
{
	static char big[100000];
	struct iovec iov[300];

	printf("  write %s\n", res_name(fstrm_writer_write(w, "frame", 5)));
	memset(big, 'b', sizeof big);
	printf("  write %s\n", res_name(fstrm_writer_write(w, big, sizeof big)));
	for (size_t i = 0; i < 300; i++) {
		iov[i].iov_base = big;
		iov[i].iov_len = i + 1;
	}
	printf("  writev %s\n", res_name(fstrm_writer_writev(w, iov, 300)));
}

static void negotiate(const struct endpoint *e)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fstrm_writer *w = endpoint_writer(e, cases[i].offered);
		struct receiver r;
		fstrm_res opened;

		printf("%s: %s\n", e->name, cases[i].name);
		receiver_start(&r, e->listening, play, (void *)cases[i].accepted);
		opened = fstrm_writer_open(w);
		printf("  open %s\n", res_name(opened));
		if (opened == fstrm_res_success) {
			printf("  open again %s\n", res_name(fstrm_writer_open(w)));
			show_controls(w);
			if (i < 3)
				write_all(w);
			printf("  close %s\n", res_name(fstrm_writer_close(w)));
			printf("  close %s\n", res_name(fstrm_writer_close(w)));
			printf("  write %s\n", res_name(fstrm_writer_write(w, "late", 4)));
			show_controls(w);
		} else {
			receiver_reach(&r, 1);
		}
		receiver_finish(&r, stdout);
		printf("  destroy %s\n", res_name(fstrm_writer_destroy(&w)));
	}
}

static void play_twice(struct receiver *r)
{
	receiver_play_one(r);
	receiver_play_one(r);
}

/* One writer, two connections; both opened by writing. The second needs an explicit open. */
static void reopen(const struct endpoint *e)
{
	struct fstrm_writer *w = endpoint_writer(e, dnstap);
	struct receiver r;

	printf("%s: open, close, open\n", e->name);
	receiver_start(&r, e->listening, play_twice, NULL);
	printf("  write %s\n", res_name(fstrm_writer_write(w, "one", 3)));
	printf("  close %s\n", res_name(fstrm_writer_close(w)));
	printf("  write %s\n", res_name(fstrm_writer_write(w, "lost", 4)));
	printf("  open %s\n", res_name(fstrm_writer_open(w)));
	printf("  write %s\n", res_name(fstrm_writer_write(w, "two", 3)));
	printf("  destroy %s\n", res_name(fstrm_writer_destroy(&w)));
	receiver_finish(&r, stdout);
}

/* No receiver listens, then one does. */
static void refused(enum transport transport)
{
	struct endpoint gone, back;
	struct fstrm_writer *w;
	struct receiver r;

	if (!endpoint_open(&gone, transport))
		return;
	w = endpoint_writer(&gone, dnstap);
	close(gone.listening);
	printf("%s: no receiver\n", gone.name);
	printf("  open %s\n", res_name(fstrm_writer_open(w)));
	printf("  write %s\n", res_name(fstrm_writer_write(w, "lost", 4)));
	printf("  close %s\n", res_name(fstrm_writer_close(w)));
	if (transport == TO_UNIX && endpoint_open(&back, transport)) {
		receiver_start(&r, back.listening, receiver_play_one, NULL);
		printf("  write %s\n", res_name(fstrm_writer_write(w, "kept", 4)));
		printf("  close %s\n", res_name(fstrm_writer_close(w)));
		receiver_finish(&r, stdout);
		endpoint_close(&back);
	}
	printf("  destroy %s\n", res_name(fstrm_writer_destroy(&w)));
}

static void all_receivers(const struct endpoint *e)
{
	negotiate(e);
	reopen(e);
}

int main(void)
{
	each_socket(all_receivers);
	for (enum transport t = TO_UNIX; t < TRANSPORTS; t++)
		refused(t);
	return 0;
}
