/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file
 * Reading a stream.
 */

#ifndef FSTRM_READER_H
#define FSTRM_READER_H

#include <fstrm/res.h>
#include <fstrm/control.h>


/**
 * Size in bytes of the largest data frame that a reader takes, unless it is told otherwise.
 */
#define FSTRM_READER_MAX_FRAME_SIZE_DEFAULT 1048576

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Makes reader options without content types.
 *
 * @return The options, to be destroyed with fstrm_reader_options_destroy().
 */
struct fstrm_reader_options *fstrm_reader_options_init(void);

/**
 * Destroys reader options.
 *
 * @param[in,out] ropt  Where the options are; NULL is left there. Nothing happens for NULL.
 */
void fstrm_reader_options_destroy(struct fstrm_reader_options **ropt);

/**
 * Adds a content type to those that the reader takes. A reader without any takes all.
 *
 * @param ropt              The options.
 * @param content_type      The bytes, which are copied. They may contain NUL.
 * @param len_content_type  Their number.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  More than #FSTRM_CONTROL_FIELD_CONTENT_TYPE_LENGTH_MAX bytes, or a
 *                            pointer is NULL.
 */
fstrm_res fstrm_reader_options_add_content_type(struct fstrm_reader_options *ropt,
                                                const void *content_type,
                                                size_t len_content_type);

/**
 * Sets the size of the largest data frame that the reader takes, which bounds its memory.
 *
 * @param ropt            The options.
 * @param max_frame_size  In bytes, from #FSTRM_CONTROL_FRAME_LENGTH_MAX to UINT32_MAX - 1.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The size is out of range, or `ropt` is NULL.
 */
fstrm_res fstrm_reader_options_set_max_frame_size(struct fstrm_reader_options *ropt,
                                                  size_t max_frame_size);

/**
 * Makes a reader of a byte stream of the caller's own functions. With a `write` function the
 * sender is expected to begin with READY, and gets ACCEPT and FINISH.
 *
 * @param ropt          Reader options; NULL for the defaults.
 * @param[in,out] rdwr  Where the stream is. The reader takes it and leaves NULL.
 * @return The reader, to be destroyed with fstrm_reader_destroy(). NULL if the stream has no
 *         `read` function, or is NULL; then it stays the caller's.
 */
struct fstrm_reader *fstrm_reader_init(const struct fstrm_reader_options *ropt,
                                       struct fstrm_rdwr **rdwr);

/**
 * Destroys a reader. If it is open it is closed first.
 *
 * @param[in,out] r  Where the reader is; NULL is left there.
 * @return What closing returned; failure if the reader was not open, or for NULL.
 */
fstrm_res fstrm_reader_destroy(struct fstrm_reader **r);

/**
 * Opens a reader: opens the byte stream, and exchanges the control frames up to START.
 *
 * @param r  The reader.
 * @retval fstrm_res_success
 * @retval fstrm_res_stop     The stream ended before START was complete.
 * @retval fstrm_res_failure  The reader is open already; or it cannot be opened, and nothing is
 *                            left open; or `r` is NULL.
 */
fstrm_res fstrm_reader_open(struct fstrm_reader *r);

/**
 * Closes a reader: answers with FINISH a sender that listens.
 *
 * @param r  The reader.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The reader is not open, closing failed, or `r` is NULL.
 */
fstrm_res fstrm_reader_close(struct fstrm_reader *r);

/**
 * Reads the next data frame. Opens the reader if it never was. Waits for as long as the sender is
 * silent.
 *
 * @param r              The reader.
 * @param[out] data      The bytes of the frame. They belong to the reader, and are valid until its
 *                       next use.
 * @param[out] len_data  Their number.
 * @retval fstrm_res_success
 * @retval fstrm_res_stop     The stream ended, with STOP or without; or the reader is closed.
 * @retval fstrm_res_failure  The bytes are not well formed, a frame is too large, the reader is
 *                            not open, or a pointer is NULL.
 */
fstrm_res fstrm_reader_read(struct fstrm_reader *r, const uint8_t **data, size_t *len_data);

/**
 * Retrieves a control frame that the reader exchanged: READY, ACCEPT, START or STOP. Opens the
 * reader if it never was.
 *
 * @param r             The reader.
 * @param type          Which frame.
 * @param[out] control  The frame, NULL if there was none yet. It belongs to the reader, and is
 *                      valid until the reader is opened, closed or destroyed.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  Readers keep no frame of this type, the reader cannot be opened, or a
 *                            pointer is NULL.
 */
fstrm_res fstrm_reader_get_control(struct fstrm_reader *r,
                                   fstrm_control_type type,
                                   const struct fstrm_control **control);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* FSTRM_READER_H */
