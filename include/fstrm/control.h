/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file
 * Control frames, which open and close a stream.
 *
 * A stream is a sequence of frames. A data frame is its length, as a 32-bit integer in network
 * byte order, and that many bytes. A length of zero is an escape: the length and the bytes of a
 * control frame follow. These are a type and any number of fields, each a field type, a length and
 * that many bytes, all integers being of the same kind.
 *
 * A sender that gets no answers, such as one that writes a file, sends START, data frames, STOP. One
 * that does sends READY, waits for ACCEPT, sends START, data frames and STOP, and waits for FINISH.
 * READY names the content types that the sender can send, ACCEPT those that the receiver takes,
 * START the one that is sent.
 */

#ifndef FSTRM_CONTROL_H
#define FSTRM_CONTROL_H

#include <fstrm/res.h>


/**
 * Most bytes in the payload of a control frame.
 */
#define FSTRM_CONTROL_FRAME_LENGTH_MAX 512

/**
 * Most bytes in a content type.
 */
#define FSTRM_CONTROL_FIELD_CONTENT_TYPE_LENGTH_MAX 256

/**
 * What a control frame says.
 */
typedef enum fstrm_control_type {
  /**
   * The receiver takes the stream.
   */
  FSTRM_CONTROL_ACCEPT = 1,
  /**
   * Data frames follow.
   */
  FSTRM_CONTROL_START = 2,
  /**
   * No data frame follows.
   */
  FSTRM_CONTROL_STOP = 3,
  /**
   * The sender offers a stream.
   */
  FSTRM_CONTROL_READY = 4,
  /**
   * The receiver has everything up to STOP.
   */
  FSTRM_CONTROL_FINISH = 5,
} fstrm_control_type;

/**
 * Optional fields of a control frame.
 */
typedef enum fstrm_control_field {
  /**
   * What the data frames hold.
   */
  FSTRM_CONTROL_FIELD_CONTENT_TYPE = 1,
} fstrm_control_field;

/**
 * Flags for encoding and decoding.
 */
typedef enum fstrm_control_flag {
  /**
   * The bytes begin with the escape (a data length of zero) and the length of the control frame.
   * Without the flag they begin with its type.
   */
  FSTRM_CONTROL_FLAG_WITH_HEADER = 1,
} fstrm_control_flag;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The name of a control frame type, `"FSTRM_CONTROL_UNKNOWN"` for a value that is none.
 *
 * @param type  Any number.
 * @return A static string, never NULL.
 */
const char *fstrm_control_type_to_str(enum fstrm_control_type type);

/**
 * The name of a control frame field, `"FSTRM_CONTROL_FIELD_UNKNOWN"` for a value that is none.
 *
 * @param f_type  Any number.
 * @return A static string, never NULL.
 */
const char *fstrm_control_field_type_to_str(enum fstrm_control_field f_type);

/**
 * Makes a control frame without a type and without content types.
 *
 * @return The frame, to be destroyed with fstrm_control_destroy().
 */
struct fstrm_control *fstrm_control_init(void);

/**
 * Destroys a control frame made by fstrm_control_init().
 *
 * @param[in,out] c  Where the frame is; NULL is left there. Nothing happens for NULL.
 */
void fstrm_control_destroy(struct fstrm_control **c);

/**
 * Takes type and content types from a control frame, as if it were new.
 *
 * @param c  The frame. Nothing happens for NULL.
 */
void fstrm_control_reset(struct fstrm_control *c);

/**
 * Retrieves the type of a control frame.
 *
 * @param c           The frame.
 * @param[out] type   Its type.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The frame has no type, or an argument is NULL.
 */
fstrm_res fstrm_control_get_type(const struct fstrm_control *c, enum fstrm_control_type *type);

/**
 * Sets the type of a control frame.
 *
 * @param c     The frame.
 * @param type  Its new type.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  `type` is none, or `c` is NULL.
 */
fstrm_res fstrm_control_set_type(struct fstrm_control *c, enum fstrm_control_type type);

/**
 * Retrieves the number of content types that a control frame of its type carries: none for STOP
 * and FINISH, at most one for START.
 *
 * @param c                    The frame.
 * @param[out] n_content_type  The number.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  An argument is NULL.
 */
fstrm_res fstrm_control_get_num_field_content_type(const struct fstrm_control *c,
                                                   size_t *n_content_type);

/**
 * Retrieves a content type of a control frame.
 *
 * @param c                      The frame.
 * @param idx                    Which one, from 0.
 * @param[out] content_type      Its bytes, without a NUL behind them. They belong to the frame and
 *                               are valid until it is changed or destroyed.
 * @param[out] len_content_type  Their number.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  There is no such content type, or an argument is NULL.
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
 * @param len_content_type  Their number.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  `c` is NULL, or `content_type` is and the length is not 0.
 */
fstrm_res fstrm_control_add_field_content_type(struct fstrm_control *c,
                                               const uint8_t *content_type,
                                               size_t len_content_type);

/**
 * Whether a stream of a content type agrees with a control frame. A frame without content types
 * agrees with every stream; STOP and FINISH agree with none.
 *
 * @param c          The frame.
 * @param match      The content type of the stream, NULL if it declares none.
 * @param len_match  The number of bytes in it.
 * @retval fstrm_res_success  It agrees.
 * @retval fstrm_res_failure  It does not, or `c` is NULL.
 */
fstrm_res fstrm_control_match_field_content_type(const struct fstrm_control *c,
                                                 const uint8_t *match,
                                                 size_t len_match);

/**
 * Decodes a control frame. What `c` held before is gone; after a failure it holds what was decoded
 * up to the fault.
 *
 * @param c                  The frame to decode into.
 * @param control_frame      The bytes: exactly one frame.
 * @param len_control_frame  Their number.
 * @param flags              0, or #FSTRM_CONTROL_FLAG_WITH_HEADER.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  The bytes are not one well-formed control frame, or a pointer is NULL.
 */
fstrm_res fstrm_control_decode(struct fstrm_control *c,
                               const void *control_frame,
                               size_t len_control_frame,
                               uint32_t flags);

/**
 * Computes the number of bytes that fstrm_control_encode() needs.
 *
 * @param c                       The frame.
 * @param[out] len_control_frame  The number of bytes.
 * @param flags                   0, or #FSTRM_CONTROL_FLAG_WITH_HEADER.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  A content type, or all together, is too long, or a pointer is NULL.
 */
fstrm_res fstrm_control_encoded_size(const struct fstrm_control *c,
                                     size_t *len_control_frame,
                                     uint32_t flags);

/**
 * Encodes a control frame. #FSTRM_CONTROL_FRAME_LENGTH_MAX bytes are enough for any.
 *
 * @param c                          The frame.
 * @param[out] control_frame         Where the bytes go.
 * @param[in,out] len_control_frame  How many bytes there is room for; then, how many are used.
 * @param flags                      0, or #FSTRM_CONTROL_FLAG_WITH_HEADER.
 * @retval fstrm_res_success
 * @retval fstrm_res_failure  As for fstrm_control_encoded_size(), or there is too little room.
 */
fstrm_res fstrm_control_encode(const struct fstrm_control *c,
                               void *control_frame,
                               size_t *len_control_frame,
                               uint32_t flags);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* FSTRM_CONTROL_H */
