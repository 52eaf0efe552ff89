/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file
 * What this library adds to fstrm 0.6.1: the accounts of a writer thread, deadlines and a limit of
 * memory. Programs that use it need this library, and symbols of version LIBFSTRM_RS_0.1.
 */

#ifndef FSTRM_STATS_H
#define FSTRM_STATS_H

#include <fstrm/res.h>


/**
 * Where a writer thread stands with its receiver.
 */
typedef enum fstrm_iothr_state {
  /**
   * No connection; the next try is on a timer.
   */
  FSTRM_IOTHR_STATE_DISCONNECTED,
  /**
   * Connecting, or in the handshake.
   */
  FSTRM_IOTHR_STATE_CONNECTING,
  /**
   * Between START and STOP.
   */
  FSTRM_IOTHR_STATE_CONNECTED,
  /**
   * STOP is sent, or the thread has ended.
   */
  FSTRM_IOTHR_STATE_CLOSING,
} fstrm_iothr_state;

/**
 * Counts of submitted frames by their fate. At every moment `accepted = written + waiting +
 * lost_closing + lost_error`.
 *
 * The counters of a forked child start at 0: earlier frames, and those pending at the fork, belong
 * to its parent.
 */
typedef struct fstrm_iothr_stats {
  /**
   * Size in bytes of this struct, set by the caller: later versions may be longer.
   */
  size_t size;
  /**
   * Where the thread stands with its receiver: one of fstrm_iothr_state.
   */
  uint32_t state;
  /**
   * Frames that fstrm_iothr_submit() took.
   */
  uint64_t accepted;
  /**
   * Frames that fstrm_iothr_submit() gave back because the queue was full.
   */
  uint64_t refused;
  /**
   * Frames handed over to the operating system. What a receiver had not read when it died is
   * among them: no sender can know.
   */
  uint64_t written;
  /**
   * Frames in the queues and in the memory of the writer thread.
   */
  uint64_t waiting;
  /**
   * Frames that could not be sent within the close timeout, or were submitted too late to be
   * sent.
   */
  uint64_t lost_closing;
  /**
   * Frames in a write that a caller's own `write` function failed, which does not tell how many
   * of them it wrote.
   */
  uint64_t lost_error;
  /**
   * Bytes of the written frames and their lengths, without control frames. Of a frame that a
   * broken stream tore, what was sent of it counts too.
   */
  uint64_t bytes_written;
  /**
   * Streams that were opened up to START.
   */
  uint64_t connects;
  /**
   * Tries to open a stream that failed.
   */
  uint64_t connect_failures;
  /**
   * Streams that broke off.
   */
  uint64_t disconnects;
} fstrm_iothr_stats;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Retrieves the accounts of a writer thread at this moment. Any thread may call it.
 *
 * @param iothr          The writer thread.
 * @param[in,out] stats  Where the accounts go; `stats->size` is to be set to its size before.
 *                       Fields that this version does not know are set to 0.
 * @retval fstrm_res_success
 * @retval fstrm_res_invalid  `stats->size` is smaller than that of the first version of the
 *                            struct, or a pointer is NULL.
 */
fstrm_res fstrm_iothr_get_stats(const struct fstrm_iothr *iothr, struct fstrm_iothr_stats *stats);

/**
 * Ends a writer thread as fstrm_iothr_destroy() does, but keeps the handle, so that
 * fstrm_iothr_get_stats() can tell what became of the last frames. fstrm_iothr_submit() fails from
 * here on; a frame that another thread submits at this very moment may come too late, and is counted
 * as lost.
 *
 * @param iothr  The writer thread, still to be destroyed.
 * @retval fstrm_res_success  It has ended.
 * @retval fstrm_res_failure  It is held up in a function of the caller's own, or `iothr` is NULL.
 */
fstrm_res fstrm_iothr_close(struct fstrm_iothr *iothr);

/**
 * Sets how long fstrm_iothr_destroy() may take to send what waits and to close the stream.
 *
 * @param opt            The options.
 * @param close_timeout  In milliseconds, up to 600,000; 2,000 by default.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The value is out of range, or `opt` is NULL.
 */
fstrm_res fstrm_iothr_options_set_close_timeout(struct fstrm_iothr_options *opt,
                                                unsigned int close_timeout);

/**
 * Sets how much a writer thread holds, beside its queues, of what the receiver has not taken.
 *
 * @param opt           The options.
 * @param memory_limit  In bytes, at least 131,072; 16 MiB by default.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The value is out of range, or `opt` is NULL.
 */
fstrm_res fstrm_iothr_options_set_memory_limit(struct fstrm_iothr_options *opt,
                                               size_t memory_limit);

/**
 * Sets how long a writer waits for a receiver that makes no progress, in connecting, in the
 * handshakes, and in a write that is not an fstrm_iothr's.
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
