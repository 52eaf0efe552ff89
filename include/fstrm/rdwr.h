/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file
 * Byte streams made of the caller's own functions, for readers and writers on transports that the
 * library does not have. The functions of one stream are called by one thread at a time, which for
 * a writer of an fstrm_iothr is the writer thread.
 */

#ifndef FSTRM_RDWR_H
#define FSTRM_RDWR_H

#include <fstrm/res.h>


/**
 * Releases what belongs to `obj`.
 *
 * @param obj  As given to fstrm_rdwr_init().
 */
typedef fstrm_res (*fstrm_rdwr_destroy_func)(void *obj);

/**
 * Opens the byte stream.
 *
 * @param obj  As given to fstrm_rdwr_init().
 */
typedef fstrm_res (*fstrm_rdwr_open_func)(void *obj);

/**
 * Closes the byte stream.
 *
 * @param obj  As given to fstrm_rdwr_init().
 */
typedef fstrm_res (*fstrm_rdwr_close_func)(void *obj);

/**
 * Reads exactly `count` bytes into `data`.
 *
 * @param obj    As given to fstrm_rdwr_init().
 * @param data   Where the bytes go.
 * @param count  How many are wanted.
 * @retval fstrm_res_success  All bytes are there.
 * @retval fstrm_res_stop     The stream ended before.
 * @retval fstrm_res_failure
 */
typedef fstrm_res (*fstrm_rdwr_read_func)(void *obj, void *data, size_t count);

/**
 * Writes all bytes of all vectors.
 *
 * A writer or writer thread passes a control frame as one vector, in a call of its own, and each
 * data frame as two: its length, and its payload where the caller of fstrm_writer_write(),
 * fstrm_writer_writev() or fstrm_iothr_submit() has it.
 *
 * @param obj     As given to fstrm_rdwr_init().
 * @param iov     The vectors.
 * @param iovcnt  Their number, at most 256 from this library.
 * @retval fstrm_res_success  All bytes are written.
 * @retval fstrm_res_failure
 */
typedef fstrm_res (*fstrm_rdwr_write_func)(void *obj, const struct iovec *iov, int iovcnt);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Makes a byte stream without functions.
 *
 * @param obj  The first argument of every function.
 * @return The stream, to be destroyed with fstrm_rdwr_destroy() or handed to fstrm_reader_init()
 *         or fstrm_writer_init().
 */
struct fstrm_rdwr *fstrm_rdwr_init(void *obj);

/**
 * Destroys a byte stream, with its `destroy` function if it has one. It is not closed.
 *
 * @param[in,out] rdwr  Where the stream is; NULL is left there. Nothing happens if NULL is there.
 * @return What the `destroy` function returned, otherwise success; failure if `rdwr` is NULL.
 */
fstrm_res fstrm_rdwr_destroy(struct fstrm_rdwr **rdwr);

/**
 * Opens a byte stream with its `open` function.
 *
 * @param rdwr  The stream.
 * @return What the function returned; failure if there is none, or for NULL.
 */
fstrm_res fstrm_rdwr_open(struct fstrm_rdwr *rdwr);

/**
 * Closes a byte stream with its `close` function, if it is open.
 *
 * @param rdwr  The stream.
 * @return What the function returned; success if the stream was not open; failure if there is no
 *         function, or for NULL.
 */
fstrm_res fstrm_rdwr_close(struct fstrm_rdwr *rdwr);

/**
 * Reads from an open byte stream with its `read` function. If that fails the stream is closed.
 *
 * @param rdwr   The stream.
 * @param data   Where the bytes go.
 * @param count  How many are wanted.
 * @return What the function returned; failure if the stream is not open or has no such function,
 *         or a pointer is NULL.
 */
fstrm_res fstrm_rdwr_read(struct fstrm_rdwr *rdwr, void *data, size_t count);

/**
 * Writes to an open byte stream with its `write` function. If that fails the stream is closed.
 *
 * @param rdwr    The stream.
 * @param iov     The bytes.
 * @param iovcnt  The number of vectors.
 * @return What the function returned; failure if the stream is not open or has no such function,
 *         or a pointer is NULL.
 */
fstrm_res fstrm_rdwr_write(struct fstrm_rdwr *rdwr, const struct iovec *iov, int iovcnt);

/**
 * Sets the function that fstrm_rdwr_destroy() calls.
 *
 * @param rdwr  The stream. Nothing happens for NULL.
 * @param fn    The function; NULL for none.
 */
void fstrm_rdwr_set_destroy(struct fstrm_rdwr *rdwr, fstrm_rdwr_destroy_func fn);

/**
 * Sets the function that opens the stream. Every stream needs one.
 *
 * @param rdwr  The stream. Nothing happens for NULL.
 * @param fn    The function; NULL for none.
 */
void fstrm_rdwr_set_open(struct fstrm_rdwr *rdwr, fstrm_rdwr_open_func fn);

/**
 * Sets the function that closes the stream. Every stream needs one.
 *
 * @param rdwr  The stream. Nothing happens for NULL.
 * @param fn    The function; NULL for none.
 */
void fstrm_rdwr_set_close(struct fstrm_rdwr *rdwr, fstrm_rdwr_close_func fn);

/**
 * Sets the function that reads. A reader needs one; a writer that has one expects answers.
 *
 * @param rdwr  The stream. Nothing happens for NULL.
 * @param fn    The function; NULL for none.
 */
void fstrm_rdwr_set_read(struct fstrm_rdwr *rdwr, fstrm_rdwr_read_func fn);

/**
 * Sets the function that writes. A writer needs one; a reader that has one sends answers.
 *
 * @param rdwr  The stream. Nothing happens for NULL.
 * @param fn    The function; NULL for none.
 */
void fstrm_rdwr_set_write(struct fstrm_rdwr *rdwr, fstrm_rdwr_write_func fn);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* FSTRM_RDWR_H */
