/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file
 * Writing a stream.
 */

#ifndef FSTRM_WRITER_H
#define FSTRM_WRITER_H

#include <fstrm/res.h>
#include <fstrm/control.h>


#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Makes writer options without content types.
 *
 * @return The options, to be destroyed with fstrm_writer_options_destroy().
 */
struct fstrm_writer_options *fstrm_writer_options_init(void);

/**
 * Destroys writer options.
 *
 * @param[in,out] wopt  Where the options are; NULL is left there. Nothing happens for NULL.
 */
void fstrm_writer_options_destroy(struct fstrm_writer_options **wopt);

/**
 * Adds a content type to those that the writer can send, the preferred first. The receiver picks
 * one of them; a stream to a receiver that cannot answer has the first. A writer without content
 * types takes what the receiver says.
 *
 * @param wopt              The options.
 * @param content_type      The bytes, which are copied. They may contain NUL.
 * @param len_content_type  Their number.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  More than #FSTRM_CONTROL_FIELD_CONTENT_TYPE_LENGTH_MAX bytes, or a
 *                            pointer is NULL.
 */
fstrm_res fstrm_writer_options_add_content_type(struct fstrm_writer_options *wopt,
                                                const void *content_type,
                                                size_t len_content_type);

/**
 * Makes a writer on a byte stream of the caller's own functions. With a `read` function the
 * receiver is expected to answer: READY, ACCEPT, START to open, STOP, FINISH to close.
 *
 * @param wopt          Writer options; NULL for the defaults.
 * @param[in,out] rdwr  Where the stream is. The writer takes it and leaves NULL.
 * @return The writer, to be destroyed with fstrm_writer_destroy(). NULL if the stream has no
 *         `write` function, or is NULL; then it stays the caller's.
 */
struct fstrm_writer *fstrm_writer_init(const struct fstrm_writer_options *wopt,
                                       struct fstrm_rdwr **rdwr);

/**
 * Destroys a writer. If it is open it is closed first, with STOP.
 *
 * @param[in,out] w  Where the writer is; NULL is left there.
 * @return What closing returned; failure if the writer was not open, or for NULL.
 */
fstrm_res fstrm_writer_destroy(struct fstrm_writer **w);

/**
 * Opens a writer: connects, and exchanges the control frames up to START. Gives up when the
 * receiver makes no progress for 5 seconds (fstrm_writer_options_set_io_timeout()).
 *
 * @param w  The writer.
 * @retval fstrm_res_success  The writer is open, perhaps it was before.
 * @retval fstrm_res_failure  It is not, and nothing is left open; or `w` is NULL.
 */
fstrm_res fstrm_writer_open(struct fstrm_writer *w);

/**
 * Closes a writer: sends STOP, and waits for FINISH from a receiver that answers.
 *
 * @param w  The writer.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The writer is not open, the receiver did not answer, or `w` is NULL.
 */
fstrm_res fstrm_writer_close(struct fstrm_writer *w);

/**
 * Writes a data frame. Opens the writer if it never was.
 *
 * @param w         The writer.
 * @param data      The bytes of the frame.
 * @param len_data  Their number, from 1 to UINT32_MAX.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The frame is not written. If that is due to the stream, the stream
 *                            is closed.
 */
fstrm_res fstrm_writer_write(struct fstrm_writer *w, const void *data, size_t len_data);

/**
 * Writes data frames. Opens the writer if it never was.
 *
 * @param w       The writer.
 * @param iov     The frames, one a vector, each of 1 to UINT32_MAX bytes.
 * @param iovcnt  Their number. Below 1 there is nothing to do.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  Not all frames are written. If that is due to the stream, the stream
 *                            is closed; if it is due to a frame, none is written.
 */
fstrm_res fstrm_writer_writev(struct fstrm_writer *w, const struct iovec *iov, int iovcnt);

/**
 * Retrieves a control frame that the writer exchanged: READY, ACCEPT, START or FINISH. Opens the
 * writer if it never was.
 *
 * @param w             The writer.
 * @param type          Which frame.
 * @param[out] control  The frame, NULL if there was none yet. It belongs to the writer, must not
 *                      be changed, and is valid until the writer is opened, closed or destroyed.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  Writers keep no frame of this type, the writer cannot be opened, or a
 *                            pointer is NULL.
 */
fstrm_res fstrm_writer_get_control(struct fstrm_writer *w,
                                   fstrm_control_type type,
                                   struct fstrm_control **control);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* FSTRM_WRITER_H */
