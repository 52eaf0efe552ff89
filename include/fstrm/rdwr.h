/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file
 * Byte streams made of the caller's own functions, for readers and writers on other transports than
 * those of the library. One thread at a time calls the functions of a stream; for the writer of an
 * fstrm_iothr, this is the writer thread.
 */

#ifndef FSTRM_RDWR_H
#define FSTRM_RDWR_H

#include <fstrm/res.h>


/**
 * A function that releases the resources of `obj`.
 *
 * @param obj  The argument of fstrm_rdwr_init().
 */
typedef fstrm_res (*fstrm_rdwr_destroy_func)(void *obj);

/**
 * A function that opens the byte stream.
 *
 * @param obj  The argument of fstrm_rdwr_init().
 */
typedef fstrm_res (*fstrm_rdwr_open_func)(void *obj);

/**
 * A function that closes the byte stream.
 *
 * @param obj  The argument of fstrm_rdwr_init().
 */
typedef fstrm_res (*fstrm_rdwr_close_func)(void *obj);

/**
 * A function that reads exactly `count` bytes.
 *
 * @param obj    The argument of fstrm_rdwr_init().
 * @param data   The buffer.
 * @param count  The number of bytes to read.
 * @retval fstrm_res_success  All bytes were read.
 * @retval fstrm_res_stop     The stream ended before that.
 * @retval fstrm_res_failure
 */
typedef fstrm_res (*fstrm_rdwr_read_func)(void *obj, void *data, size_t count);

/**
 * A function that writes all bytes of all vectors.
 *
 * A writer or writer thread passes a control frame as one vector, in a separate call, and each
 * data frame as two: its length, and its payload in the memory of the caller of
 * fstrm_writer_write(), fstrm_writer_writev() or fstrm_iothr_submit().
 *
 * @param obj     The argument of fstrm_rdwr_init().
 * @param iov     The vectors.
 * @param iovcnt  The number of vectors, which is at most 256 in calls by this library.
 * @retval fstrm_res_success  All bytes were written.
 * @retval fstrm_res_failure
 */
typedef fstrm_res (*fstrm_rdwr_write_func)(void *obj, const struct iovec *iov, int iovcnt);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Creates a byte stream without functions.
 *
 * @param obj  The first argument of every function.
 * @return The stream, to be destroyed with fstrm_rdwr_destroy(), or passed to fstrm_reader_init()
 *         or fstrm_writer_init().
 */
struct fstrm_rdwr *fstrm_rdwr_init(void *obj);

/**
 * Destroys a byte stream, and calls its `destroy` function if it has one. Does not close it.
 *
 * @param[in,out] rdwr  Pointer to the stream; set to NULL. If it is NULL already, nothing happens.
 * @return The result of the `destroy` function; success if there is none; failure if `rdwr` is
 *         NULL.
 */
fstrm_res fstrm_rdwr_destroy(struct fstrm_rdwr **rdwr);

/**
 * Opens a byte stream with its `open` function.
 *
 * @param rdwr  The stream.
 * @return The result of the function; failure if there is none, or if `rdwr` is NULL.
 */
fstrm_res fstrm_rdwr_open(struct fstrm_rdwr *rdwr);

/**
 * Closes a byte stream with its `close` function, if it is open.
 *
 * @param rdwr  The stream.
 * @return The result of the function; success if the stream is not open; failure if there is no
 *         function, or if `rdwr` is NULL.
 */
fstrm_res fstrm_rdwr_close(struct fstrm_rdwr *rdwr);

/**
 * Reads from an open byte stream with its `read` function. If that fails, the stream is closed.
 *
 * @param rdwr   The stream.
 * @param data   The buffer.
 * @param count  The number of bytes to read.
 * @return The result of the function; failure if the stream is not open or has no such function,
 *         or a pointer is NULL.
 */
fstrm_res fstrm_rdwr_read(struct fstrm_rdwr *rdwr, void *data, size_t count);

/**
 * Writes to an open byte stream with its `write` function. If that fails, the stream is closed.
 *
 * @param rdwr    The stream.
 * @param iov     The vectors.
 * @param iovcnt  The number of vectors.
 * @return The result of the function; failure if the stream is not open or has no such function,
 *         or a pointer is NULL.
 */
fstrm_res fstrm_rdwr_write(struct fstrm_rdwr *rdwr, const struct iovec *iov, int iovcnt);

/**
 * Sets the function that fstrm_rdwr_destroy() calls.
 *
 * @param rdwr  The stream. If it is NULL, nothing happens.
 * @param fn    The function; NULL for none.
 */
void fstrm_rdwr_set_destroy(struct fstrm_rdwr *rdwr, fstrm_rdwr_destroy_func fn);

/**
 * Sets the function that opens the stream. Every stream needs one.
 *
 * @param rdwr  The stream. If it is NULL, nothing happens.
 * @param fn    The function; NULL for none.
 */
void fstrm_rdwr_set_open(struct fstrm_rdwr *rdwr, fstrm_rdwr_open_func fn);

/**
 * Sets the function that closes the stream. Every stream needs one.
 *
 * @param rdwr  The stream. If it is NULL, nothing happens.
 * @param fn    The function; NULL for none.
 */
void fstrm_rdwr_set_close(struct fstrm_rdwr *rdwr, fstrm_rdwr_close_func fn);

/**
 * Sets the function that reads. A reader needs one; a writer that has one expects replies.
 *
 * @param rdwr  The stream. If it is NULL, nothing happens.
 * @param fn    The function; NULL for none.
 */
void fstrm_rdwr_set_read(struct fstrm_rdwr *rdwr, fstrm_rdwr_read_func fn);

/**
 * Sets the function that writes. A writer needs one; a reader that has one sends replies.
 *
 * @param rdwr  The stream. If it is NULL, nothing happens.
 * @param fn    The function; NULL for none.
 */
void fstrm_rdwr_set_write(struct fstrm_rdwr *rdwr, fstrm_rdwr_write_func fn);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* FSTRM_RDWR_H */
