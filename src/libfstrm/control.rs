// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ffi::{c_char, c_uint, c_void};
use std::mem::MaybeUninit;
use std::ptr;

use ffi::{borrow, borrow_mut, bytes, change, give, guard, number, store, take};
use framestream::control::{ControlFrame, ControlType, Header};

use crate::res::*;

/// Maximum size of the payload of a control frame in bytes.
pub const FSTRM_CONTROL_FRAME_LENGTH_MAX: c_uint = 512;

/// Maximum length of a content type in bytes.
pub const FSTRM_CONTROL_FIELD_CONTENT_TYPE_LENGTH_MAX: c_uint = 256;

/// The type of a control frame.
#[repr(C)]
pub enum fstrm_control_type {
    /// The receiver accepts the stream.
    FSTRM_CONTROL_ACCEPT = 0x01,
    /// Data frames follow.
    FSTRM_CONTROL_START = 0x02,
    /// No more data frames follow.
    FSTRM_CONTROL_STOP = 0x03,
    /// The sender offers a stream.
    FSTRM_CONTROL_READY = 0x04,
    /// The receiver has read everything up to STOP.
    FSTRM_CONTROL_FINISH = 0x05,
}

/// The type of an optional field of a control frame.
#[repr(C)]
pub enum fstrm_control_field {
    /// The content type of the data frames.
    FSTRM_CONTROL_FIELD_CONTENT_TYPE = 0x01,
}

/// Flags for encoding and decoding.
#[repr(C)]
pub enum fstrm_control_flag {
    /// The bytes begin with the escape (a data length of zero) and the length of the control frame.
    /// Without this flag, they begin with its type.
    FSTRM_CONTROL_FLAG_WITH_HEADER = 1,
}

/// A control frame.
#[repr(transparent)]
pub struct fstrm_control(ControlFrame);

impl fstrm_control {
    /// Returns the frame as a pointer for C, which is valid as long as `frame`.
    pub(crate) fn of(frame: Option<&ControlFrame>) -> *const Self {
        frame.map_or(ptr::null(), |frame| ptr::from_ref(frame).cast())
    }
}

fn header(flags: u32) -> Header {
    match flags & fstrm_control_flag::FSTRM_CONTROL_FLAG_WITH_HEADER as u32 {
        0 => Header::Without,
        _ => Header::With,
    }
}

/// Returns the name of a control frame type, `"FSTRM_CONTROL_UNKNOWN"` for an unknown number.
///
/// @param type  Any number.
/// @return A static string, never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn fstrm_control_type_to_str(
    r#type: MaybeUninit<fstrm_control_type>,
) -> *const c_char {
    let name = match ControlType::try_from(number(r#type)) {
        Ok(ControlType::Accept) => c"FSTRM_CONTROL_ACCEPT",
        Ok(ControlType::Start) => c"FSTRM_CONTROL_START",
        Ok(ControlType::Stop) => c"FSTRM_CONTROL_STOP",
        Ok(ControlType::Ready) => c"FSTRM_CONTROL_READY",
        Ok(ControlType::Finish) => c"FSTRM_CONTROL_FINISH",
        Err(_) => c"FSTRM_CONTROL_UNKNOWN",
    };
    name.as_ptr()
}

/// Returns the name of a control frame field, `"FSTRM_CONTROL_FIELD_UNKNOWN"` for an unknown
/// number.
///
/// @param f_type  Any number.
/// @return A static string, never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn fstrm_control_field_type_to_str(
    f_type: MaybeUninit<fstrm_control_field>,
) -> *const c_char {
    let content_type = fstrm_control_field::FSTRM_CONTROL_FIELD_CONTENT_TYPE as c_uint;
    let name = match number(f_type) == content_type {
        true => c"FSTRM_CONTROL_FIELD_CONTENT_TYPE",
        false => c"FSTRM_CONTROL_FIELD_UNKNOWN",
    };
    name.as_ptr()
}

/// Creates a control frame without a type and without content types.
///
/// @return The frame, to be destroyed with fstrm_control_destroy().
#[unsafe(no_mangle)]
pub extern "C" fn fstrm_control_init() -> *mut fstrm_control {
    guard(ptr::null_mut(), || give(fstrm_control(ControlFrame::default())))
}

/// Destroys a control frame that was created by fstrm_control_init().
///
/// @param[in,out] c  Pointer to the frame; set to NULL. If it is NULL already, nothing happens.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_control_destroy(c: *mut *mut fstrm_control) {
    // SAFETY: as documented.
    guard((), || drop(unsafe { take(c) }));
}

/// Removes the type and the content types of a control frame.
///
/// @param c  The frame. If it is NULL, nothing happens.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_control_reset(c: *mut fstrm_control) {
    // SAFETY: as documented.
    unsafe { change(c, |c| c.0 = ControlFrame::default()) }
}

/// Retrieves the type of a control frame.
///
/// @param c          The frame.
/// @param[out] type  Receives the type.
/// @retval fstrm_res_success
/// @retval fstrm_res_failure  The frame has no type, or an argument is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_control_get_type(
    c: *const fstrm_control,
    r#type: *mut fstrm_control_type,
) -> fstrm_res {
    done(|| {
        // SAFETY: as documented.
        let control_type = unsafe { borrow(c) }?.0.control_type?;
        // SAFETY: as documented; a C enum is stored as the integer that it is.
        unsafe { store(r#type.cast::<c_uint>(), control_type as c_uint) }
    })
}

/// Sets the type of a control frame.
///
/// @param c     The frame.
/// @param type  The new type.
/// @retval fstrm_res_success
/// @retval fstrm_res_failure  `type` is not a known type, or `c` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_control_set_type(
    c: *mut fstrm_control,
    r#type: MaybeUninit<fstrm_control_type>,
) -> fstrm_res {
    done(|| {
        // SAFETY: as documented.
        let c = unsafe { borrow_mut(c) }?;
        c.0.control_type = Some(ControlType::try_from(number(r#type)).ok()?);
        Some(())
    })
}

/// Retrieves the number of content types of a control frame, without those that its type does not
/// allow: STOP and FINISH have none, START has at most one.
///
/// @param c                    The frame.
/// @param[out] n_content_type  Receives the number.
/// @retval fstrm_res_success
/// @retval fstrm_res_failure  An argument is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_control_get_num_field_content_type(
    c: *const fstrm_control,
    n_content_type: *mut usize,
) -> fstrm_res {
    done(|| {
        // SAFETY: as documented.
        let count = unsafe { borrow(c) }?.0.sendable_content_types().len();
        // SAFETY: as documented.
        unsafe { store(n_content_type, count) }
    })
}

/// Retrieves a content type of a control frame.
///
/// @param c                      The frame.
/// @param idx                    The index of the content type, from 0.
/// @param[out] content_type      Receives the bytes, which are not terminated by NUL. They belong
///                               to the frame, and are valid until it is changed or destroyed.
/// @param[out] len_content_type  Receives the number of bytes.
/// @retval fstrm_res_success
/// @retval fstrm_res_failure  The index is out of range, or an argument is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_control_get_field_content_type(
    c: *const fstrm_control,
    idx: usize,
    content_type: *mut *const u8,
    len_content_type: *mut usize,
) -> fstrm_res {
    done(|| {
        // SAFETY: as documented.
        let found = unsafe { borrow(c) }?.0.content_types.get(idx)?;
        if len_content_type.is_null() {
            return None;
        }
        // SAFETY: as documented.
        unsafe {
            store(content_type, found.as_ptr()).and_then(|()| store(len_content_type, found.len()))
        }
    })
}

/// Adds a content type to a control frame. Its length is checked when the frame is encoded.
///
/// @param c                 The frame.
/// @param content_type      The bytes, which are copied. They may contain NUL.
/// @param len_content_type  The number of bytes.
/// @retval fstrm_res_success
/// @retval fstrm_res_failure  `c` is NULL, or `content_type` is NULL and the length is not 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_control_add_field_content_type(
    c: *mut fstrm_control,
    content_type: *const u8,
    len_content_type: usize,
) -> fstrm_res {
    done(|| {
        // SAFETY: as documented.
        let (c, content_type) = unsafe { (borrow_mut(c)?, bytes(content_type, len_content_type)?) };
        c.0.content_types.push(content_type.into());
        Some(())
    })
}

/// Checks whether a control frame allows a stream of a content type. A frame without content types
/// allows every stream; STOP and FINISH allow none.
///
/// @param c          The frame.
/// @param match      The content type of the stream; NULL if it declares none.
/// @param len_match  The number of bytes of the content type.
/// @retval fstrm_res_success  The frame allows it.
/// @retval fstrm_res_failure  The frame does not allow it, or `c` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_control_match_field_content_type(
    c: *const fstrm_control,
    r#match: *const u8,
    len_match: usize,
) -> fstrm_res {
    done(|| {
        // SAFETY: as documented.
        let (c, wanted) = unsafe { (borrow(c)?, bytes(r#match, len_match)) };
        c.0.matches(wanted.filter(|_| !r#match.is_null())).then_some(())
    })
}

/// Decodes a control frame. The previous content of `c` is lost. After a failure, it contains the
/// part that was decoded before the error.
///
/// @param c                  The frame to decode into.
/// @param control_frame      The bytes of exactly one frame.
/// @param len_control_frame  The number of bytes.
/// @param flags              0, or #FSTRM_CONTROL_FLAG_WITH_HEADER.
/// @retval fstrm_res_success
/// @retval fstrm_res_failure  The bytes are not one well-formed control frame, or a pointer is
///                            NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_control_decode(
    c: *mut fstrm_control,
    control_frame: *const c_void,
    len_control_frame: usize,
    flags: u32,
) -> fstrm_res {
    done(|| {
        // SAFETY: as documented.
        let encoded = unsafe { bytes(control_frame.cast(), len_control_frame) }?;
        // SAFETY: as documented.
        unsafe { borrow_mut(c) }?.0.decode(encoded, header(flags)).ok().map(drop)
    })
}

/// Computes the buffer size that fstrm_control_encode() requires.
///
/// @param c                       The frame.
/// @param[out] len_control_frame  Receives the number of bytes.
/// @param flags                   0, or #FSTRM_CONTROL_FLAG_WITH_HEADER.
/// @retval fstrm_res_success
/// @retval fstrm_res_failure  A content type or the frame is too long, or a pointer is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_control_encoded_size(
    c: *const fstrm_control,
    len_control_frame: *mut usize,
    flags: u32,
) -> fstrm_res {
    done(|| {
        // SAFETY: as documented.
        let size = unsafe { borrow(c) }?.0.encoded_size(header(flags)).ok()?;
        // SAFETY: as documented.
        unsafe { store(len_control_frame, size) }
    })
}

/// Encodes a control frame. A buffer of #FSTRM_CONTROL_FRAME_LENGTH_MAX bytes is always large
/// enough.
///
/// @param c                          The frame.
/// @param[out] control_frame         The buffer.
/// @param[in,out] len_control_frame  Size of the buffer in bytes; receives the number of bytes
///                                   written.
/// @param flags                      0, or #FSTRM_CONTROL_FLAG_WITH_HEADER.
/// @retval fstrm_res_success
/// @retval fstrm_res_failure  As for fstrm_control_encoded_size(), or the buffer is too small.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_control_encode(
    c: *const fstrm_control,
    control_frame: *mut c_void,
    len_control_frame: *mut usize,
    flags: u32,
) -> fstrm_res {
    done(|| {
        // SAFETY: as documented.
        let (c, length) = unsafe { (borrow(c)?, borrow_mut(len_control_frame)?) };
        let encoded = c.0.encode(header(flags)).ok()?;
        if encoded.len() > *length || control_frame.is_null() {
            return None;
        }
        // SAFETY: the caller has room for `*length` bytes, which need not be initialised.
        unsafe { ptr::copy_nonoverlapping(encoded.as_ptr(), control_frame.cast(), encoded.len()) };
        *length = encoded.len();
        Some(())
    })
}
