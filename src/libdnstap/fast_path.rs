// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fast path, for the messages that servers log most. Nothing here can panic, so only the
//! wake-up needs a guard.

use std::marker::PhantomData;
use std::slice;

use dnstap::encode::BYTES_MAX;
use dnstap::encode::fast_path::{
    FastKind, FastMessage, OneByte, Query, Response, TimedResponse, TwoBytes, Width, ZonedQuery,
    ZonedResponse, takes_two_bytes,
};
use dnstap::schema::{MessageType, SocketFamily, SocketProtocol};
use dnstap::sink::Queue;

use crate::message::{NANOSECONDS, address, dnstap_message, dnstap_time, family, field, port};
use crate::queue::dnstap_queue;
use crate::result::*;
use crate::slow_path;

/// Logs a message on the fast path if possible, or else on the slow path.
///
/// # Safety
/// `message` is as documented.
#[inline(always)]
pub(crate) unsafe fn log(
    queue: &mut Queue<dnstap_queue>,
    message: &dnstap_message,
) -> dnstap_result {
    // SAFETY: passed on to the caller.
    match unsafe { family(message.initiator) } {
        // SAFETY: passed on to the caller, with the right family.
        Some(libc::AF_INET) => unsafe { log_between::<4>(queue, message) },
        // SAFETY: the same.
        Some(libc::AF_INET6) => unsafe { log_between::<16>(queue, message) },
        // SAFETY: the same.
        _ => unsafe { slow_path::log(queue, message) },
    }
}

/// Logs a message between addresses of `N` bytes.
///
/// # Safety
/// As for [`log`], and the initiator has an address of `N` bytes.
#[inline(always)]
unsafe fn log_between<const N: usize>(
    queue: &mut Queue<dnstap_queue>,
    message: &dnstap_message,
) -> dnstap_result {
    let has_zone = !message.zone.data.is_null();
    // SAFETY: passed on to the caller.
    unsafe {
        match (message.query.data.is_null(), has_zone) {
            // A response with a zone is expected to have the time of its query.
            (true, true) => log_kind::<N, ZonedResponse>(queue, message),
            (true, false) if message.query_time.seconds != 0 => {
                log_kind::<N, TimedResponse>(queue, message)
            }
            (true, false) => log_kind::<N, Response>(queue, message),
            (false, false) => log_kind::<N, Query>(queue, message),
            (false, true) => log_kind::<N, ZonedQuery>(queue, message),
        }
    }
}

/// Logs a message of kind `K`.
///
/// # Safety
/// As for [`log_between`]. If `K` is a response, the message has no query, otherwise it has one; if
/// `K` has a zone, so has the message.
#[inline(always)]
unsafe fn log_kind<const N: usize, K: FastKind>(
    queue: &mut Queue<dnstap_queue>,
    message: &dnstap_message,
) -> dnstap_result {
    let bytes = if K::RESPONSE { &message.response } else { &message.query };
    // SAFETY: passed on to the caller.
    unsafe {
        if takes_two_bytes::<N, K>(bytes.length) {
            log_wide::<N, K, TwoBytes>(queue, message)
        } else {
            log_wide::<N, K, OneByte>(queue, message)
        }
    }
}

/// Logs a message whose length takes [`Width::BYTES`] bytes. Not inlined, so that each instance
/// uses few registers, and does not unwind, so that the call is a tail call of `dnstap_log`.
///
/// # Safety
/// As for [`log_kind`].
#[inline(never)]
unsafe extern "C" fn log_wide<const N: usize, K: FastKind, W: Width>(
    queue: &mut Queue<dnstap_queue>,
    message: &dnstap_message,
) -> dnstap_result {
    // SAFETY: passed on to the caller.
    let logged = unsafe { Checked::<N, K>::new(message) }
        .and_then(|message| queue.log_fast::<N, W, _>(&message));
    match logged {
        Some(false) => DNSTAP_OK,
        Some(true) => {
            ffi::guard((), || queue.wake());
            DNSTAP_OK
        }
        // SAFETY: passed on to the caller.
        None => unsafe { slow_path::log(queue, message) },
    }
}

/// A valid message of kind `K`, between addresses of `N` bytes.
struct Checked<'a, const N: usize, K>(&'a dnstap_message, PhantomData<K>);

impl<'a, const N: usize, K: FastKind> Checked<'a, N, K> {
    /// Returns the message if it is of this kind, and valid.
    ///
    /// # Safety
    /// As for [`log_kind`].
    #[inline(always)]
    unsafe fn new(message: &'a dnstap_message) -> Option<Self> {
        let (wanted, socket_family) = match N {
            4 => (libc::AF_INET, SocketFamily::INET),
            _ => (libc::AF_INET6, SocketFamily::INET6),
        };
        // All fields are named, as those that the fast path does not encode must be absent.
        let dnstap_message {
            size: _,
            r#type: _,
            socket_protocol: _,
            socket_family: declared,
            http_protocol,
            sample_rate: _,
            initiator: _,
            responder,
            query_time,
            response_time,
            query,
            response,
            zone,
            policy,
            extra,
            identity,
            version,
        } = message;
        // SAFETY: passed on to the caller.
        if unsafe { family(*responder) } != Some(wanted) {
            return None;
        }
        // Compares the family and the version of HTTP, which must be absent, at once.
        let numbers = u64::from(*http_protocol) << 32 | u64::from(*declared);
        if numbers != 0 && numbers != u64::from(socket_family.0) {
            return None;
        }
        let (bytes, other) = if K::RESPONSE { (response, query) } else { (query, response) };
        let mut rare = policy.addr() | extra.data.addr() | extra.length;
        rare |= identity.data.addr() | identity.length | version.data.addr() | version.length;
        // A response was recognised by its absent query.
        rare |= if K::RESPONSE { other.length } else { other.data.addr() | other.length };
        let absent = |time: &dnstap_time| time.seconds as usize | time.nanoseconds as usize;
        if !K::RESPONSE {
            rare |= absent(response_time);
        }
        if !K::QUERY_TIME {
            rare |= absent(query_time);
        }
        if !K::ZONE {
            rare |= zone.length;
        }
        if rare != 0 || bytes.length > BYTES_MAX || K::ZONE && zone.length > BYTES_MAX {
            return None;
        }
        // The encoder refuses seconds other than the cached one, which is valid.
        let valid = (!K::QUERY_TIME || query_time.nanoseconds < NANOSECONDS)
            && (!K::RESPONSE || response_time.nanoseconds < NANOSECONDS);
        (valid && !bytes.data.is_null()).then_some(Self(message, PhantomData))
    }
}

impl<const N: usize, K: FastKind> FastMessage<N> for Checked<'_, N, K> {
    type Kind = K;

    #[inline(always)]
    fn message_type(&self) -> MessageType {
        MessageType(self.0.r#type)
    }

    #[inline(always)]
    fn socket_protocol(&self) -> SocketProtocol {
        SocketProtocol(self.0.socket_protocol)
    }

    #[inline(always)]
    fn query_address(&self) -> &[u8; N] {
        // SAFETY: as required by `new`.
        unsafe { address(self.0.initiator) }
    }

    #[inline(always)]
    fn response_address(&self) -> &[u8; N] {
        // SAFETY: the same; `new` has checked the family.
        unsafe { address(self.0.responder) }
    }

    #[inline(always)]
    fn query_port(&self) -> u16 {
        // SAFETY: as for the address.
        unsafe { port(self.0.initiator) }
    }

    #[inline(always)]
    fn response_port(&self) -> u16 {
        // SAFETY: as for the address.
        unsafe { port(self.0.responder) }
    }

    #[inline(always)]
    fn query_time(&self) -> (u64, u32) {
        (self.0.query_time.seconds as u64, self.0.query_time.nanoseconds)
    }

    #[inline(always)]
    fn response_time(&self) -> (u64, u32) {
        (self.0.response_time.seconds as u64, self.0.response_time.nanoseconds)
    }

    #[inline(always)]
    fn zone(&self) -> &[u8] {
        // SAFETY: as required by `new`.
        unsafe { field(self.0.zone) }.unwrap_or_default()
    }

    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        let bytes = if K::RESPONSE { self.0.response } else { self.0.query };
        // SAFETY: as required by `new`, which has checked that they are present.
        unsafe { slice::from_raw_parts(bytes.data, bytes.length) }
    }
}
