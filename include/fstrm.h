/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file
 * Frame Streams: a light framing for messages on a byte stream, in files and over sockets.
 *
 * A program that produces messages creates a writer (fstrm_file_writer_init(),
 * fstrm_unix_writer_init(), fstrm_tcp_writer_init(), or fstrm_writer_init() with functions of its
 * own), passes it to a writer thread (fstrm_iothr_init()), and gets a queue for each of its threads
 * (fstrm_iothr_get_input_queue()), to which it submits frames (fstrm_iothr_submit()) without waiting.
 *
 *     struct fstrm_unix_writer_options *where = fstrm_unix_writer_options_init();
 *     fstrm_unix_writer_options_set_socket_path(where, "/run/example.sock");
 *     struct fstrm_writer *writer = fstrm_unix_writer_init(where, NULL);
 *     struct fstrm_iothr *iothr = fstrm_iothr_init(NULL, &writer);
 *     struct fstrm_iothr_queue *queue = fstrm_iothr_get_input_queue(iothr);
 *     if (fstrm_iothr_submit(iothr, queue, strdup("hello"), 5, fstrm_free_wrapper, NULL)
 *         != fstrm_res_success) ...
 *     fstrm_iothr_destroy(&iothr);
 *     fstrm_unix_writer_options_destroy(&where);
 *
 * A program that consumes messages creates a reader (fstrm_file_reader_init(),
 * fstrm_reader_init()), and calls fstrm_reader_read() until it returns fstrm_res_stop.
 *
 * Unless a function says otherwise, only one thread at a time may use an object, options are copied
 * and can be destroyed after use, and a call with NULL for an object fails. Each header can be
 * included alone. This library has the interface of fstrm 0.6.1; its additions are in
 * <fstrm/stats.h>.
 */

#ifndef FSTRM_H
#define FSTRM_H

#include <fstrm/res.h>
#include <fstrm/control.h>
#include <fstrm/file.h>
#include <fstrm/iothr.h>
#include <fstrm/rdwr.h>
#include <fstrm/reader.h>
#include <fstrm/tcp_writer.h>
#include <fstrm/unix_writer.h>
#include <fstrm/writer.h>


#endif  /* FSTRM_H */
