// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ffi::{CStr, CString, c_char};
use std::net::{IpAddr, SocketAddr};
use std::ptr;

use ffi::{borrow, change, give, guard, string, take};
use framestream::transport::SocketSender;

use crate::writer::{fstrm_writer, fstrm_writer_options};

/// The options of a writer to a TCP address.
#[derive(Default)]
pub struct fstrm_tcp_writer_options {
    socket_address: Option<CString>,
    socket_port: Option<CString>,
}

impl fstrm_tcp_writer_options {
    fn address(&self) -> Option<SocketAddr> {
        let address: IpAddr = self.socket_address.as_ref()?.to_str().ok()?.parse().ok()?;
        Some(SocketAddr::new(address, port(self.socket_port.as_ref()?)?))
    }
}

/// Parses a port as C does: decimal, octal after `0`, hexadecimal after `0x`.
fn port(text: &CStr) -> Option<u16> {
    let mut end = ptr::null_mut();
    // SAFETY: `text` ends with NUL; `end` is set to a position in it.
    let (value, rest) = unsafe { (libc::strtoul(text.as_ptr(), &mut end, 0), *end) };
    u16::try_from(value).ok().filter(|_| rest == 0)
}

/// Creates TCP writer options without an address and a port.
///
/// @return The options, to be destroyed with fstrm_tcp_writer_options_destroy().
#[unsafe(no_mangle)]
pub extern "C" fn fstrm_tcp_writer_options_init() -> *mut fstrm_tcp_writer_options {
    guard(ptr::null_mut(), || give(fstrm_tcp_writer_options::default()))
}

/// Destroys TCP writer options.
///
/// @param[in,out] twopt  Pointer to the options; set to NULL. If it is NULL already, nothing
///                       happens.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_tcp_writer_options_destroy(
    twopt: *mut *mut fstrm_tcp_writer_options,
) {
    // SAFETY: as documented.
    guard((), || drop(unsafe { take(twopt) }));
}

/// Sets the address of the receiver.
///
/// @param twopt           The options.
/// @param socket_address  An IPv4 or IPv6 address as text, which is copied; NULL for none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_tcp_writer_options_set_socket_address(
    twopt: *mut fstrm_tcp_writer_options,
    socket_address: *const c_char,
) {
    // SAFETY: as documented.
    unsafe { change(twopt, |twopt| twopt.socket_address = string(socket_address)) }
}

/// Sets the port of the receiver.
///
/// @param twopt        The options.
/// @param socket_port  A number up to 65535 as text, which is copied; NULL for none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_tcp_writer_options_set_socket_port(
    twopt: *mut fstrm_tcp_writer_options,
    socket_port: *const c_char,
) {
    // SAFETY: as documented.
    unsafe { change(twopt, |twopt| twopt.socket_port = string(socket_port)) }
}

/// Creates a writer to a TCP address, which connects with its first use. A peer that has
/// disappeared is detected after half a minute if the connection is idle, otherwise when the system
/// stops retransmitting.
///
/// @param twopt  TCP writer options with an address and a port.
/// @param wopt   Writer options; NULL for the defaults.
/// @return The writer, to be destroyed with fstrm_writer_destroy(); NULL if the address or the port
///         is missing or invalid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstrm_tcp_writer_init(
    twopt: *const fstrm_tcp_writer_options,
    wopt: *const fstrm_writer_options,
) -> *mut fstrm_writer {
    guard(ptr::null_mut(), || {
        // SAFETY: as documented.
        let (twopt, wopt) = unsafe { (borrow(twopt), borrow(wopt)) };
        match twopt.and_then(fstrm_tcp_writer_options::address) {
            Some(address) => fstrm_writer::give(Box::new(SocketSender::tcp(address)), wopt),
            None => ptr::null_mut(),
        }
    })
}
