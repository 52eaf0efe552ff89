/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file
 * Result codes, and the objects of the library.
 */

#ifndef FSTRM_RES_H
#define FSTRM_RES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct fstrm_control;
struct fstrm_file_options;
struct fstrm_iothr;
struct fstrm_iothr_options;
struct fstrm_iothr_queue;
struct fstrm_rdwr;
struct fstrm_reader;
struct fstrm_reader_options;
struct fstrm_tcp_writer_options;
struct fstrm_unix_writer_options;
struct fstrm_writer;
struct fstrm_writer_options;

/**
 * The result of a function.
 */
typedef enum fstrm_res {
  /**
   * Success.
   */
  fstrm_res_success,
  /**
   * Failure.
   */
  fstrm_res_failure,
  /**
   * There is no room; the same call may succeed later.
   */
  fstrm_res_again,
  /**
   * The arguments are invalid.
   */
  fstrm_res_invalid,
  /**
   * The stream has ended.
   */
  fstrm_res_stop,
} fstrm_res;

#endif  /* FSTRM_RES_H */
