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
 * Default of the maximum size of a data frame in bytes.
 */
#define FSTRM_READER_MAX_FRAME_SIZE_DEFAULT 1048576

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Creates reader options without content types.
 *
 * @return The options, to be destroyed with fstrm_reader_options_destroy().
 */
struct fstrm_reader_options *fstrm_reader_options_init(void);

/**
 * Destroys reader options.
 *
 * @param[in,out] ropt  Pointer to the options; set to NULL. If it is NULL already, nothing
 *                      happens.
 */
void fstrm_reader_options_destroy(struct fstrm_reader_options **ropt);

/**
 * Adds a content type that the reader accepts. A reader without content types accepts all streams.
 *
 * @param ropt              The options.
 * @param content_type      The bytes, which are copied. They may contain NUL.
 * @param len_content_type  The number of bytes.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  More than #FSTRM_CONTROL_FIELD_CONTENT_TYPE_LENGTH_MAX bytes, or a
 *                            pointer is NULL.
 */
fstrm_res fstrm_reader_options_add_content_type(struct fstrm_reader_options *ropt,
                                                const void *content_type,
                                                size_t len_content_type);

/**
 * Sets the maximum size of a data frame, which limits the memory of the reader.
 *
 * @param ropt            The options.
 * @param max_frame_size  In bytes, from #FSTRM_CONTROL_FRAME_LENGTH_MAX to UINT32_MAX - 1.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The size is out of range, or `ropt` is NULL.
 */
fstrm_res fstrm_reader_options_set_max_frame_size(struct fstrm_reader_options *ropt,
                                                  size_t max_frame_size);

/**
 * Creates a reader of a byte stream made of the caller's own functions. If the stream has a
 * `write` function, the sender must begin with READY, and gets ACCEPT and FINISH.
 *
 * @param ropt          Reader options; NULL for the defaults.
 * @param[in,out] rdwr  Pointer to the stream, which the reader takes over; set to NULL.
 * @return The reader, to be destroyed with fstrm_reader_destroy(). NULL if the stream is NULL or
 *         has no `read` function; in this case, it still belongs to the caller.
 */
struct fstrm_reader *fstrm_reader_init(const struct fstrm_reader_options *ropt,
                                       struct fstrm_rdwr **rdwr);

/**
 * Destroys a reader. If it is open, it is closed first.
 *
 * @param[in,out] r  Pointer to the reader; set to NULL.
 * @return The result of closing; failure if the reader was not open, or is NULL.
 */
fstrm_res fstrm_reader_destroy(struct fstrm_reader **r);

/**
 * Opens a reader: opens the byte stream, and exchanges the control frames up to START.
 *
 * @param r  The reader.
 * @retval fstrm_res_success
 * @retval fstrm_res_stop     The stream ended before START was complete.
 * @retval fstrm_res_failure  The reader is already open; it cannot be opened, and the byte stream
 *                            is closed; or `r` is NULL.
 */
fstrm_res fstrm_reader_open(struct fstrm_reader *r);

/**
 * Closes a reader. If the stream is bidirectional, sends FINISH.
 *
 * @param r  The reader.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The reader is not open, closing failed, or `r` is NULL.
 */
fstrm_res fstrm_reader_close(struct fstrm_reader *r);

/**
 * Reads the next data frame. Opens the reader unless it was opened before. Waits without a time
 * limit.
 *
 * @param r              The reader.
 * @param[out] data      Receives the bytes of the frame. They belong to the reader, and are valid
 *                       until its next use.
 * @param[out] len_data  Receives the number of bytes.
 * @retval fstrm_res_success
 * @retval fstrm_res_stop     The stream ended, with or without STOP; or the reader is closed.
 * @retval fstrm_res_failure  The stream is malformed, a frame is too large, the reader is not
 *                            open, or a pointer is NULL.
 */
fstrm_res fstrm_reader_read(struct fstrm_reader *r, const uint8_t **data, size_t *len_data);

/**
 * Retrieves a control frame that was exchanged: READY, ACCEPT, START or STOP. Opens the reader
 * unless it was opened before.
 *
 * @param r             The reader.
 * @param type          The type of the frame.
 * @param[out] control  Receives the frame; NULL if there was none yet. It belongs to the reader,
 *                      and is valid until the reader is opened, closed or destroyed.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  A reader does not keep frames of this type, the reader cannot be
 *                            opened, or a pointer is NULL.
 */
fstrm_res fstrm_reader_get_control(struct fstrm_reader *r,
                                   fstrm_control_type type,
                                   const struct fstrm_control **control);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* FSTRM_READER_H */
