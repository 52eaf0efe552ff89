// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ffi::c_int;
use std::mem::{self, MaybeUninit, offset_of};
use std::{ptr, slice};

use dnstap::encode::{BYTES_MAX, Envelope, Fields};
use dnstap::schema::{
    HttpProtocol, MessageType, PolicyAction, PolicyMatch, SocketFamily, SocketProtocol,
};
use dnstap::{Event, Message, Policy, sample};
use ffi::growing;
use libc::{sockaddr, sockaddr_in, sockaddr_in6};

use crate::result::*;

/// Bytes of the caller, or of a frame. If `data` is NULL, the field is absent, and `length` must be
/// 0. For a field that is present but empty, `data` may be any pointer that is not NULL.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct dnstap_bytes {
    pub data: *const u8,
    /// Number of bytes at `data`.
    pub length: usize,
}

impl dnstap_bytes {
    pub(crate) const ABSENT: Self = Self { data: ptr::null(), length: 0 };
}

/// A time since 1970-01-01 00:00 UTC; {0, 0} is absent. It is the same on every platform, whatever
/// the size of time_t. dnstap_time_of() converts a struct timespec.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct dnstap_time {
    /// 0 or more.
    pub seconds: i64,
    /// Below 1,000,000,000.
    pub nanoseconds: u32,
}

impl dnstap_time {
    /// Returns whether the time is absent or valid.
    #[inline(always)]
    fn is_valid(&self) -> bool {
        self.seconds >= 0 && self.nanoseconds < NANOSECONDS
    }

    /// Stores a decoded time in an absent one. Seconds and nanoseconds out of range are ignored.
    #[inline(always)]
    fn set(&mut self, seconds: Option<u64>, nanoseconds: Option<u32>) {
        if let Some(seconds) = seconds {
            self.seconds = seconds.try_into().unwrap_or(0);
        }
        match nanoseconds {
            Some(nanoseconds) if nanoseconds < NANOSECONDS => self.nanoseconds = nanoseconds,
            _ => (),
        }
    }

    /// Returns the time for the encoder.
    #[inline(always)]
    fn fields(&self) -> (Option<u64>, Option<u32>) {
        if self.seconds != 0 || self.nanoseconds != 0 {
            (Some(self.seconds as u64), Some(self.nanoseconds))
        } else {
            (None, None)
        }
    }
}

/// A rule of the operator that matched a message, such as one of a response policy zone.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct dnstap_policy {
    /// Size of this struct in bytes: later versions may be longer. Set by the caller when logging,
    /// as by DNSTAP_POLICY_INIT. Set by the library when decoding: if it is smaller than in this
    /// header, the library is older, and the fields beyond the size do not exist.
    pub size: usize,
    /// The type of the policy in UTF-8: "RPZ" for a response policy zone.
    pub r#type: dnstap_bytes,
    /// The rule: for a response policy zone, its owner name in wire format.
    pub rule: dnstap_bytes,
    /// The value that matched the rule, in a form that depends on `match`.
    pub value: dnstap_bytes,
    /// The action that was taken: one of enum dnstap_policy_action; 0 if absent.
    pub action: u32,
    /// The property that the rule was compared with: one of enum dnstap_policy_match; 0 if absent.
    pub r#match: u32,
}

/// An IPv4 or IPv6 address with a port.
#[derive(Clone, Copy)]
#[repr(C)]
pub union dnstap_address {
    pub any: sockaddr,
    pub r#in: sockaddr_in,
    pub in6: sockaddr_in6,
}

/// Memory for data that a decoded message points to, in addition to the frame.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct dnstap_storage {
    /// Size of this struct in bytes, set by the caller, as by DNSTAP_STORAGE_INIT: later versions
    /// may be longer.
    pub size: usize,
    pub initiator: dnstap_address,
    pub responder: dnstap_address,
    /// The last field, as it can grow; its `size` is that of this version of the struct.
    pub policy: dnstap_policy,
}

/// A DNS message with its context. To log a message, start with DNSTAP_MESSAGE_INIT, set `type`,
/// and set all other fields that are known; a field that is 0 or NULL is absent. No field may be
/// longer than 65,535 bytes. The library does not keep pointers from it.
///
/// The initiator is the side that sent the query, the responder the side that answers it, in both
/// queries and responses.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct dnstap_message {
    /// Size of this struct in bytes, set by the caller, as by DNSTAP_MESSAGE_INIT: later versions
    /// may be longer.
    pub size: usize,
    /// Where, and in which direction, the message was seen: one of enum dnstap_message_type.
    pub r#type: u32,
    /// The transport protocol of the message: one of enum dnstap_socket_protocol.
    pub socket_protocol: u32,
    /// One of enum dnstap_socket_family; 0 for the family of the addresses.
    pub socket_family: u32,
    /// The version of HTTP, if the transport is DNS over HTTPS: one of enum dnstap_http_protocol.
    pub http_protocol: u32,
    /// Number of messages that this message stands for; 1 if its sender did not sample. Set by
    /// dnstap_decode() and dnstap_reader_next(), ignored by all other functions.
    pub sample_rate: u32,
    /// Address and port of the initiator: a struct sockaddr_in or struct sockaddr_in6, which need
    /// not be aligned. Port 0 is absent. With the family AF_UNSPEC, only the port is used, at its
    /// offset in struct sockaddr_in.
    pub initiator: *const sockaddr,
    /// Address and port of the responder, likewise.
    pub responder: *const sockaddr,
    /// When the query was sent or received.
    pub query_time: dnstap_time,
    /// When the response was sent or received.
    pub response_time: dnstap_time,
    /// The query in wire format (RFC 1035, section 4) without transport headers.
    pub query: dnstap_bytes,
    /// The response in wire format, likewise.
    pub response: dnstap_bytes,
    /// The zone whose servers were queried: a domain name in wire format.
    pub zone: dnstap_bytes,
    /// The rule that matched the message.
    pub policy: *const dnstap_policy,
    /// Data of the operator's own. In a sampled message it begins with the sample rate
    /// (dnstap_options_set_sample_rate()).
    pub extra: dnstap_bytes,
    /// Name of the server that logged the message (`Dnstap.identity`). If it is absent,
    /// dnstap_log() uses that of the sink, and dnstap_writer_write() that of the options.
    pub identity: dnstap_bytes,
    /// Software and version of that server (`Dnstap.version`), likewise.
    pub version: dnstap_bytes,
}

impl dnstap_storage {
    /// Returns empty storage of this version.
    pub(crate) fn new() -> Self {
        // SAFETY: all zeros are a valid value.
        Self { size: size_of::<Self>(), ..unsafe { mem::zeroed() } }
    }
}

growing!(dnstap_policy, 64, r#match);
growing!(dnstap_storage, 128, policy: dnstap_policy);
growing!(dnstap_message, 184, version);

/// Returns the bytes of a field, if it is present.
///
/// # Safety
/// `bytes.data` is NULL or valid for the length.
#[inline(always)]
pub(crate) unsafe fn field<'a>(bytes: dnstap_bytes) -> Option<&'a [u8]> {
    // SAFETY: passed on to the caller; `View::new` has refused impossible lengths.
    (!bytes.data.is_null()).then(|| unsafe { slice::from_raw_parts(bytes.data, bytes.length) })
}

/// Returns the family of an address; `None` for NULL.
///
/// # Safety
/// `of` is NULL or points to an address family, which need not be aligned.
#[inline(always)]
pub(crate) unsafe fn family(of: *const sockaddr) -> Option<c_int> {
    // SAFETY: passed on to the caller.
    (!of.is_null()).then(|| unsafe { (&raw const (*of).sa_family).read_unaligned() }.into())
}

/// Returns the address in a struct sockaddr_in or sockaddr_in6.
///
/// # Safety
/// `of` has an address of `N` bytes.
#[inline(always)]
pub(crate) unsafe fn address<'a, const N: usize>(of: *const sockaddr) -> &'a [u8; N] {
    const { assert!(N == 4 || N == 16) };
    let offset = if N == 4 {
        offset_of!(sockaddr_in, sin_addr)
    } else {
        offset_of!(sockaddr_in6, sin6_addr)
    };
    // SAFETY: passed on to the caller.
    unsafe { &*of.cast::<u8>().add(offset).cast() }
}

/// Returns the port in a struct sockaddr_in or sockaddr_in6, which have it at the same offset. An
/// address of AF_UNSPEC has it there, too, as documented for `dnstap_message`.
///
/// # Safety
/// `of` has a port.
#[inline(always)]
pub(crate) unsafe fn port(of: *const sockaddr) -> u16 {
    // SAFETY: passed on to the caller.
    u16::from_be(unsafe { (&raw const (*of.cast::<sockaddr_in>()).sin_port).read_unaligned() })
}

/// The address and port of the initiator or the responder, for the encoder.
#[derive(Clone, Copy)]
struct Peer<'a> {
    address: Option<&'a [u8]>,
    port: u16,
    family: u32,
}

impl<'a> Peer<'a> {
    const ABSENT: Self = Self { address: None, port: 0, family: 0 };

    /// Returns the address and port of a caller.
    ///
    /// # Safety
    /// `address` is NULL, or valid for the size of its family.
    #[inline(always)]
    unsafe fn new(address: *const sockaddr) -> Result<Self, dnstap_result> {
        // SAFETY: passed on to the caller.
        let Some(family) = (unsafe { family(address) }) else { return Ok(Self::ABSENT) };
        let (found, family): (Option<&[u8]>, _) = match family {
            // SAFETY: as its family shows.
            libc::AF_INET => (Some(unsafe { self::address::<4>(address) }), SocketFamily::INET.0),
            libc::AF_INET6 => {
                // SAFETY: the same.
                (Some(unsafe { self::address::<16>(address) }), SocketFamily::INET6.0)
            }
            libc::AF_UNSPEC => (None, 0),
            _ => return Err(DNSTAP_ERROR_FAMILY),
        };
        // SAFETY: all three have a port.
        Ok(Self { address: found, port: unsafe { port(address) }, family })
    }

    #[inline(always)]
    fn port(&self) -> Option<u32> {
        (self.port != 0).then_some(self.port.into())
    }
}

const _: () = assert!(offset_of!(sockaddr_in, sin_port) == offset_of!(sockaddr_in6, sin6_port));

/// A message of the caller that was checked, for the encoder.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    message: &'a dnstap_message,
    initiator: Peer<'a>,
    responder: Peer<'a>,
    family: u32,
    policy: Option<dnstap_policy>,
}

impl<'a> View<'a> {
    /// Returns the checked message of a caller of any version.
    ///
    /// # Safety
    /// `message` is as documented.
    pub(crate) unsafe fn borrow(
        message: *const dnstap_message,
        older: &'a mut MaybeUninit<dnstap_message>,
    ) -> Result<Self, dnstap_result> {
        // SAFETY: passed on to the caller.
        let message = unsafe { ffi::borrow_sized(message, older) }?;
        // SAFETY: the same.
        unsafe { Self::new(message) }
    }

    /// Checks everything that the encoder does not check.
    ///
    /// # Safety
    /// The pointers in `message` are as documented.
    pub(crate) unsafe fn new(message: &'a dnstap_message) -> Result<Self, dnstap_result> {
        // All fields are named, so that a new one is not forgotten. Numbers may have any value.
        let dnstap_message {
            size: _,
            r#type: _,
            socket_protocol: _,
            socket_family,
            http_protocol: _,
            sample_rate: _,
            initiator,
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
        let initiator = unsafe { Peer::new(*initiator) }?;
        // SAFETY: the same.
        let responder = unsafe { Peer::new(*responder) }?;
        let (family, seen) = (*socket_family, initiator.family | responder.family);
        // If the families differ, their bits together are 3, which is not a family.
        let agree = seen <= SocketFamily::INET6.0 && (family == 0 || seen == 0 || family == seen);
        if !agree {
            return Err(DNSTAP_ERROR_FAMILY);
        }
        if !query_time.is_valid() || !response_time.is_valid() {
            return Err(DNSTAP_ERROR_TIME);
        }
        for bytes in [query, response, zone, extra, identity, version] {
            check(bytes)?;
        }
        let policy = if policy.is_null() {
            None
        } else {
            // SAFETY: passed on to the caller.
            Some(unsafe { load_policy(*policy) }?)
        };
        let family = if family == 0 { seen } else { family };
        Ok(Self { message, initiator, responder, family, policy })
    }

    /// Returns the fields of the event beside the message.
    #[inline(always)]
    pub(crate) fn envelope(&self) -> Envelope<'a> {
        let dnstap_message { identity, version, extra, .. } = *self.message;
        // SAFETY: as required by `new`, which has checked the lengths.
        unsafe {
            Envelope { identity: field(identity), version: field(version), extra: field(extra) }
        }
    }
}

/// Number of nanoseconds in a second.
pub(crate) const NANOSECONDS: u32 = 1_000_000_000;

/// Returns the caller's policy, checked.
///
/// # Safety
/// `policy` is as documented.
#[cold]
unsafe fn load_policy(policy: *const dnstap_policy) -> Result<dnstap_policy, dnstap_result> {
    // SAFETY: passed on to the caller.
    let policy = unsafe { ffi::load_sized(policy) }?;
    let dnstap_policy { size: _, r#type, rule, value, action: _, r#match: _ } = &policy;
    [r#type, rule, value].into_iter().try_for_each(check)?;
    Ok(policy)
}

#[inline(always)]
fn check(bytes: &dnstap_bytes) -> Result<(), dnstap_result> {
    let max_len = if bytes.data.is_null() { 0 } else { BYTES_MAX };
    match bytes.length {
        length if length <= max_len => Ok(()),
        length if length <= BYTES_MAX => Err(DNSTAP_ERROR_NULL),
        _ => Err(DNSTAP_ERROR_LENGTH),
    }
}

impl Fields for View<'_> {
    #[inline(always)]
    fn message_type(&self) -> MessageType {
        MessageType(self.message.r#type)
    }

    #[inline(always)]
    fn socket_family(&self) -> Option<SocketFamily> {
        (self.family != 0).then_some(SocketFamily(self.family))
    }

    #[inline(always)]
    fn socket_protocol(&self) -> Option<SocketProtocol> {
        let protocol = self.message.socket_protocol;
        (protocol != 0).then_some(SocketProtocol(protocol))
    }

    #[inline(always)]
    fn query_address(&self) -> Option<&[u8]> {
        self.initiator.address
    }

    #[inline(always)]
    fn response_address(&self) -> Option<&[u8]> {
        self.responder.address
    }

    #[inline(always)]
    fn query_port(&self) -> Option<u32> {
        self.initiator.port()
    }

    #[inline(always)]
    fn response_port(&self) -> Option<u32> {
        self.responder.port()
    }

    #[inline(always)]
    fn query_time_sec(&self) -> Option<u64> {
        self.message.query_time.fields().0
    }

    #[inline(always)]
    fn query_time_nsec(&self) -> Option<u32> {
        self.message.query_time.fields().1
    }

    #[inline(always)]
    fn query_message(&self) -> Option<&[u8]> {
        // SAFETY: as in `envelope`.
        unsafe { field(self.message.query) }
    }

    #[inline(always)]
    fn query_zone(&self) -> Option<&[u8]> {
        // SAFETY: as in `envelope`.
        unsafe { field(self.message.zone) }
    }

    #[inline(always)]
    fn response_time_sec(&self) -> Option<u64> {
        self.message.response_time.fields().0
    }

    #[inline(always)]
    fn response_time_nsec(&self) -> Option<u32> {
        self.message.response_time.fields().1
    }

    #[inline(always)]
    fn response_message(&self) -> Option<&[u8]> {
        // SAFETY: as in `envelope`.
        unsafe { field(self.message.response) }
    }

    #[inline(always)]
    fn policy(&self) -> Option<Policy<'_>> {
        self.policy.as_ref().map(|policy| {
            Policy {
                // SAFETY: as in `envelope`, for each.
                policy_type: unsafe { field(policy.r#type) },
                // SAFETY: the same.
                rule: unsafe { field(policy.rule) },
                action: (policy.action != 0).then_some(PolicyAction(policy.action)),
                policy_match: (policy.r#match != 0).then_some(PolicyMatch(policy.r#match)),
                // SAFETY: the same.
                value: unsafe { field(policy.value) },
            }
        })
    }

    #[inline(always)]
    fn http_protocol(&self) -> Option<HttpProtocol> {
        let protocol = self.message.http_protocol;
        (protocol != 0).then_some(HttpProtocol(protocol))
    }
}

/// Stores an event as a message of the caller, which points into the frame and the storage. An
/// event without a message has type 0.
///
/// # Safety
/// Both pointers are NULL or as documented.
#[inline(always)]
pub(crate) unsafe fn store(
    event: &Event<'_>,
    message: *mut dnstap_message,
    storage: *mut dnstap_storage,
) -> Result<(), dnstap_result> {
    const MESSAGE: usize = size_of::<dnstap_message>();
    const STORAGE: usize = size_of::<dnstap_storage>();
    // SAFETY: passed on to the caller. Only the sizes are known to exist.
    let sizes = unsafe { (message.cast::<usize>().as_ref(), storage.cast::<usize>().as_ref()) };
    if let (Some(&MESSAGE), Some(&STORAGE)) = sizes {
        // SAFETY: the caller's structs have all fields of this version.
        let (message, storage) = unsafe { (&mut *message, &mut *storage) };
        message.set(event, storage);
        return Ok(());
    }
    // SAFETY: passed on to the caller.
    unsafe { store_other(event, message, storage) }
}

/// Stores an event for a caller of another version.
///
/// # Safety
/// As for [`store`].
#[cold]
#[inline(never)]
unsafe fn store_other(
    event: &Event<'_>,
    message: *mut dnstap_message,
    storage: *mut dnstap_storage,
) -> Result<(), dnstap_result> {
    // SAFETY: passed on to the caller.
    let room = unsafe { ffi::room_at(message).and(ffi::room_at(storage)) }?;
    // SAFETY: all zeros are a message without fields.
    let (mut ours, mut our_storage) =
        (unsafe { mem::zeroed::<dnstap_message>() }, dnstap_storage::new());
    ours.set(event, &mut our_storage);
    let policy_room = room - offset_of!(dnstap_storage, policy);
    our_storage.policy.size = our_storage.policy.size.min(policy_room);
    // SAFETY: the caller's storage has the addresses and the beginning of a policy. No references
    // are created to fields that it may not have.
    unsafe {
        if !ours.initiator.is_null() {
            ours.initiator = &raw const (*storage).initiator.any;
        }
        if !ours.responder.is_null() {
            ours.responder = &raw const (*storage).responder.any;
        }
        if !ours.policy.is_null() {
            ours.policy = &raw const (*storage).policy;
        }
        ffi::store_sized(storage, &our_storage)?;
        ffi::store_sized(message, &ours)?;
    }
    Ok(())
}

impl From<&[u8]> for dnstap_bytes {
    #[inline(always)]
    fn from(bytes: &[u8]) -> Self {
        Self { data: bytes.as_ptr(), length: bytes.len() }
    }
}

/// Stores a field in an absent one.
#[inline(always)]
fn set(place: &mut dnstap_bytes, bytes: Option<&[u8]>) {
    if let Some(bytes) = bytes {
        *place = bytes.into();
    }
}

impl dnstap_message {
    /// Stores an event. Data that the frame does not contain in this form is put into `storage`.
    /// The size is unchanged.
    #[inline(always)]
    fn set(&mut self, event: &Event<'_>, storage: &mut dnstap_storage) {
        let all_but_size = size_of::<usize>()..size_of::<Self>();
        let bytes = ptr::from_mut(self).cast::<u8>();
        // SAFETY: all zeros are a message without fields.
        unsafe { ptr::write_bytes(bytes.add(all_but_size.start), 0, all_but_size.len()) };
        // These fields do not depend on the type of the event.
        let Event { identity, version, extra, message, event_type: _ } = event;
        set(&mut self.identity, *identity);
        set(&mut self.version, *version);
        self.sample_rate = 1;
        if let Some(extra) = *extra {
            self.extra = extra.into();
            self.sample_rate = sample::rate_of(extra);
        }
        if let Some(message) = message {
            self.set_message(message, storage);
        }
    }

    /// Stores the fields of a message.
    #[inline(always)]
    fn set_message(&mut self, message: &Message<'_>, storage: &mut dnstap_storage) {
        let Message {
            message_type,
            socket_family,
            socket_protocol,
            query_address,
            response_address,
            query_port,
            response_port,
            query_time_sec,
            query_time_nsec,
            query_message,
            query_zone,
            response_time_sec,
            response_time_nsec,
            response_message,
            policy,
            http_protocol,
        } = message;
        self.r#type = message_type.0;
        self.socket_family = socket_family.map_or(0, |family| family.0);
        self.socket_protocol = socket_protocol.map_or(0, |protocol| protocol.0);
        self.http_protocol = http_protocol.map_or(0, |protocol| protocol.0);
        self.initiator = storage.initiator.set(*query_address, *query_port);
        self.responder = storage.responder.set(*response_address, *response_port);
        self.query_time.set(*query_time_sec, *query_time_nsec);
        self.response_time.set(*response_time_sec, *response_time_nsec);
        set(&mut self.query, *query_message);
        set(&mut self.response, *response_message);
        set(&mut self.zone, *query_zone);
        if let Some(Policy { policy_type, rule, action, policy_match, value }) = policy {
            storage.policy = dnstap_policy {
                size: size_of::<dnstap_policy>(),
                r#type: policy_type.map_or(dnstap_bytes::ABSENT, dnstap_bytes::from),
                rule: rule.map_or(dnstap_bytes::ABSENT, dnstap_bytes::from),
                value: value.map_or(dnstap_bytes::ABSENT, dnstap_bytes::from),
                action: action.map_or(0, |action| action.0),
                r#match: policy_match.map_or(0, |matched| matched.0),
            };
            self.policy = &raw const storage.policy;
        }
    }
}

impl dnstap_address {
    /// Stores an address, whose family follows from its length, since the declared one may be
    /// wrong, and a port below 65,536. Returns a pointer to it; NULL if there is neither.
    #[inline(always)]
    fn set(&mut self, address: Option<&[u8]>, port: Option<u32>) -> *const sockaddr {
        let port = port.and_then(|port| u16::try_from(port).ok());
        // SAFETY: all zeros are a valid value.
        *self = unsafe { mem::zeroed() };
        let family = if let Some(address) = address.and_then(|all| <[u8; 4]>::try_from(all).ok()) {
            let s_addr = u32::from_ne_bytes(address);
            self.r#in.sin_addr = libc::in_addr { s_addr };
            libc::AF_INET
        } else if let Some(s6_addr) = address.and_then(|all| <[u8; 16]>::try_from(all).ok()) {
            self.in6.sin6_addr = libc::in6_addr { s6_addr };
            libc::AF_INET6
        } else if port.is_none() {
            return ptr::null();
        } else {
            libc::AF_UNSPEC
        };
        self.any.sa_family = family as libc::sa_family_t;
        self.r#in.sin_port = port.unwrap_or(0).to_be();
        ptr::from_ref(self).cast()
    }
}
