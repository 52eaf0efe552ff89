/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file
 * Writers to Unix sockets.
 */

#ifndef FSTRM_UNIX_WRITER_H
#define FSTRM_UNIX_WRITER_H

#include <fstrm/res.h>


#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Creates Unix writer options without a path.
 *
 * @return The options, to be destroyed with fstrm_unix_writer_options_destroy().
 */
struct fstrm_unix_writer_options *fstrm_unix_writer_options_init(void);

/**
 * Destroys Unix writer options.
 *
 * @param[in,out] uwopt  Pointer to the options; set to NULL. If it is NULL already, nothing
 *                       happens.
 */
void fstrm_unix_writer_options_destroy(struct fstrm_unix_writer_options **uwopt);

/**
 * Sets the path of the socket that a receiver listens on.
 *
 * @param uwopt        The options.
 * @param socket_path  The path, which is copied; NULL for none.
 */
void fstrm_unix_writer_options_set_socket_path(struct fstrm_unix_writer_options *uwopt,
                                               const char *socket_path);

/**
 * Creates a writer to a Unix socket, which connects with its first use.
 *
 * @param uwopt  Unix writer options with a path.
 * @param wopt   Writer options; NULL for the defaults.
 * @return The writer, to be destroyed with fstrm_writer_destroy(); NULL if the path is missing, or
 *         too long for an address.
 */
struct fstrm_writer *fstrm_unix_writer_init(const struct fstrm_unix_writer_options *uwopt,
                                            const struct fstrm_writer_options *wopt);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* FSTRM_UNIX_WRITER_H */
