/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file
 * Additions of this library to fstrm 0.6.1: counters of a writer thread, time limits, and a memory
 * limit. Programs that use them need this library, with the symbol version LIBFSTRM_RS_0.1.
 */

#ifndef FSTRM_STATS_H
#define FSTRM_STATS_H

#include <fstrm/res.h>


/**
 * The state of the stream of a writer thread.
 */
typedef enum fstrm_iothr_state {
  /**
   * There is no stream; the writer thread will try to open one when its timer expires.
   */
  FSTRM_IOTHR_STATE_DISCONNECTED,
  /**
   * The writer thread is connecting, or in the handshake.
   */
  FSTRM_IOTHR_STATE_CONNECTING,
  /**
   * The stream is open.
   */
  FSTRM_IOTHR_STATE_CONNECTED,
  /**
   * The stream is being closed, or the writer thread has ended.
   */
  FSTRM_IOTHR_STATE_CLOSING,
} fstrm_iothr_state;

/**
 * Counters of a writer thread. At every moment `accepted = written + waiting +
 * lost_closing + lost_error`.
 *
 * The counters of a forked child start at 0: frames that were submitted before the fork, including
 * pending ones, belong to the parent.
 */
typedef struct fstrm_iothr_stats {
  /**
   * Size of this struct in bytes, set by the caller: later versions may be longer.
   */
  size_t size;
  /**
   * The state of the stream: one of fstrm_iothr_state.
   */
  uint32_t state;
  /**
   * Frames that fstrm_iothr_submit() accepted.
   */
  uint64_t accepted;
  /**
   * Frames that fstrm_iothr_submit() refused because the queue was full.
   */
  uint64_t refused;
  /**
   * Frames that were handed to the operating system. They include those that the receiver had
   * not read when it died, which no sender can count.
   */
  uint64_t written;
  /**
   * Pending frames, which are in the queues or in the memory of the writer thread.
   */
  uint64_t waiting;
  /**
   * Frames that could not be sent before the thread was closed, or were submitted while it was
   * being closed.
   */
  uint64_t lost_closing;
  /**
   * Frames in a failed call of a caller's own `write` function, which does not report how many
   * of them it wrote.
   */
  uint64_t lost_error;
  /**
   * Bytes sent: data frames with their length prefixes, without control frames. Includes the
   * part of a frame that was sent before a stream broke.
   */
  uint64_t bytes_written;
  /**
   * Streams that were opened.
   */
  uint64_t connects;
  /**
   * Failed attempts to open a stream.
   */
  uint64_t connect_failures;
  /**
   * Streams that broke.
   */
  uint64_t disconnects;
} fstrm_iothr_stats;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Retrieves the current counters of a writer thread. Any thread may call it.
 *
 * @param iothr          The writer thread.
 * @param[in,out] stats  Receives the counters; `stats->size` must be set to its size before.
 *                       Fields that this version of the library does not know are set to 0.
 * @retval fstrm_res_success
 * @retval fstrm_res_invalid  `stats->size` is smaller than that of the first version of the
 *                            struct, or a pointer is NULL.
 */
fstrm_res fstrm_iothr_get_stats(const struct fstrm_iothr *iothr, struct fstrm_iothr_stats *stats);

/**
 * Ends a writer thread like fstrm_iothr_destroy(), but keeps the handle, so that
 * fstrm_iothr_get_stats() can report the last frames. From here on, fstrm_iothr_submit() fails; a
 * frame that another thread submits at the same time may be too late, and is counted as lost.
 *
 * @param iothr  The writer thread, still to be destroyed.
 * @retval fstrm_res_success  The thread has ended.
 * @retval fstrm_res_failure  The thread is blocked in a function of the caller, or `iothr` is
 *                            NULL.
 */
fstrm_res fstrm_iothr_close(struct fstrm_iothr *iothr);

/**
 * Sets the time limit of fstrm_iothr_destroy() for sending the pending frames and closing the
 * stream.
 *
 * @param opt            The options.
 * @param close_timeout  In milliseconds, up to 600,000; 2,000 by default.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The value is out of range, or `opt` is NULL.
 */
fstrm_res fstrm_iothr_options_set_close_timeout(struct fstrm_iothr_options *opt,
                                                unsigned int close_timeout);

/**
 * Sets the maximum amount of memory, in addition to the queues, for frames that the receiver has
 * not accepted yet.
 *
 * @param opt           The options.
 * @param memory_limit  In bytes, at least 131,072; 16 MiB by default.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The value is out of range, or `opt` is NULL.
 */
fstrm_res fstrm_iothr_options_set_memory_limit(struct fstrm_iothr_options *opt,
                                               size_t memory_limit);

/**
 * Sets the time limit for a receiver that makes no progress: while connecting, in handshakes, and
 * in writes other than those of an fstrm_iothr.
 *
 * @param wopt        The options.
 * @param io_timeout  In milliseconds, from 1 to 600,000; 5,000 by default.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The value is out of range, or `wopt` is NULL.
 */
fstrm_res fstrm_writer_options_set_io_timeout(struct fstrm_writer_options *wopt,
                                              unsigned int io_timeout);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* FSTRM_STATS_H */
