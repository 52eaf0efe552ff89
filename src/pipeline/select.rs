// SPDX-License-Identifier: MIT OR Apache-2.0
//! Selection of messages. Every kind of filter that is given must match; a kind matches if one of its
//! values does.

use std::net::IpAddr;
use std::str::FromStr;

use dns::section::{Parts, Question};
use dns::{mnemonic, name};
use dnstap::schema::MessageType;
use dnstap::{Event, Message, sample};
use thiserror::Error;

use super::address::{MAPPED_BITS, ip_address};

/// The error of an invalid value of a filter.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FilterError {
    /// The name is empty.
    #[error("\"\" is not a domain name: it is empty; \".\" selects all names")]
    EmptyName,
    /// The name contains an unescaped asterisk.
    #[error(
        "\"{0}\" is not a domain name: wildcards are not supported. \"example\" also selects all \
         names below example, \"\\*.example\" the name with a literal asterisk"
    )]
    Wildcard(String),
    /// The name contains characters outside ASCII.
    #[error(
        "\"{0}\" is not a domain name in ASCII: write its labels as in DNS messages, such as \
         \"xn--bcher-kva\", or escape their bytes, such as \"b\\195\\188cher\""
    )]
    NotAscii(String),
    /// The name has an invalid label or length.
    #[error("\"{0}\" is not a domain name")]
    Name(String),
    /// The address prefix is invalid.
    #[error("\"{0}\" is not an address or prefix, such as 192.0.2.0/24")]
    Prefix(String),
    /// The record type is unknown.
    #[error("\"{0}\" is not a record type, such as AAAA or TYPE65")]
    RecordType(String),
    /// The response code is unknown.
    #[error("\"{0}\" is not a response code, such as NXDOMAIN or 3")]
    ResponseCode(String),
}

/// A selected name: an exact name, or a domain with all names below it.
#[derive(Clone, Debug)]
pub struct WantedName {
    wire: Vec<u8>,
    exact: bool,
}

impl FromStr for WantedName {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let (exact, name) = match text.strip_prefix('=') {
            Some(name) => (true, name),
            None => (false, text),
        };
        if name.is_empty() {
            return Err(FilterError::EmptyName);
        }
        if has_wildcard(name) {
            return Err(FilterError::Wildcard(name.into()));
        }
        if !name.is_ascii() {
            return Err(FilterError::NotAscii(name.into()));
        }
        let wire = name::parse(name).ok_or_else(|| FilterError::Name(name.into()))?;
        Ok(Self { wire, exact })
    }
}

/// Returns whether `name` contains an unescaped asterisk.
fn has_wildcard(name: &str) -> bool {
    let mut characters = name.chars();
    while let Some(character) = characters.next() {
        match character {
            '*' => return true,
            '\\' => drop(characters.next()),
            _ => (),
        }
    }
    false
}

/// An address prefix. IPv4-mapped IPv6 prefixes are converted to IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressPrefix {
    address: u128,
    bits: u32,
    width: u32,
}

impl AddressPrefix {
    fn contains(&self, bytes: &[u8]) -> bool {
        let Some((address, width)) = ip_address(bytes).map(number) else { return false };
        width == self.width && mask(address, self.bits, width) == self.address
    }
}

impl FromStr for AddressPrefix {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let invalid = || FilterError::Prefix(text.into());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().map_err(|_| invalid())?)),
            None => (text, None),
        };
        let given: IpAddr = address.parse().map_err(|_| invalid())?;
        let (_, width) = number(given);
        let bits = bits.unwrap_or(width);
        if bits > width {
            return Err(invalid());
        }
        let (address, bits) = match bits.checked_sub(MAPPED_BITS.into()) {
            Some(bits) if given.to_canonical().is_ipv4() => (given.to_canonical(), bits),
            _ => (given, bits),
        };
        let (address, width) = number(address);
        Ok(Self { address: mask(address, bits, width), bits, width })
    }
}

/// Returns an address as a number, and its length in bits.
fn number(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (address.to_bits().into(), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}

/// Clears all but the first `bits` bits of an address of `width` bits.
fn mask(address: u128, bits: u32, width: u32) -> u128 {
    match width - bits {
        128 => 0,
        rest => address >> rest << rest,
    }
}

/// Parses a record type, such as AAAA, TYPE28 or 28.
pub fn parse_record_type(text: &str) -> Result<u16, FilterError> {
    let known = mnemonic::record_type_number(text).or_else(|| text.parse().ok());
    known.ok_or_else(|| FilterError::RecordType(text.into()))
}

/// Parses a response code, such as NXDOMAIN or 3.
pub fn parse_response_code(text: &str) -> Result<u16, FilterError> {
    let known = mnemonic::response_code_number(text);
    known.ok_or_else(|| FilterError::ResponseCode(text.into()))
}

/// The filters of frames. An empty list selects everything.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Message types.
    pub types: Vec<MessageType>,
    /// Queried names.
    pub names: Vec<WantedName>,
    /// Queried record types.
    pub record_types: Vec<u16>,
    /// Response codes.
    pub response_codes: Vec<u16>,
    /// Addresses of clients.
    pub clients: Vec<AddressPrefix>,
    /// Selects one in `sample` messages; a query and its response are kept or dropped together.
    pub sample: u32,
}

impl Selection {
    /// Returns whether the filters select everything.
    pub fn is_everything(&self) -> bool {
        let Self { types, names, record_types, response_codes, clients, sample } = self;
        types.is_empty()
            && names.is_empty()
            && record_types.is_empty()
            && response_codes.is_empty()
            && clients.is_empty()
            && *sample <= 1
    }

    /// Returns whether the filters select an event. A field that is absent matches no filter.
    pub(crate) fn selects(&self, event: &Event<'_>) -> bool {
        let Some(message) = &event.message else { return self.is_everything() };
        (self.types.is_empty() || self.types.contains(&message.message_type))
            && (self.clients.is_empty() || self.selects_client(message))
            && (self.sample <= 1 || sample::is_chosen(message, self.sample))
            && self.selects_content(message)
    }

    fn selects_client(&self, message: &Message<'_>) -> bool {
        message
            .query_address
            .is_some_and(|address| self.clients.iter().any(|prefix| prefix.contains(address)))
    }

    /// Applies the filters that need the DNS message.
    fn selects_content(&self, message: &Message<'_>) -> bool {
        if self.names.is_empty() && self.record_types.is_empty() && self.response_codes.is_empty() {
            return true;
        }
        let Some(wire) = message.response_message.or(message.query_message) else { return false };
        let Ok(parts) = Parts::find(wire) else { return false };
        if !self.response_codes.is_empty()
            && (message.response_message.is_none()
                || !self.response_codes.contains(&parts.response_code()))
        {
            return false;
        }
        if self.names.is_empty() && self.record_types.is_empty() {
            return true;
        }
        parts.question.is_some_and(|question| {
            (self.record_types.is_empty() || self.record_types.contains(&question.qtype))
                && (self.names.is_empty() || self.selects_name(wire, &question))
        })
    }

    fn selects_name(&self, wire: &[u8], question: &Question) -> bool {
        let mut asked = Vec::with_capacity(64);
        name::canonical(wire, question.name_at, &mut asked).is_ok()
            && self.names.iter().any(|wanted| {
                if wanted.exact {
                    wanted.wire == asked
                } else {
                    name::is_within(&asked, &wanted.wire)
                }
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(prefix: &str, address: &str) -> bool {
        let bytes = match address.parse().unwrap() {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        prefix.parse::<AddressPrefix>().unwrap().contains(&bytes)
    }

    #[test]
    fn prefixes_contain_their_addresses() {
        assert!(contains("192.0.2.0/24", "192.0.2.255"));
        assert!(!contains("192.0.2.0/24", "192.0.3.0"));
        assert!(contains("192.0.2.1", "192.0.2.1"));
        assert!(contains("0.0.0.0/0", "203.0.113.9"));
        assert!(!contains("0.0.0.0/0", "2001:db8::1"));
        assert!(contains("::/0", "2001:db8::1"));
        assert!(contains("2001:db8::/33", "2001:db8:7fff::"));
        assert!(!contains("2001:db8::/33", "2001:db8:8000::"));
        for mapped in ["::ffff:192.0.2.0/120", "::ffff:192.0.2.1", "::ffff:0:0/96"] {
            assert!(contains(mapped, "192.0.2.1"), "{mapped}");
            assert!(!contains(mapped, "2001:db8::1"));
        }
        assert!(!contains("::ffff:192.0.2.0/120", "192.0.3.1"));
        for invalid in ["", "1.2.3", "1.2.3.4/33", "::/129", "1.2.3.4/x"] {
            assert!(invalid.parse::<AddressPrefix>().is_err(), "{invalid}");
        }
    }

    #[test]
    fn values_are_parsed_or_rejected() {
        assert_eq!(parse_record_type("aaaa"), Ok(28));
        assert_eq!(parse_record_type("65"), Ok(65));
        assert!(parse_record_type("no").is_err());
        assert_eq!(parse_response_code("nxdomain"), Ok(3));
        assert!(parse_response_code("no").is_err());
        assert!("a..b".parse::<WantedName>().is_err());
        let hint = |name: &str| name.parse::<WantedName>().unwrap_err().to_string();
        for name in ["*.example", "=*.example", "*", "=*", "a*.example", "www.*", r"\\*.example"] {
            assert!(hint(name).contains(r#""\*.example" the name with"#), "{name}");
        }
        for name in ["", "="] {
            assert!(hint(name).contains(r#""." selects all names"#));
        }
        assert!(hint("b\u{fc}cher.example").contains("xn--bcher-kva"));
        for name in [r"\*.example", r"=\*.example", r"b\195\188cher.example", r"\042", ".", "=."] {
            assert!(name.parse::<WantedName>().is_ok(), "{name}");
        }
    }
}
