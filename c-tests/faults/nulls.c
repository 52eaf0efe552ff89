/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* NULL for each pointer argument of each function: an error, never a crash. */
#include "endpoint.h"
#include "harness.h"

#include <stdbool.h>
#include <stdlib.h>

/* Valid values for the other arguments. */
static struct fstrm_control *control;
static struct fstrm_file_options *fopt;
static struct fstrm_unix_writer_options *uwopt;
static struct fstrm_tcp_writer_options *twopt;
static struct fstrm_writer_options *wopt;
static struct fstrm_reader_options *ropt;
static struct fstrm_rdwr *rdwr;
static struct fstrm_writer *writer;
static struct fstrm_reader *reader;
static struct fstrm_iothr_options *opt;
static struct fstrm_iothr *iothr;
static struct fstrm_iothr_queue *queue;
static struct fstrm_control *got_control;
static struct fstrm_rdwr *no_rdwr;
static struct fstrm_writer *no_writer;
static const struct fstrm_control *seen_control;
static fstrm_control_type type;
static const uint8_t *data;
static size_t len = 64;
static char buffer[64];
static const struct iovec nothing = { NULL, 5 }, something = { buffer, 5 };

static fstrm_res accept_all(void *obj, const struct iovec *iov, int iovcnt)
{
	(void)obj, (void)iov, (void)iovcnt;
	return fstrm_res_success;
}

static fstrm_res accept_open(void *obj)
{
	(void)obj;
	return fstrm_res_success;
}

static fstrm_res deny_read(void *obj, void *to, size_t count)
{
	(void)obj, (void)to, (void)count;
	return fstrm_res_failure;
}

static struct fstrm_rdwr *rdwr_to_nowhere(void)
{
	struct fstrm_rdwr *to = fstrm_rdwr_init(NULL);

	fstrm_rdwr_set_open(to, accept_open);
	fstrm_rdwr_set_close(to, accept_open);
	fstrm_rdwr_set_write(to, accept_all);
	return to;
}

static struct fstrm_writer *writer_to_nowhere(void)
{
	struct fstrm_rdwr *to = rdwr_to_nowhere();

	return fstrm_writer_init(NULL, &to);
}

static void prepare(void)
{
	struct endpoint file = { .transport = TO_FILE };
	struct fstrm_writer *captive;

	control = fstrm_control_init();
	fstrm_control_set_type(control, FSTRM_CONTROL_READY);
	fopt = fstrm_file_options_init();
	fstrm_file_options_set_file_path(fopt, ENDPOINT_PATH);
	uwopt = fstrm_unix_writer_options_init();
	fstrm_unix_writer_options_set_socket_path(uwopt, "nobody");
	twopt = fstrm_tcp_writer_options_init();
	fstrm_tcp_writer_options_set_socket_address(twopt, "127.0.0.1");
	fstrm_tcp_writer_options_set_socket_port(twopt, "1");
	wopt = fstrm_writer_options_init();
	ropt = fstrm_reader_options_init();
	writer = endpoint_writer(&file, NULL);
	fstrm_writer_write(writer, "frame", 5);
	fstrm_writer_destroy(&writer);
	reader = fstrm_file_reader_init(fopt, ropt);
	fstrm_reader_open(reader);
	writer = writer_to_nowhere();
	fstrm_writer_open(writer);
	rdwr = rdwr_to_nowhere();
	fstrm_rdwr_set_read(rdwr, deny_read);
	fstrm_rdwr_open(rdwr);
	opt = fstrm_iothr_options_init();
	captive = writer_to_nowhere();
	iothr = fstrm_iothr_init(opt, &captive);
	queue = fstrm_iothr_get_input_queue(iothr);
}

static struct fstrm_control *with_field(void)
{
	fstrm_control_add_field_content_type(control, (const uint8_t *)"test", 4);
	return control;
}

static struct fstrm_writer *writer_to_file(void)
{
	struct endpoint file = { .transport = TO_FILE };

	return endpoint_writer(&file, NULL);
}

/* The expected outcome of a call: a result other than success, NULL, or any return. */
#define ROW(name, check) \
	do { \
		if (row++ == wanted) { \
			if (run) \
				check; \
			return name; \
		} \
	} while (0)
#define FAILS(call) ROW(#call, ASSERT((call) != fstrm_res_success, "returns success"))
#define GIVES_NULL(call) ROW(#call, ASSERT((call) == NULL, "returns something"))
#define RETURNS(call) ROW(#call, (call))

/* Returns the name of a row of the table, after running it if requested; NULL after the last. */
static const char *table(int wanted, bool run)
{
	int row = 0;

	RETURNS(fstrm_control_destroy(NULL));
	RETURNS(fstrm_control_reset(NULL));
	FAILS(fstrm_control_get_type(NULL, &type));
	FAILS(fstrm_control_get_type(control, NULL));
	FAILS(fstrm_control_set_type(NULL, FSTRM_CONTROL_STOP));
	FAILS(fstrm_control_get_num_field_content_type(NULL, &len));
	FAILS(fstrm_control_get_num_field_content_type(control, NULL));
	FAILS(fstrm_control_get_field_content_type(NULL, 0, &data, &len));
	FAILS(fstrm_control_get_field_content_type(with_field(), 0, NULL, &len));
	FAILS(fstrm_control_get_field_content_type(with_field(), 0, &data, NULL));
	FAILS(fstrm_control_add_field_content_type(NULL, data, 0));
	FAILS(fstrm_control_add_field_content_type(control, NULL, 5));
	FAILS(fstrm_control_match_field_content_type(NULL, (const uint8_t *)"x", 1));
	FAILS(fstrm_control_match_field_content_type(with_field(), NULL, 5));
	FAILS(fstrm_control_decode(NULL, buffer, sizeof buffer, 0));
	FAILS(fstrm_control_decode(control, NULL, 12, 0));
	FAILS(fstrm_control_decode(control, NULL, 0, 0));
	FAILS(fstrm_control_encoded_size(NULL, &len, 0));
	FAILS(fstrm_control_encoded_size(control, NULL, 0));
	FAILS(fstrm_control_encode(NULL, buffer, &len, 0));
	FAILS(fstrm_control_encode(control, NULL, &len, 0));
	FAILS(fstrm_control_encode(control, buffer, NULL, 0));
	RETURNS(fstrm_file_options_destroy(NULL));
	RETURNS(fstrm_file_options_set_file_path(NULL, "x"));
	RETURNS(fstrm_file_options_set_file_path(fopt, NULL));
	GIVES_NULL(fstrm_file_reader_init(NULL, ropt));
	GIVES_NULL(fstrm_file_writer_init(NULL, wopt));
	RETURNS(fstrm_unix_writer_options_destroy(NULL));
	RETURNS(fstrm_unix_writer_options_set_socket_path(NULL, "x"));
	RETURNS(fstrm_unix_writer_options_set_socket_path(uwopt, NULL));
	GIVES_NULL(fstrm_unix_writer_init(NULL, wopt));
	RETURNS(fstrm_tcp_writer_options_destroy(NULL));
	RETURNS(fstrm_tcp_writer_options_set_socket_address(NULL, "::1"));
	RETURNS(fstrm_tcp_writer_options_set_socket_address(twopt, NULL));
	RETURNS(fstrm_tcp_writer_options_set_socket_port(NULL, "53"));
	RETURNS(fstrm_tcp_writer_options_set_socket_port(twopt, NULL));
	GIVES_NULL(fstrm_tcp_writer_init(NULL, wopt));
	RETURNS(fstrm_writer_options_destroy(NULL));
	FAILS(fstrm_writer_options_add_content_type(NULL, "x", 1));
	FAILS(fstrm_writer_options_add_content_type(wopt, NULL, 5));
	GIVES_NULL(fstrm_writer_init(wopt, NULL));
	GIVES_NULL(fstrm_writer_init(wopt, &no_rdwr));
	FAILS(fstrm_writer_destroy(NULL));
	FAILS(fstrm_writer_open(NULL));
	FAILS(fstrm_writer_close(NULL));
	FAILS(fstrm_writer_write(NULL, "x", 1));
	FAILS(fstrm_writer_write(writer_to_file(), NULL, 5));
	FAILS(fstrm_writer_writev(NULL, &something, 1));
	FAILS(fstrm_writer_writev(writer, NULL, 1));
	FAILS(fstrm_writer_writev(writer, NULL, 300));
	FAILS(fstrm_writer_writev(writer_to_file(), &nothing, 1));
	FAILS(fstrm_writer_get_control(NULL, FSTRM_CONTROL_START, &got_control));
	FAILS(fstrm_writer_get_control(writer, FSTRM_CONTROL_START, NULL));
	RETURNS(fstrm_reader_options_destroy(NULL));
	FAILS(fstrm_reader_options_add_content_type(NULL, "x", 1));
	FAILS(fstrm_reader_options_add_content_type(ropt, NULL, 5));
	FAILS(fstrm_reader_options_set_max_frame_size(NULL, 512));
	GIVES_NULL(fstrm_reader_init(ropt, NULL));
	GIVES_NULL(fstrm_reader_init(ropt, &no_rdwr));
	FAILS(fstrm_reader_destroy(NULL));
	FAILS(fstrm_reader_open(NULL));
	FAILS(fstrm_reader_close(NULL));
	FAILS(fstrm_reader_read(NULL, &data, &len));
	FAILS(fstrm_reader_read(reader, NULL, &len));
	FAILS(fstrm_reader_read(reader, &data, NULL));
	FAILS(fstrm_reader_get_control(NULL, FSTRM_CONTROL_START, &seen_control));
	FAILS(fstrm_reader_get_control(reader, FSTRM_CONTROL_START, NULL));
	FAILS(fstrm_rdwr_destroy(NULL));
	FAILS(fstrm_rdwr_open(NULL));
	FAILS(fstrm_rdwr_close(NULL));
	FAILS(fstrm_rdwr_read(NULL, buffer, 4));
	FAILS(fstrm_rdwr_read(rdwr, NULL, 4));
	FAILS(fstrm_rdwr_write(NULL, &something, 1));
	FAILS(fstrm_rdwr_write(rdwr, NULL, 1));
	RETURNS(fstrm_rdwr_set_destroy(NULL, accept_open));
	RETURNS(fstrm_rdwr_set_destroy(rdwr, NULL));
	RETURNS(fstrm_rdwr_set_open(NULL, accept_open));
	RETURNS(fstrm_rdwr_set_open(rdwr, NULL));
	RETURNS(fstrm_rdwr_set_close(NULL, accept_open));
	RETURNS(fstrm_rdwr_set_close(rdwr, NULL));
	RETURNS(fstrm_rdwr_set_read(NULL, deny_read));
	RETURNS(fstrm_rdwr_set_read(rdwr, NULL));
	RETURNS(fstrm_rdwr_set_write(NULL, accept_all));
	RETURNS(fstrm_rdwr_set_write(rdwr, NULL));
	RETURNS(fstrm_iothr_options_destroy(NULL));
	FAILS(fstrm_iothr_options_set_buffer_hint(NULL, 8192));
	FAILS(fstrm_iothr_options_set_flush_timeout(NULL, 1));
	FAILS(fstrm_iothr_options_set_input_queue_size(NULL, 512));
	FAILS(fstrm_iothr_options_set_num_input_queues(NULL, 1));
	FAILS(fstrm_iothr_options_set_output_queue_size(NULL, 64));
	FAILS(fstrm_iothr_options_set_queue_model(NULL, FSTRM_IOTHR_QUEUE_MODEL_SPSC));
	FAILS(fstrm_iothr_options_set_queue_notify_threshold(NULL, 32));
	FAILS(fstrm_iothr_options_set_reopen_interval(NULL, 5));
	GIVES_NULL(fstrm_iothr_init(opt, NULL));
	GIVES_NULL(fstrm_iothr_init(opt, &no_writer));
	RETURNS(fstrm_iothr_destroy(NULL));
	GIVES_NULL(fstrm_iothr_get_input_queue(NULL));
	GIVES_NULL(fstrm_iothr_get_input_queue_idx(NULL, 0));
	FAILS(fstrm_iothr_submit(NULL, queue, buffer, 5, NULL, NULL));
	FAILS(fstrm_iothr_submit(iothr, NULL, buffer, 5, NULL, NULL));
	FAILS(fstrm_iothr_submit(iothr, queue, NULL, 5, NULL, NULL));
	RETURNS(fstrm_free_wrapper(NULL, NULL));
	return NULL;
}

static void run_row(int row)
{
	prepare();
	table(row, true);
}

int main(int argc, char **argv)
{
	struct test_case *cases;
	int count = 0;

	while (table(count, false) != NULL)
		count++;
	cases = calloc((size_t)count, sizeof *cases);
	for (int i = 0; i < count; i++)
		cases[i] = (struct test_case)FAULT(table(i, false), run_row, i, 15, ANY_OUTCOME, NULL);
	return run_cases(argc, argv, cases, (size_t)count);
}
