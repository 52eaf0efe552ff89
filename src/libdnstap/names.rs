// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ffi::{CStr, c_char};
use std::ptr;

use dnstap::message_types;
use dnstap::schema::{
    HttpProtocol, MessageType, PolicyAction, PolicyMatch, SocketFamily, SocketProtocol,
};

use crate::event::dnstap_event_kind::*;
use crate::result::*;
use crate::sink::dnstap_state::*;

/// A name as a C string, or no name.
#[derive(Clone, Copy)]
struct Name {
    /// Ends with NUL; empty for no name.
    bytes: [u8; 24],
}

impl Name {
    const NONE: Self = Self { bytes: [0; 24] };

    const fn new(name: Option<&'static str>) -> Self {
        let mut made = Self::NONE;
        let Some(name) = name else { return made };
        let mut at = 0;
        while at < name.len() {
            made.bytes[at] = name.as_bytes()[at];
            at += 1;
        }
        assert!(at < made.bytes.len(), "no room for NUL");
        made
    }
}

/// Returns the name of a number in a table; NULL if it has none.
fn find(names: &'static [Name], number: u32) -> *const c_char {
    match names.get(number as usize) {
        Some(name) if name.bytes[0] != 0 => name.bytes.as_ptr().cast(),
        _ => ptr::null(),
    }
}

/// Creates the table of names of an enumeration at compile time.
macro_rules! names {
    ($enumeration:ident, $name:ident) => {{
        const NUMBERS: usize = $enumeration::ALL[$enumeration::ALL.len() - 1].0 as usize + 1;
        static NAMES: [Name; NUMBERS] = {
            let mut names = [Name::NONE; NUMBERS];
            let mut number = 0;
            while number < NUMBERS {
                names[number] = Name::new($enumeration(number as u32).$name());
                number += 1;
            }
            names
        };
        &NAMES
    }};
}

/// Returns the name of a message type in the schema. Any thread may call it.
///
/// @param type  One of enum dnstap_message_type; unknown numbers are allowed.
/// @return      A static string such as "CLIENT_QUERY"; NULL if the number is unknown.
#[unsafe(no_mangle)]
pub extern "C" fn dnstap_message_type_name(r#type: u32) -> *const c_char {
    find(names!(MessageType, name), r#type)
}

/// Returns the two-letter abbreviation of a message type that tools print. Any thread may call it.
///
/// @param type  One of enum dnstap_message_type; unknown numbers are allowed.
/// @return      A static string such as "CQ"; NULL if the number is unknown.
#[unsafe(no_mangle)]
pub extern "C" fn dnstap_message_type_mnemonic(r#type: u32) -> *const c_char {
    find(names!(MessageType, mnemonic), r#type)
}

/// Returns the name of a socket family in the schema. Any thread may call it.
///
/// @param family  One of enum dnstap_socket_family; unknown numbers are allowed.
/// @return        A static string such as "INET6"; NULL if the number is unknown.
#[unsafe(no_mangle)]
pub extern "C" fn dnstap_socket_family_name(family: u32) -> *const c_char {
    find(names!(SocketFamily, name), family)
}

/// Returns the name of a socket protocol in the schema. Any thread may call it.
///
/// @param protocol  One of enum dnstap_socket_protocol; unknown numbers are allowed.
/// @return          A static string such as "UDP" or "DNSCryptUDP"; NULL if the number is unknown.
#[unsafe(no_mangle)]
pub extern "C" fn dnstap_socket_protocol_name(protocol: u32) -> *const c_char {
    find(names!(SocketProtocol, name), protocol)
}

/// Returns the name of an HTTP version in the schema. Any thread may call it.
///
/// @param protocol  One of enum dnstap_http_protocol; unknown numbers are allowed.
/// @return          A static string such as "HTTP2"; NULL if the number is unknown.
#[unsafe(no_mangle)]
pub extern "C" fn dnstap_http_protocol_name(protocol: u32) -> *const c_char {
    find(names!(HttpProtocol, name), protocol)
}

/// Returns the name of a policy action in the schema. Any thread may call it.
///
/// @param action  One of enum dnstap_policy_action; unknown numbers are allowed.
/// @return        A static string such as "NXDOMAIN"; NULL if the number is unknown.
#[unsafe(no_mangle)]
pub extern "C" fn dnstap_policy_action_name(action: u32) -> *const c_char {
    find(names!(PolicyAction, name), action)
}

/// Returns the name of a policy match in the schema. Any thread may call it.
///
/// @param match  One of enum dnstap_policy_match; unknown numbers are allowed.
/// @return       A static string such as "QNAME"; NULL if the number is unknown.
#[unsafe(no_mangle)]
pub extern "C" fn dnstap_policy_match_name(r#match: u32) -> *const c_char {
    find(names!(PolicyMatch, name), r#match)
}

/// Returns the name of a state of a sink. Any thread may call it.
///
/// @param state  One of enum dnstap_state; unknown numbers are allowed.
/// @return       A static string such as "CONNECTED"; NULL if the number is unknown.
#[unsafe(no_mangle)]
pub extern "C" fn dnstap_state_name(state: u32) -> *const c_char {
    const NAMES: &[(u32, &CStr)] = &[
        (DNSTAP_STATE_DISCONNECTED as u32, c"DISCONNECTED"),
        (DNSTAP_STATE_CONNECTING as u32, c"CONNECTING"),
        (DNSTAP_STATE_CONNECTED as u32, c"CONNECTED"),
        (DNSTAP_STATE_CLOSING as u32, c"CLOSING"),
    ];
    find_own(NAMES, state)
}

/// Returns the name of a kind of event. Any thread may call it.
///
/// @param kind  One of enum dnstap_event_kind; unknown numbers are allowed.
/// @return      A static string such as "DROPPING"; NULL if the number is unknown.
#[unsafe(no_mangle)]
pub extern "C" fn dnstap_event_kind_name(kind: u32) -> *const c_char {
    const NAMES: &[(u32, &CStr)] = &[
        (DNSTAP_EVENT_KIND_CONNECTED as u32, c"CONNECTED"),
        (DNSTAP_EVENT_KIND_CONNECT_FAILED as u32, c"CONNECT_FAILED"),
        (DNSTAP_EVENT_KIND_DISCONNECTED as u32, c"DISCONNECTED"),
        (DNSTAP_EVENT_KIND_WRITE_FAILED as u32, c"WRITE_FAILED"),
        (DNSTAP_EVENT_KIND_DROPPING as u32, c"DROPPING"),
        (DNSTAP_EVENT_KIND_RECOVERED as u32, c"RECOVERED"),
        (DNSTAP_EVENT_KIND_CLOSED as u32, c"CLOSED"),
    ];
    find_own(NAMES, kind)
}

/// Returns the name of a number that is not in the schema.
fn find_own(names: &[(u32, &'static CStr)], number: u32) -> *const c_char {
    let name = names.iter().find(|(known, _)| *known == number);
    name.map_or(ptr::null(), |(_, name)| name.as_ptr())
}

/// Parses a list of message types, such as the value of a configuration option. Any thread may call
/// it.
///
/// @param list          Names or mnemonics in upper or lower case, separated by commas, spaces or
///                      both: "CLIENT_QUERY, CLIENT_RESPONSE" or "cq,cr". "all" stands for
///                      DNSTAP_ALL_MESSAGE_TYPES. An empty list is the empty set.
/// @param[out] types    The set: DNSTAP_MESSAGE_TYPE_BIT() of each type. Not written to on an
///                      error.
/// @param[out] unknown  For error messages: the beginning, in `list`, of the first unknown word;
///                      NULL if there is none. May be NULL.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_VALUE  The list contains a word that is not a known message type.
/// @retval DNSTAP_ERROR_NULL   `list` or `types` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_message_types_parse(
    list: *const c_char,
    types: *mut u32,
    unknown: *mut *const c_char,
) -> dnstap_result {
    ffi::guard(DNSTAP_ERROR_INTERNAL, || {
        // SAFETY: as documented.
        unsafe { ffi::store(unknown, ptr::null()) };
        if list.is_null() || types.is_null() {
            return DNSTAP_ERROR_NULL;
        }
        // SAFETY: as documented.
        let list = unsafe { CStr::from_ptr(list) };
        let mut set = 0;
        for word in list.to_bytes().split(|byte| message_types::is_separator(*byte)) {
            match std::str::from_utf8(word).ok().map(message_types::parse) {
                Some(Ok(types)) => set |= types,
                _ => {
                    // SAFETY: as documented.
                    unsafe { ffi::store(unknown, word.as_ptr().cast()) };
                    return DNSTAP_ERROR_VALUE;
                }
            }
        }
        // SAFETY: as documented.
        unsafe { types.write(set) };
        DNSTAP_OK
    })
}
