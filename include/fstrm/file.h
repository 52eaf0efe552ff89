/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file
 * Readers of files, and writers to them.
 */

#ifndef FSTRM_FILE_H
#define FSTRM_FILE_H

#include <fstrm/res.h>


#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Creates file options without a path.
 *
 * @return The options, to be destroyed with fstrm_file_options_destroy().
 */
struct fstrm_file_options *fstrm_file_options_init(void);

/**
 * Destroys file options.
 *
 * @param[in,out] fopt  Pointer to the options; set to NULL. If it is NULL already, nothing
 *                      happens.
 */
void fstrm_file_options_destroy(struct fstrm_file_options **fopt);

/**
 * Sets the path of the file. `-` stands for `stdin` with a reader and for `stdout` with a writer;
 * closing the reader or writer closes this stream.
 *
 * @param fopt       The options.
 * @param file_path  The path, which is copied; NULL for none.
 */
void fstrm_file_options_set_file_path(struct fstrm_file_options *fopt, const char *file_path);

/**
 * Creates a reader of a file, which is opened by the first use of the reader.
 *
 * @param fopt  File options with a path.
 * @param ropt  Reader options; NULL for the defaults.
 * @return The reader, to be destroyed with fstrm_reader_destroy(); NULL if there is no path.
 */
struct fstrm_reader *fstrm_file_reader_init(const struct fstrm_file_options *fopt,
                                            const struct fstrm_reader_options *ropt);

/**
 * Creates a writer to a file, which is created or truncated by the first use of the writer. If the
 * disk is full, a write fails; an fstrm_iothr keeps the frames and retries. A FIFO without a
 * reader cannot be opened.
 *
 * @param fopt  File options with a path.
 * @param wopt  Writer options; NULL for the defaults.
 * @return The writer, to be destroyed with fstrm_writer_destroy(); NULL if there is no path.
 */
struct fstrm_writer *fstrm_file_writer_init(const struct fstrm_file_options *fopt,
                                            const struct fstrm_writer_options *wopt);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* FSTRM_FILE_H */
