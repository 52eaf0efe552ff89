/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file
 * A writer thread behind queues.
 *
 * Threads submit frames to queues without waiting; the writer thread opens the writer, sends the
 * frames, holds them while the receiver is away or slow, and connects anew when it went away.
 */

#ifndef FSTRM_IOTHR_H
#define FSTRM_IOTHR_H

#include <fstrm/res.h>


/**
 * Least `buffer_hint`, in bytes.
 */
#define FSTRM_IOTHR_BUFFER_HINT_MIN 1024

/**
 * Default `buffer_hint`, in bytes.
 */
#define FSTRM_IOTHR_BUFFER_HINT_DEFAULT 8192

/**
 * Greatest `buffer_hint`, in bytes.
 */
#define FSTRM_IOTHR_BUFFER_HINT_MAX 65536

/**
 * Least `flush_timeout`, in seconds.
 */
#define FSTRM_IOTHR_FLUSH_TIMEOUT_MIN 1

/**
 * Default `flush_timeout`, in seconds.
 */
#define FSTRM_IOTHR_FLUSH_TIMEOUT_DEFAULT 1

/**
 * Greatest `flush_timeout`, in seconds.
 */
#define FSTRM_IOTHR_FLUSH_TIMEOUT_MAX 600

/**
 * Least `input_queue_size`, in frames.
 */
#define FSTRM_IOTHR_INPUT_QUEUE_SIZE_MIN 2

/**
 * Default `input_queue_size`, in frames.
 */
#define FSTRM_IOTHR_INPUT_QUEUE_SIZE_DEFAULT 512

/**
 * Greatest `input_queue_size`, in frames.
 */
#define FSTRM_IOTHR_INPUT_QUEUE_SIZE_MAX 16384

/**
 * Least `num_input_queues`.
 */
#define FSTRM_IOTHR_NUM_INPUT_QUEUES_MIN 1

/**
 * Default `num_input_queues`.
 */
#define FSTRM_IOTHR_NUM_INPUT_QUEUES_DEFAULT 1

/**
 * Least `output_queue_size`, in frames.
 */
#define FSTRM_IOTHR_OUTPUT_QUEUE_SIZE_MIN 2

/**
 * Default `output_queue_size`, in frames.
 */
#define FSTRM_IOTHR_OUTPUT_QUEUE_SIZE_DEFAULT 64

/**
 * Greatest `output_queue_size`, in frames: `IOV_MAX` of Linux.
 */
#define FSTRM_IOTHR_OUTPUT_QUEUE_SIZE_MAX 1024

/**
 * Least `queue_notify_threshold`, in frames.
 */
#define FSTRM_IOTHR_QUEUE_NOTIFY_THRESHOLD_MIN 1

/**
 * Default `queue_notify_threshold`, in frames.
 */
#define FSTRM_IOTHR_QUEUE_NOTIFY_THRESHOLD_DEFAULT 32

/**
 * Least `reopen_interval`, in seconds.
 */
#define FSTRM_IOTHR_REOPEN_INTERVAL_MIN 1

/**
 * Default `reopen_interval`, in seconds.
 */
#define FSTRM_IOTHR_REOPEN_INTERVAL_DEFAULT 5

/**
 * Greatest `reopen_interval`, in seconds.
 */
#define FSTRM_IOTHR_REOPEN_INTERVAL_MAX 600

/**
 * Who submits to a queue.
 */
typedef enum fstrm_iothr_queue_model {
  /**
   * One thread at a time.
   */
  FSTRM_IOTHR_QUEUE_MODEL_SPSC,
  /**
   * Any number of threads at a time.
   */
  FSTRM_IOTHR_QUEUE_MODEL_MPSC,
} fstrm_iothr_queue_model;

/**
 * Default `queue_model`.
 */
#define FSTRM_IOTHR_QUEUE_MODEL_DEFAULT FSTRM_IOTHR_QUEUE_MODEL_SPSC

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Makes writer thread options with the default values.
 *
 * @return The options, to be destroyed with fstrm_iothr_options_destroy().
 */
struct fstrm_iothr_options *fstrm_iothr_options_init(void);

/**
 * Destroys writer thread options.
 *
 * @param[in,out] opt  Where the options are; NULL is left there. Nothing happens for NULL.
 */
void fstrm_iothr_options_destroy(struct fstrm_iothr_options **opt);

/**
 * Sets how many bytes are gathered for one call of a stream's own `write` function
 * (fstrm_rdwr_set_write()), with the lengths of the frames; a longer frame is written by itself. To
 * a file or socket this library writes all pending frames, up to 64 KiB at once.
 *
 * @param opt          The options.
 * @param buffer_hint  From #FSTRM_IOTHR_BUFFER_HINT_MIN to #FSTRM_IOTHR_BUFFER_HINT_MAX bytes.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The value is out of range, or `opt` is NULL.
 */
fstrm_res fstrm_iothr_options_set_buffer_hint(struct fstrm_iothr_options *opt,
                                              unsigned int buffer_hint);

/**
 * Sets how long a frame may wait for others to be sent with.
 *
 * @param opt            The options.
 * @param flush_timeout  From #FSTRM_IOTHR_FLUSH_TIMEOUT_MIN to #FSTRM_IOTHR_FLUSH_TIMEOUT_MAX
 *                       seconds.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The value is out of range, or `opt` is NULL.
 */
fstrm_res fstrm_iothr_options_set_flush_timeout(struct fstrm_iothr_options *opt,
                                                unsigned int flush_timeout);

/**
 * Sets how many frames each queue holds. This library takes it as the least: a queue has room for
 * 4096 frames or more, and for the next power of two.
 *
 * @param opt               The options.
 * @param input_queue_size  From #FSTRM_IOTHR_INPUT_QUEUE_SIZE_MIN to
 *                          #FSTRM_IOTHR_INPUT_QUEUE_SIZE_MAX frames; an even number.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The value is out of range or odd, or `opt` is NULL.
 */
fstrm_res fstrm_iothr_options_set_input_queue_size(struct fstrm_iothr_options *opt,
                                                   unsigned int input_queue_size);

/**
 * Sets how many queues there are. Threads that log much should have one each.
 *
 * @param opt               The options.
 * @param num_input_queues  At least #FSTRM_IOTHR_NUM_INPUT_QUEUES_MIN. With more than 65,536
 *                          fstrm_iothr_init() fails.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The value is out of range, or `opt` is NULL.
 */
fstrm_res fstrm_iothr_options_set_num_input_queues(struct fstrm_iothr_options *opt,
                                                   unsigned int num_input_queues);

/**
 * Sets how many frames are gathered for a stream's own `write` function
 * (fstrm_rdwr_set_write()), which gets at most 128 of them in one call. To a file or socket this
 * library writes all pending frames, up to 64 KiB at once.
 *
 * @param opt                The options.
 * @param output_queue_size  From #FSTRM_IOTHR_OUTPUT_QUEUE_SIZE_MIN to
 *                           #FSTRM_IOTHR_OUTPUT_QUEUE_SIZE_MAX frames.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The value is out of range, or `opt` is NULL.
 */
fstrm_res fstrm_iothr_options_set_output_queue_size(struct fstrm_iothr_options *opt,
                                                    unsigned int output_queue_size);

/**
 * Sets who submits to a queue.
 *
 * @param opt          The options.
 * @param queue_model  Single or multiple producers.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The value is none, or `opt` is NULL.
 */
fstrm_res fstrm_iothr_options_set_queue_model(struct fstrm_iothr_options *opt,
                                              enum fstrm_iothr_queue_model queue_model);

/**
 * Sets when the writer thread is woken: once so few of `input_queue_size` frames have room left,
 * which is how fstrm 0.6.1 works, though its documentation speaks of frames in the queue; and no
 * later than when the queue is half full.
 *
 * @param opt                     The options.
 * @param queue_notify_threshold  At least #FSTRM_IOTHR_QUEUE_NOTIFY_THRESHOLD_MIN frames.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The value is out of range, or `opt` is NULL.
 */
fstrm_res fstrm_iothr_options_set_queue_notify_threshold(struct fstrm_iothr_options *opt,
                                                         unsigned int queue_notify_threshold);

/**
 * Sets how long the thread waits at most before it tries to connect again. The first tries come
 * sooner: after a tenth of a second, and after twice the time with every failure.
 *
 * @param opt              The options.
 * @param reopen_interval  From #FSTRM_IOTHR_REOPEN_INTERVAL_MIN to
 *                         #FSTRM_IOTHR_REOPEN_INTERVAL_MAX seconds.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The value is out of range, or `opt` is NULL.
 */
fstrm_res fstrm_iothr_options_set_reopen_interval(struct fstrm_iothr_options *opt,
                                                  unsigned int reopen_interval);

/**
 * Starts a writer thread, which opens the writer and sends what is submitted. It blocks all
 * signals. While the receiver is away it holds up to 16 MiB of frames
 * (fstrm_iothr_options_set_memory_limit()) beside those in the queues, and sends them when the
 * receiver is back; what does not fit is refused by fstrm_iothr_submit().
 *
 * After a fork the child gets a thread and a connection of its own with the first frame that it
 * submits; frames pending at the fork are sent by the parent, and the descriptors of the parent's
 * thread are closed in the child. A child made by _Fork() or clone(), which run no fork handlers,
 * must not use the library.
 *
 * @param opt             Options; NULL for the defaults.
 * @param[in,out] writer  Where the writer is. The thread takes it and leaves NULL, also on failure.
 * @return The writer thread, to be destroyed with fstrm_iothr_destroy(); NULL if there is no
 *         writer, memory or thread.
 */
struct fstrm_iothr *fstrm_iothr_init(const struct fstrm_iothr_options *opt,
                                     struct fstrm_writer **writer);

/**
 * Ends a writer thread: it sends what waits, closes the stream, and frees the frames. Returns
 * within 2.5 seconds (fstrm_iothr_options_set_close_timeout()), whatever the receiver does; what
 * could not be sent by then is counted as lost. A program that ends without it, by exit() or a
 * signal, loses the frames that have not been sent.
 *
 * A thread that is held up in a caller's own `open`, `read` or `write` function is left behind,
 * and so is what it works with.
 *
 * @param[in,out] iothr  Where the writer thread is; NULL is left there. Nothing happens for NULL.
 *                       No other thread may use it or its queues any more.
 */
void fstrm_iothr_destroy(struct fstrm_iothr **iothr);

/**
 * Hands out the next queue. Any thread may call it.
 *
 * @param iothr  The writer thread, which owns the queue.
 * @return The queue; NULL if all are given out, or for NULL.
 */
struct fstrm_iothr_queue *fstrm_iothr_get_input_queue(struct fstrm_iothr *iothr);

/**
 * Hands out a queue by its number, also one that was handed out before. Any thread may call it.
 *
 * @param iothr  The writer thread, which owns the queue.
 * @param idx    The number of the queue, from 0.
 * @return The queue; NULL if there is none of that number, or for NULL.
 */
struct fstrm_iothr_queue *fstrm_iothr_get_input_queue_idx(struct fstrm_iothr *iothr, size_t idx);

/**
 * Submits a data frame to be sent. Never waits.
 *
 * @param iothr      The writer thread.
 * @param ioq        One of its queues; by one thread at a time if its model is single producer.
 * @param data       The bytes of the frame. After success they are the library's, until it calls
 *                   `free_func` from the writer thread.
 * @param len        Their number, from 1 to UINT32_MAX - 1.
 * @param free_func  Called once with `data` and `free_data` when the bytes are no longer needed;
 *                   NULL for nothing to be done, as for static data.
 * @param free_data  Whatever `free_func` needs.
 * @retval fstrm_res_success  The frame will be sent, or counted as lost.
 * @retval fstrm_res_again    The queue is full.
 * @retval fstrm_res_invalid  The length is out of range, or a pointer is NULL.
 * @retval fstrm_res_failure  The writer thread is ending.
 */
fstrm_res fstrm_iothr_submit(struct fstrm_iothr *iothr,
                             struct fstrm_iothr_queue *ioq,
                             void *data,
                             size_t len,
                             void (*free_func)(void *buf, void *free_data),
                             void *free_data);

/**
 * Calls `free(data)`: a `free_func` for frames from `malloc`.
 *
 * @param data       The bytes.
 * @param free_data  Not used.
 */
void fstrm_free_wrapper(void *data, void *free_data);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* FSTRM_IOTHR_H */
