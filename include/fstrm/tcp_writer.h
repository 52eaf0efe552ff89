/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file
 * Writers to TCP addresses.
 */

#ifndef FSTRM_TCP_WRITER_H
#define FSTRM_TCP_WRITER_H

#include <fstrm/res.h>


#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Makes TCP writer options without address and port.
 *
 * @return The options, to be destroyed with fstrm_tcp_writer_options_destroy().
 */
struct fstrm_tcp_writer_options *fstrm_tcp_writer_options_init(void);

/**
 * Destroys TCP writer options.
 *
 * @param[in,out] twopt  Where the options are; NULL is left there. Nothing happens for NULL.
 */
void fstrm_tcp_writer_options_destroy(struct fstrm_tcp_writer_options **twopt);

/**
 * Sets the address of the receiver.
 *
 * @param twopt           The options.
 * @param socket_address  An IPv4 or IPv6 address as text, which is copied; NULL for none.
 */
void fstrm_tcp_writer_options_set_socket_address(struct fstrm_tcp_writer_options *twopt,
                                                 const char *socket_address);

/**
 * Sets the port of the receiver.
 *
 * @param twopt        The options.
 * @param socket_port  A number up to 65535 as text, which is copied; NULL for none.
 */
void fstrm_tcp_writer_options_set_socket_port(struct fstrm_tcp_writer_options *twopt,
                                              const char *socket_port);

/**
 * Makes a writer to a TCP address. It connects with its first use. A peer that is gone without a
 * word is given up after half a minute if the connection is idle, and when the system gives up
 * repeating what was sent if it is not.
 *
 * @param twopt  TCP writer options with address and port.
 * @param wopt   Writer options; NULL for the defaults.
 * @return The writer, to be destroyed with fstrm_writer_destroy(); NULL if address or port is
 *         missing or cannot be read.
 */
struct fstrm_writer *fstrm_tcp_writer_init(const struct fstrm_tcp_writer_options *twopt,
                                           const struct fstrm_writer_options *wopt);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* FSTRM_TCP_WRITER_H */
