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
 * Creates writer options without content types.
 *
 * @return The options, to be destroyed with fstrm_writer_options_destroy().
 */
struct fstrm_writer_options *fstrm_writer_options_init(void);

/**
 * Destroys writer options.
 *
 * @param[in,out] wopt  Pointer to the options; set to NULL. If it is NULL already, nothing
 *                      happens.
 */
void fstrm_writer_options_destroy(struct fstrm_writer_options **wopt);

/**
 * Adds a content type that the writer can send. Add the preferred one first: the writer uses the
 * first one that the receiver accepts or, on a unidirectional stream, the first one. A writer
 * without content types opens streams without a declared type.
 *
 * @param wopt              The options.
 * @param content_type      The bytes, which are copied. They may contain NUL.
 * @param len_content_type  The number of bytes.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  More than #FSTRM_CONTROL_FIELD_CONTENT_TYPE_LENGTH_MAX bytes, or a
 *                            pointer is NULL.
 */
fstrm_res fstrm_writer_options_add_content_type(struct fstrm_writer_options *wopt,
                                                const void *content_type,
                                                size_t len_content_type);

/**
 * Creates a writer on a byte stream made of the caller's own functions. If the stream has a `read`
 * function, the receiver must reply: to READY with ACCEPT, and to STOP with FINISH.
 *
 * @param wopt          Writer options; NULL for the defaults.
 * @param[in,out] rdwr  Pointer to the stream, which the writer takes over; set to NULL.
 * @return The writer, to be destroyed with fstrm_writer_destroy(). NULL if the stream is NULL or
 *         has no `write` function; in this case, it still belongs to the caller.
 */
struct fstrm_writer *fstrm_writer_init(const struct fstrm_writer_options *wopt,
                                       struct fstrm_rdwr **rdwr);

/**
 * Destroys a writer. If it is open, it is closed first, with STOP.
 *
 * @param[in,out] w  Pointer to the writer; set to NULL.
 * @return The result of closing; failure if the writer was not open, or is NULL.
 */
fstrm_res fstrm_writer_destroy(struct fstrm_writer **w);

/**
 * Opens a writer: connects, and exchanges the control frames up to START. Fails if the receiver
 * makes no progress for 5 seconds (fstrm_writer_options_set_io_timeout()).
 *
 * @param w  The writer.
 * @retval fstrm_res_success  The writer is open, or was open before.
 * @retval fstrm_res_failure  The writer could not be opened, and the byte stream is closed; or `w`
 *                            is NULL.
 */
fstrm_res fstrm_writer_open(struct fstrm_writer *w);

/**
 * Closes a writer: sends STOP and, if the stream is bidirectional, waits for FINISH.
 *
 * @param w  The writer.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The writer is not open, the receiver did not reply, or `w` is NULL.
 */
fstrm_res fstrm_writer_close(struct fstrm_writer *w);

/**
 * Writes a data frame. Opens the writer unless it was opened before.
 *
 * @param w         The writer.
 * @param data      The bytes of the frame.
 * @param len_data  The number of bytes, from 1 to UINT32_MAX.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The frame was not written. If the stream failed, it is closed.
 */
fstrm_res fstrm_writer_write(struct fstrm_writer *w, const void *data, size_t len_data);

/**
 * Writes data frames. Opens the writer unless it was opened before.
 *
 * @param w       The writer.
 * @param iov     The frames, one in each vector, of 1 to UINT32_MAX bytes.
 * @param iovcnt  The number of frames. If it is below 1, nothing happens.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  Not all frames were written. If the stream failed, it is closed; if a
 *                            frame is invalid, none was written.
 */
fstrm_res fstrm_writer_writev(struct fstrm_writer *w, const struct iovec *iov, int iovcnt);

/**
 * Retrieves a control frame that was exchanged: READY, ACCEPT, START or FINISH. Opens the writer
 * unless it was opened before.
 *
 * @param w             The writer.
 * @param type          The type of the frame.
 * @param[out] control  Receives the frame; NULL if there was none yet. It belongs to the writer,
 *                      must not be changed, and is valid until the writer is opened, closed or
 *                      destroyed.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  A writer does not keep frames of this type, the writer cannot be
 *                            opened, or a pointer is NULL.
 */
fstrm_res fstrm_writer_get_control(struct fstrm_writer *w,
                                   fstrm_control_type type,
                                   struct fstrm_control **control);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* FSTRM_WRITER_H */
