/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file
 * Control frames, which open and close a stream.
 *
 * A stream is a sequence of frames. A data frame is its length, as a 32-bit integer in network byte
 * order, followed by that many bytes. A length of zero is an escape, followed by the length and the
 * bytes of a control frame. These are a type and any number of fields, each a field type, a length
 * and that many bytes, with integers of the same kind.
 *
 * On a unidirectional stream, such as a file, the sender sends START, data frames and STOP. On a
 * bidirectional stream, it sends READY, waits for ACCEPT, sends START, data frames and STOP, and
 * waits for FINISH. READY contains the content types that the sender can send, ACCEPT those that the
 * receiver accepts, and START that of the stream.
 */

#ifndef FSTRM_CONTROL_H
#define FSTRM_CONTROL_H

#include <fstrm/res.h>


/**
 * Maximum size of the payload of a control frame in bytes.
 */
#define FSTRM_CONTROL_FRAME_LENGTH_MAX 512

/**
 * Maximum length of a content type in bytes.
 */
#define FSTRM_CONTROL_FIELD_CONTENT_TYPE_LENGTH_MAX 256

/**
 * The type of a control frame.
 */
typedef enum fstrm_control_type {
  /**
   * The receiver accepts the stream.
   */
  FSTRM_CONTROL_ACCEPT = 1,
  /**
   * Data frames follow.
   */
  FSTRM_CONTROL_START = 2,
  /**
   * No more data frames follow.
   */
  FSTRM_CONTROL_STOP = 3,
  /**
   * The sender offers a stream.
   */
  FSTRM_CONTROL_READY = 4,
  /**
   * The receiver has read everything up to STOP.
   */
  FSTRM_CONTROL_FINISH = 5,
} fstrm_control_type;

/**
 * The type of an optional field of a control frame.
 */
typedef enum fstrm_control_field {
  /**
   * The content type of the data frames.
   */
  FSTRM_CONTROL_FIELD_CONTENT_TYPE = 1,
} fstrm_control_field;

/**
 * Flags for encoding and decoding.
 */
typedef enum fstrm_control_flag {
  /**
   * The bytes begin with the escape (a data length of zero) and the length of the control frame.
   * Without this flag, they begin with its type.
   */
  FSTRM_CONTROL_FLAG_WITH_HEADER = 1,
} fstrm_control_flag;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Returns the name of a control frame type, `"FSTRM_CONTROL_UNKNOWN"` for an unknown number.
 *
 * @param type  Any number.
 * @return A static string, never NULL.
 */
const char *fstrm_control_type_to_str(enum fstrm_control_type type);

/**
 * Returns the name of a control frame field, `"FSTRM_CONTROL_FIELD_UNKNOWN"` for an unknown
 * number.
 *
 * @param f_type  Any number.
 * @return A static string, never NULL.
 */
const char *fstrm_control_field_type_to_str(enum fstrm_control_field f_type);

/**
 * Creates a control frame without a type and without content types.
 *
 * @return The frame, to be destroyed with fstrm_control_destroy().
 */
struct fstrm_control *fstrm_control_init(void);

/**
 * Destroys a control frame that was created by fstrm_control_init().
 *
 * @param[in,out] c  Pointer to the frame; set to NULL. If it is NULL already, nothing happens.
 */
void fstrm_control_destroy(struct fstrm_control **c);

/**
 * Removes the type and the content types of a control frame.
 *
 * @param c  The frame. If it is NULL, nothing happens.
 */
void fstrm_control_reset(struct fstrm_control *c);

/**
 * Retrieves the type of a control frame.
 *
 * @param c          The frame.
 * @param[out] type  Receives the type.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The frame has no type, or an argument is NULL.
 */
fstrm_res fstrm_control_get_type(const struct fstrm_control *c, enum fstrm_control_type *type);

/**
 * Sets the type of a control frame.
 *
 * @param c     The frame.
 * @param type  The new type.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  `type` is not a known type, or `c` is NULL.
 */
fstrm_res fstrm_control_set_type(struct fstrm_control *c, enum fstrm_control_type type);

/**
 * Retrieves the number of content types of a control frame, without those that its type does not
 * allow: STOP and FINISH have none, START has at most one.
 *
 * @param c                    The frame.
 * @param[out] n_content_type  Receives the number.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  An argument is NULL.
 */
fstrm_res fstrm_control_get_num_field_content_type(const struct fstrm_control *c,
                                                   size_t *n_content_type);

/**
 * Retrieves a content type of a control frame.
 *
 * @param c                      The frame.
 * @param idx                    The index of the content type, from 0.
 * @param[out] content_type      Receives the bytes, which are not terminated by NUL. They belong
 *                               to the frame, and are valid until it is changed or destroyed.
 * @param[out] len_content_type  Receives the number of bytes.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The index is out of range, or an argument is NULL.
 */
fstrm_res fstrm_control_get_field_content_type(const struct fstrm_control *c,
                                               size_t idx,
                                               const uint8_t **content_type,
                                               size_t *len_content_type);

/**
 * Adds a content type to a control frame. Its length is checked when the frame is encoded.
 *
 * @param c                 The frame.
 * @param content_type      The bytes, which are copied. They may contain NUL.
 * @param len_content_type  The number of bytes.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  `c` is NULL, or `content_type` is NULL and the length is not 0.
 */
fstrm_res fstrm_control_add_field_content_type(struct fstrm_control *c,
                                               const uint8_t *content_type,
                                               size_t len_content_type);

/**
 * Checks whether a control frame allows a stream of a content type. A frame without content types
 * allows every stream; STOP and FINISH allow none.
 *
 * @param c          The frame.
 * @param match      The content type of the stream; NULL if it declares none.
 * @param len_match  The number of bytes of the content type.
 * @retval fstrm_res_success  The frame allows it.
 * @retval fstrm_res_failure  The frame does not allow it, or `c` is NULL.
 */
fstrm_res fstrm_control_match_field_content_type(const struct fstrm_control *c,
                                                 const uint8_t *match,
                                                 size_t len_match);

/**
 * Decodes a control frame. The previous content of `c` is lost. After a failure, it contains the
 * part that was decoded before the error.
 *
 * @param c                  The frame to decode into.
 * @param control_frame      The bytes of exactly one frame.
 * @param len_control_frame  The number of bytes.
 * @param flags              0, or #FSTRM_CONTROL_FLAG_WITH_HEADER.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The bytes are not one well-formed control frame, or a pointer is
 *                            NULL.
 */
fstrm_res fstrm_control_decode(struct fstrm_control *c,
                               const void *control_frame,
                               size_t len_control_frame,
                               uint32_t flags);

/**
 * Computes the buffer size that fstrm_control_encode() requires.
 *
 * @param c                       The frame.
 * @param[out] len_control_frame  Receives the number of bytes.
 * @param flags                   0, or #FSTRM_CONTROL_FLAG_WITH_HEADER.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  A content type or the frame is too long, or a pointer is NULL.
 */
fstrm_res fstrm_control_encoded_size(const struct fstrm_control *c,
                                     size_t *len_control_frame,
                                     uint32_t flags);

/**
 * Encodes a control frame. A buffer of #FSTRM_CONTROL_FRAME_LENGTH_MAX bytes is always large
 * enough.
 *
 * @param c                          The frame.
 * @param[out] control_frame         The buffer.
 * @param[in,out] len_control_frame  Size of the buffer in bytes; receives the number of bytes
 *                                   written.
 * @param flags                      0, or #FSTRM_CONTROL_FLAG_WITH_HEADER.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  As for fstrm_control_encoded_size(), or the buffer is too small.
 */
fstrm_res fstrm_control_encode(const struct fstrm_control *c,
                               void *control_frame,
                               size_t *len_control_frame,
                               uint32_t flags);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* FSTRM_CONTROL_H */
