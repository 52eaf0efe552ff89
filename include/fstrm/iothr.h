/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file
 * A writer thread with queues.
 *
 * Threads submit frames to queues without waiting. The writer thread opens the writer, sends the
 * frames, keeps them while the receiver is away or slow, and reconnects.
 */

#ifndef FSTRM_IOTHR_H
#define FSTRM_IOTHR_H

#include <fstrm/res.h>


/**
 * Minimum `buffer_hint`, in bytes.
 */
#define FSTRM_IOTHR_BUFFER_HINT_MIN 1024

/**
 * Default `buffer_hint`, in bytes.
 */
#define FSTRM_IOTHR_BUFFER_HINT_DEFAULT 8192

/**
 * Maximum `buffer_hint`, in bytes.
 */
#define FSTRM_IOTHR_BUFFER_HINT_MAX 65536

/**
 * Minimum `flush_timeout`, in seconds.
 */
#define FSTRM_IOTHR_FLUSH_TIMEOUT_MIN 1

/**
 * Default `flush_timeout`, in seconds.
 */
#define FSTRM_IOTHR_FLUSH_TIMEOUT_DEFAULT 1

/**
 * Maximum `flush_timeout`, in seconds.
 */
#define FSTRM_IOTHR_FLUSH_TIMEOUT_MAX 600

/**
 * Minimum `input_queue_size`, in frames.
 */
#define FSTRM_IOTHR_INPUT_QUEUE_SIZE_MIN 2

/**
 * Default `input_queue_size`, in frames.
 */
#define FSTRM_IOTHR_INPUT_QUEUE_SIZE_DEFAULT 512

/**
 * Maximum `input_queue_size`, in frames.
 */
#define FSTRM_IOTHR_INPUT_QUEUE_SIZE_MAX 16384

/**
 * Minimum `num_input_queues`.
 */
#define FSTRM_IOTHR_NUM_INPUT_QUEUES_MIN 1

/**
 * Default `num_input_queues`.
 */
#define FSTRM_IOTHR_NUM_INPUT_QUEUES_DEFAULT 1

/**
 * Minimum `output_queue_size`, in frames.
 */
#define FSTRM_IOTHR_OUTPUT_QUEUE_SIZE_MIN 2

/**
 * Default `output_queue_size`, in frames.
 */
#define FSTRM_IOTHR_OUTPUT_QUEUE_SIZE_DEFAULT 64

/**
 * Maximum `output_queue_size`, in frames: `IOV_MAX` on Linux.
 */
#define FSTRM_IOTHR_OUTPUT_QUEUE_SIZE_MAX 1024

/**
 * Minimum `queue_notify_threshold`, in frames.
 */
#define FSTRM_IOTHR_QUEUE_NOTIFY_THRESHOLD_MIN 1

/**
 * Default `queue_notify_threshold`, in frames.
 */
#define FSTRM_IOTHR_QUEUE_NOTIFY_THRESHOLD_DEFAULT 32

/**
 * Minimum `reopen_interval`, in seconds.
 */
#define FSTRM_IOTHR_REOPEN_INTERVAL_MIN 1

/**
 * Default `reopen_interval`, in seconds.
 */
#define FSTRM_IOTHR_REOPEN_INTERVAL_DEFAULT 5

/**
 * Maximum `reopen_interval`, in seconds.
 */
#define FSTRM_IOTHR_REOPEN_INTERVAL_MAX 600

/**
 * The number of threads that submit to a queue at the same time.
 */
typedef enum fstrm_iothr_queue_model {
  /**
   * One thread.
   */
  FSTRM_IOTHR_QUEUE_MODEL_SPSC,
  /**
   * Any number of threads.
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
 * Creates writer thread options with the default values.
 *
 * @return The options, to be destroyed with fstrm_iothr_options_destroy().
 */
struct fstrm_iothr_options *fstrm_iothr_options_init(void);

/**
 * Destroys writer thread options.
 *
 * @param[in,out] opt  Pointer to the options; set to NULL. If it is NULL already, nothing happens.
 */
void fstrm_iothr_options_destroy(struct fstrm_iothr_options **opt);

/**
 * Sets the number of bytes, including the lengths of the frames, that are gathered for one call of
 * a stream's own `write` function (fstrm_rdwr_set_write()); a longer frame is written by itself.
 * This library does not use it for files and sockets, to which it writes all pending frames, up to
 * 64 KiB at once.
 *
 * @param opt          The options.
 * @param buffer_hint  From #FSTRM_IOTHR_BUFFER_HINT_MIN to #FSTRM_IOTHR_BUFFER_HINT_MAX bytes.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The value is out of range, or `opt` is NULL.
 */
fstrm_res fstrm_iothr_options_set_buffer_hint(struct fstrm_iothr_options *opt,
                                              unsigned int buffer_hint);

/**
 * Sets the maximum time that a frame waits for further frames, to be sent together with them.
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
 * Sets the capacity of each queue in frames. This library uses it as a minimum: the capacity is
 * rounded up to a power of two, and at least 4096.
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
 * Sets the number of queues. Each thread that submits many frames should have a queue of its own.
 *
 * @param opt               The options.
 * @param num_input_queues  At least #FSTRM_IOTHR_NUM_INPUT_QUEUES_MIN. With more than 65,536,
 *                          fstrm_iothr_init() fails.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The value is out of range, or `opt` is NULL.
 */
fstrm_res fstrm_iothr_options_set_num_input_queues(struct fstrm_iothr_options *opt,
                                                   unsigned int num_input_queues);

/**
 * Sets the number of frames that are gathered for a stream's own `write` function
 * (fstrm_rdwr_set_write()), which gets at most 128 of them in one call. This library does not use
 * it for files and sockets, to which it writes all pending frames, up to 64 KiB at once.
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
 * Sets whether several threads may submit to one queue at the same time.
 *
 * @param opt          The options.
 * @param queue_model  Single or multiple producers.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The value is not a known model, or `opt` is NULL.
 */
fstrm_res fstrm_iothr_options_set_queue_model(struct fstrm_iothr_options *opt,
                                              enum fstrm_iothr_queue_model queue_model);

/**
 * Sets the free capacity at which the writer thread is woken: when no more than this number of
 * `input_queue_size` frames fit into the queue, and no later than when the queue is half full. (In
 * fstrm 0.6.1, it is the free capacity, too, although its documentation says that it is the number
 * of frames in the queue.)
 *
 * @param opt                     The options.
 * @param queue_notify_threshold  At least #FSTRM_IOTHR_QUEUE_NOTIFY_THRESHOLD_MIN frames.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The value is out of range, or `opt` is NULL.
 */
fstrm_res fstrm_iothr_options_set_queue_notify_threshold(struct fstrm_iothr_options *opt,
                                                         unsigned int queue_notify_threshold);

/**
 * Sets the maximum delay between two attempts to connect. The first retry comes after 100 ms, and
 * each failure doubles the delay.
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
 * Starts a writer thread, which opens the writer and sends the submitted frames. It blocks all
 * signals. While the receiver is away, it keeps up to 16 MiB of frames
 * (fstrm_iothr_options_set_memory_limit()) in addition to those in the queues, and sends them when
 * the receiver is back; fstrm_iothr_submit() refuses further frames.
 *
 * After a fork, the child gets a thread and a connection of its own with the first frame that it
 * submits. The parent sends the frames that were pending at the fork, and the descriptors of its
 * thread are closed in the child. A child that is created by _Fork() or clone(), which run no fork
 * handlers, must not use the library.
 *
 * @param opt             Options; NULL for the defaults.
 * @param[in,out] writer  Pointer to the writer, which the thread takes over; set to NULL, even on
 *                        failure.
 * @return The writer thread, to be destroyed with fstrm_iothr_destroy(); NULL if there is no
 *         writer, or if out of memory, threads, or thread keys (PTHREAD_KEYS_MAX).
 */
struct fstrm_iothr *fstrm_iothr_init(const struct fstrm_iothr_options *opt,
                                     struct fstrm_writer **writer);

/**
 * Ends a writer thread: sends the pending frames, closes the stream, and frees the thread and its
 * queues. Returns within 2.5 seconds (fstrm_iothr_options_set_close_timeout()), whatever the
 * receiver does; frames that could not be sent by then are counted as lost. A program that ends
 * without this call, by exit() or a signal, loses the pending frames.
 *
 * A thread that is blocked in a caller's own `open`, `read` or `write` function is left running,
 * and its memory is not freed.
 *
 * @param[in,out] iothr  Pointer to the writer thread; set to NULL. If it is NULL already, nothing
 *                       happens. No other thread may be using it or its queues.
 */
void fstrm_iothr_destroy(struct fstrm_iothr **iothr);

/**
 * Returns the next queue that was not returned before. Any thread may call it.
 *
 * @param iothr  The writer thread, which owns the queue.
 * @return The queue; NULL if all queues were returned, or if `iothr` is NULL.
 */
struct fstrm_iothr_queue *fstrm_iothr_get_input_queue(struct fstrm_iothr *iothr);

/**
 * Returns a queue by its index, even if it was returned before. Any thread may call it.
 *
 * @param iothr  The writer thread, which owns the queue.
 * @param idx    The index of the queue, from 0.
 * @return The queue; NULL if the index is out of range, or if `iothr` is NULL.
 */
struct fstrm_iothr_queue *fstrm_iothr_get_input_queue_idx(struct fstrm_iothr *iothr, size_t idx);

/**
 * Submits a data frame to be sent. Never waits.
 *
 * @param iothr      The writer thread.
 * @param ioq        One of its queues. With a single-producer model, only one thread at a time may
 *                   use it.
 * @param data       The bytes of the frame. After success, they belong to the library until it
 *                   calls `free_func` in the writer thread.
 * @param len        The number of bytes, from 1 to UINT32_MAX - 1.
 * @param free_func  Called once with `data` and `free_data` when the bytes are no longer needed;
 *                   NULL if they need not be freed, as for static data.
 * @param free_data  The second argument of `free_func`.
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
 * Calls free(data): a `free_func` for frames that were allocated with malloc().
 *
 * @param data       The bytes.
 * @param free_data  Not used.
 */
void fstrm_free_wrapper(void *data, void *free_data);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* FSTRM_IOTHR_H */
