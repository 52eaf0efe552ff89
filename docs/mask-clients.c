/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copies dnstap from a file to an output, with the last byte of each client's IPv4 address set to 0.
 *   cc mask-clients.c $(pkg-config --cflags --libs libdnstap) -o mask-clients
 *   ./mask-clients in.tap unix:/run/dnstap.sock
 */
#include <libdnstap.h>
#include <stdio.h>

/* Writes a message with the client's address masked, and all other fields unchanged. */
static dnstap_result copy(dnstap_writer *writer, dnstap_message *message)
{
	struct sockaddr_in masked;
	if (message->initiator != NULL && message->initiator->sa_family == AF_INET) {
		masked = *(const struct sockaddr_in *)message->initiator;
		masked.sin_addr.s_addr &= htonl(0xffffff00);
		message->initiator = (const struct sockaddr *)&masked;
	}
	return dnstap_writer_write(writer, message);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: %s FILE OUTPUT\n", argv[0]);
		return 2;
	}
	dnstap_reader *reader = dnstap_reader_open(argv[1], NULL);
	if (reader == NULL) {
		fprintf(stderr, "%s\n", dnstap_reader_get_error(NULL));
		return 1;
	}
	dnstap_options *options = dnstap_options_new();
	dnstap_options_set_identity(options, NULL); /* the messages of the file have their own */
	dnstap_writer *writer = NULL;
	dnstap_result error = dnstap_options_set_output(options, argv[2]);
	if (error == DNSTAP_OK)
		writer = dnstap_writer_open(options, &error);
	if (writer == NULL) {
		fprintf(stderr, "%s\n", dnstap_options_get_error(options));
		return 1;
	}
	dnstap_options_free(&options);

	dnstap_message message = DNSTAP_MESSAGE_INIT;
	dnstap_result read = DNSTAP_OK, written = DNSTAP_OK;
	/* Reading a file has no time limit, so the 0 does not matter. */
	while (written == DNSTAP_OK && (read = dnstap_reader_next(reader, &message, 0)) == DNSTAP_OK) {
		written = copy(writer, &message);
		if (written == DNSTAP_ERROR_MESSAGE_TYPE) /* of a newer schema: unknown which address to mask */
			written = DNSTAP_OK;
	}
	if (written != DNSTAP_OK)
		fprintf(stderr, "%s\n", dnstap_writer_get_error(writer));
	else if (read != DNSTAP_END)
		fprintf(stderr, "%s: %s\n", argv[1], dnstap_reader_get_error(reader));
	dnstap_reader_close(&reader);
	/* Writes the rest, and waits until the receiver has read everything. */
	error = dnstap_writer_close(&writer);
	if (written == DNSTAP_OK && error != DNSTAP_OK)
		fprintf(stderr, "%s\n", dnstap_writer_get_error(NULL));
	return written == DNSTAP_OK && read == DNSTAP_END && error == DNSTAP_OK ? 0 : 1;
}
