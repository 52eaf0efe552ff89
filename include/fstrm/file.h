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
 * Makes file options without a path.
 *
 * @return The options, to be destroyed with fstrm_file_options_destroy().
 */
struct fstrm_file_options *fstrm_file_options_init(void);

/**
 * Destroys file options.
 *
 * @param[in,out] fopt  Where the options are; NULL is left there. Nothing happens for NULL.
 */
void fstrm_file_options_destroy(struct fstrm_file_options **fopt);

/**
 * Sets the path of the file. `-` is the standard input of a reader, the standard output of a
 * writer, as C's `stdin` and `stdout`; closing the reader or writer closes them.
 *
 * @param fopt       The options.
 * @param file_path  The path, which is copied; NULL for none.
 */
void fstrm_file_options_set_file_path(struct fstrm_file_options *fopt, const char *file_path);

/**
 * Makes a reader of a file. The file is opened by the first use of the reader.
 *
 * @param fopt  File options with a path.
 * @param ropt  Reader options; NULL for the defaults.
 * @return The reader, to be destroyed with fstrm_reader_destroy(); NULL if there is no path.
 */
struct fstrm_reader *fstrm_file_reader_init(const struct fstrm_file_options *fopt,
                                            const struct fstrm_reader_options *ropt);

/**
 * Makes a writer to a file. The file is opened by the first use of the writer: created, or
 * truncated. A full disk fails a write of the writer; an fstrm_iothr holds the frames and tries
 * again. A FIFO that has no reader cannot be opened.
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
