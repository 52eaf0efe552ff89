/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Numbers in the headers: macros, enum values and the sizes of all public types. */
#include <fstrm.h>
#include <limits.h>
#include <stdio.h>

#define NUMBER(name) printf(#name " %lld\n", (long long)(name))
#define SIZE(type) printf("sizeof " #type " %zu, %s\n", sizeof(type), (type) - 1 < (type)1 ? "signed" : "unsigned")
#define POINTER(type) printf("sizeof " #type " %zu\n", sizeof(type))

/* Callbacks of the shapes the typedefs name; a wrong typedef does not compile. */
static fstrm_res one(void *obj)
{
	return obj ? fstrm_res_success : fstrm_res_failure;
}

static fstrm_res reads(void *obj, void *data, size_t count)
{
	return obj && data && count ? fstrm_res_success : fstrm_res_failure;
}

static fstrm_res writes(void *obj, const struct iovec *iov, int iovcnt)
{
	return obj && iov && iovcnt ? fstrm_res_success : fstrm_res_failure;
}

int main(void)
{
	fstrm_rdwr_destroy_func destroy = one;
	fstrm_rdwr_open_func open = one;
	fstrm_rdwr_close_func close = one;
	fstrm_rdwr_read_func read = reads;
	fstrm_rdwr_write_func write = writes;

	NUMBER(FSTRM_CONTROL_FRAME_LENGTH_MAX);
	NUMBER(FSTRM_CONTROL_FIELD_CONTENT_TYPE_LENGTH_MAX);
	NUMBER(FSTRM_CONTROL_ACCEPT);
	NUMBER(FSTRM_CONTROL_START);
	NUMBER(FSTRM_CONTROL_STOP);
	NUMBER(FSTRM_CONTROL_READY);
	NUMBER(FSTRM_CONTROL_FINISH);
	NUMBER(FSTRM_CONTROL_FIELD_CONTENT_TYPE);
	NUMBER(FSTRM_CONTROL_FLAG_WITH_HEADER);
	NUMBER(FSTRM_IOTHR_BUFFER_HINT_MIN);
	NUMBER(FSTRM_IOTHR_BUFFER_HINT_DEFAULT);
	NUMBER(FSTRM_IOTHR_BUFFER_HINT_MAX);
	NUMBER(FSTRM_IOTHR_FLUSH_TIMEOUT_MIN);
	NUMBER(FSTRM_IOTHR_FLUSH_TIMEOUT_DEFAULT);
	NUMBER(FSTRM_IOTHR_FLUSH_TIMEOUT_MAX);
	NUMBER(FSTRM_IOTHR_INPUT_QUEUE_SIZE_MIN);
	NUMBER(FSTRM_IOTHR_INPUT_QUEUE_SIZE_DEFAULT);
	NUMBER(FSTRM_IOTHR_INPUT_QUEUE_SIZE_MAX);
	NUMBER(FSTRM_IOTHR_NUM_INPUT_QUEUES_MIN);
	NUMBER(FSTRM_IOTHR_NUM_INPUT_QUEUES_DEFAULT);
	NUMBER(FSTRM_IOTHR_OUTPUT_QUEUE_SIZE_MIN);
	NUMBER(FSTRM_IOTHR_OUTPUT_QUEUE_SIZE_DEFAULT);
	NUMBER(FSTRM_IOTHR_OUTPUT_QUEUE_SIZE_MAX);
	NUMBER(FSTRM_IOTHR_QUEUE_MODEL_SPSC);
	NUMBER(FSTRM_IOTHR_QUEUE_MODEL_MPSC);
	NUMBER(FSTRM_IOTHR_QUEUE_MODEL_DEFAULT);
	NUMBER(FSTRM_IOTHR_QUEUE_NOTIFY_THRESHOLD_MIN);
	NUMBER(FSTRM_IOTHR_QUEUE_NOTIFY_THRESHOLD_DEFAULT);
	NUMBER(FSTRM_IOTHR_REOPEN_INTERVAL_MIN);
	NUMBER(FSTRM_IOTHR_REOPEN_INTERVAL_DEFAULT);
	NUMBER(FSTRM_IOTHR_REOPEN_INTERVAL_MAX);
	NUMBER(FSTRM_READER_MAX_FRAME_SIZE_DEFAULT);
	NUMBER(fstrm_res_success);
	NUMBER(fstrm_res_failure);
	NUMBER(fstrm_res_again);
	NUMBER(fstrm_res_invalid);
	NUMBER(fstrm_res_stop);
	SIZE(fstrm_res);
	SIZE(fstrm_control_type);
	SIZE(fstrm_control_field);
	SIZE(fstrm_control_flag);
	SIZE(fstrm_iothr_queue_model);
	POINTER(fstrm_rdwr_destroy_func);
	POINTER(fstrm_rdwr_open_func);
	POINTER(fstrm_rdwr_close_func);
	POINTER(fstrm_rdwr_read_func);
	POINTER(fstrm_rdwr_write_func);
	return destroy && open && close && read && write ? 0 : 1;
}
