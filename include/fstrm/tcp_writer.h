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
 * Creates TCP writer options without an address and a port.
 *
 * @return The options, to be destroyed with fstrm_tcp_writer_options_destroy().
 */
struct fstrm_tcp_writer_options *fstrm_tcp_writer_options_init(void);

/**
 * Destroys TCP writer options.
 *
 * @param[in,out] twopt  Pointer to the options; set to NULL. If it is NULL already, nothing
 *                       happens.
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
 * Creates a writer to a TCP address, which connects with its first use. A peer that has
 * disappeared is detected after half a minute if the connection is idle, otherwise when the system
 * stops retransmitting.
 *
 * @param twopt  TCP writer options with an address and a port.
 * @param wopt   Writer options; NULL for the defaults.
 * @return The writer, to be destroyed with fstrm_writer_destroy(); NULL if the address or the port
 *         is missing or invalid.
 */
struct fstrm_writer *fstrm_tcp_writer_init(const struct fstrm_tcp_writer_options *twopt,
                                           const struct fstrm_writer_options *wopt);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* FSTRM_TCP_WRITER_H */
