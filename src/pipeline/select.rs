// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which messages are wanted. Options of different kinds must all agree, of one kind one does.

use std::net::IpAddr;
use std::str::FromStr;

use dns::section::{Parts, Question};
use dns::{mnemonic, name};
use dnstap::schema::MessageType;
use dnstap::{Event, Message, sample};

use super::address::{IPV4_MAPPED, MAPPED_BITS};

/// A wanted name: one, or a whole domain.
#[derive(Clone, Debug)]
pub struct WantedName {
    wire: Vec<u8>,
    alone: bool,
}

impl FromStr for WantedName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (alone, name) = match text.strip_prefix('=') {
            Some(name) => (true, name),
            None => (false, text),
        };
        let wrong = |why: &str| Err(format!("\"{name}\" is no domain name{why}"));
        if name.is_empty() {
            return wrong(": it is empty, and \".\" selects all names");
        }
        if has_wildcard(name) {
            return wrong(
                ": there are no wildcards. \"example\" selects all names below example too, and \
                 \"\\*.example\" those that have an asterisk there",
            );
        }
        if !name.is_ascii() {
            return wrong(
                " of a DNS message: write its labels as they are there, such as \
                 \"xn--bcher-kva\", or their bytes as numbers, such as \"b\\195\\188cher\"",
            );
        }
        let Some(wire) = name::parse(name) else { return wrong("") };
        Ok(Self { wire, alone })
    }
}

/// Returns whether there is an asterisk that is not escaped.
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

/// Addresses that begin with the same bits. IPv4 addresses within IPv6 ones are IPv4 addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    address: u128,
    bits: u32,
    width: u32,
}

impl Prefix {
    fn holds(&self, bytes: &[u8]) -> bool {
        let Some((address, width)) = number(bytes) else { return false };
        width == self.width && mask(address, self.bits, width) == self.address
    }
}

impl FromStr for Prefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is no address or prefix, such as 192.0.2.0/24");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let bytes = match address.parse().map_err(|_| wrong())? {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        let (address, width) = number(&bytes).ok_or_else(wrong)?;
        let bits = bits.unwrap_or(width);
        if bits > width {
            return Err(wrong());
        }
        let mapped_bits = u32::from(MAPPED_BITS);
        if bytes.starts_with(&IPV4_MAPPED) && bits >= mapped_bits {
            let (bits, width) = (bits - mapped_bits, width - mapped_bits);
            let address = address & u128::from(u32::MAX);
            return Ok(Self { address: mask(address, bits, width), bits, width });
        }
        Ok(Self { address: mask(address, bits, width), bits, width })
    }
}

/// An address as a number, and how many bits it has.
fn number(bytes: &[u8]) -> Option<(u128, u32)> {
    matches!(bytes.len(), 4 | 16).then(|| {
        let number = bytes.iter().fold(0, |number, byte| number << 8 | u128::from(*byte));
        (number, bytes.len() as u32 * 8)
    })
}

/// The first `bits` of `width` bits, the others zero.
fn mask(address: u128, bits: u32, width: u32) -> u128 {
    match width - bits {
        128 => 0,
        rest => address >> rest << rest,
    }
}

/// The record type that a name such as AAAA, TYPE28 or 28 stands for.
pub fn record_type(text: &str) -> Result<u16, String> {
    let known = mnemonic::record_type_number(text).or_else(|| text.parse().ok());
    known.ok_or_else(|| format!("\"{text}\" is no record type, such as AAAA or TYPE65"))
}

/// The response code that a name such as NXDOMAIN or a number stands for.
pub fn response_code(text: &str) -> Result<u16, String> {
    let known = mnemonic::response_code_number(text);
    known.ok_or_else(|| format!("\"{text}\" is no response code, such as NXDOMAIN or 3"))
}

/// The filters of frames. By default, all pass.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Message types.
    pub types: Vec<MessageType>,
    /// Names asked for.
    pub names: Vec<WantedName>,
    /// Types asked for.
    pub record_types: Vec<u16>,
    /// Codes of responses.
    pub response_codes: Vec<u16>,
    /// Addresses of initiators.
    pub clients: Vec<Prefix>,
    /// One in so many, a query and its response together.
    pub sample: u32,
}

impl Selection {
    /// Returns whether everything is wanted.
    pub fn is_everything(&self) -> bool {
        let Self { types, names, record_types, response_codes, clients, sample } = self;
        types.is_empty()
            && names.is_empty()
            && record_types.is_empty()
            && response_codes.is_empty()
            && clients.is_empty()
            && *sample <= 1
    }

    /// Returns whether the event is wanted. What is not said about it is not what was asked for.
    pub fn wants(&self, event: &Event<'_>) -> bool {
        let Some(message) = &event.message else { return self.is_everything() };
        (self.types.is_empty() || self.types.contains(&message.message_type))
            && (self.clients.is_empty() || self.wants_client(message))
            && (self.sample <= 1 || sample::is_chosen(message, self.sample))
            && self.wants_content(message)
    }

    fn wants_client(&self, message: &Message<'_>) -> bool {
        message
            .query_address
            .is_some_and(|address| self.clients.iter().any(|prefix| prefix.holds(address)))
    }

    /// Looks into the DNS message, if that is necessary.
    fn wants_content(&self, message: &Message<'_>) -> bool {
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
                && (self.names.is_empty() || self.wants_name(wire, &question))
        })
    }

    fn wants_name(&self, wire: &[u8], question: &Question) -> bool {
        let mut asked = Vec::with_capacity(64);
        name::canonical(wire, question.name_at, &mut asked).is_ok()
            && self.names.iter().any(|wanted| {
                if wanted.alone {
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

    fn holds(prefix: &str, address: &str) -> bool {
        let bytes = match address.parse().unwrap() {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        prefix.parse::<Prefix>().unwrap().holds(&bytes)
    }

    #[test]
    fn prefixes_hold_their_addresses() {
        assert!(holds("192.0.2.0/24", "192.0.2.255"));
        assert!(!holds("192.0.2.0/24", "192.0.3.0"));
        assert!(holds("192.0.2.1", "192.0.2.1"));
        assert!(holds("0.0.0.0/0", "203.0.113.9"));
        assert!(!holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("::/0", "2001:db8::1"));
        assert!(holds("2001:db8::/33", "2001:db8:7fff::"));
        assert!(!holds("2001:db8::/33", "2001:db8:8000::"));
        for mapped in ["::ffff:192.0.2.0/120", "::ffff:192.0.2.1", "::ffff:0:0/96"] {
            assert!(holds(mapped, "192.0.2.1"), "{mapped}");
            assert!(!holds(mapped, "2001:db8::1"));
        }
        assert!(!holds("::ffff:192.0.2.0/120", "192.0.3.1"));
        for wrong in ["", "1.2.3", "1.2.3.4/33", "::/129", "1.2.3.4/x"] {
            assert!(wrong.parse::<Prefix>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn words_are_understood_or_refused() {
        assert_eq!(record_type("aaaa"), Ok(28));
        assert_eq!(record_type("65"), Ok(65));
        assert!(record_type("no").is_err());
        assert_eq!(response_code("nxdomain"), Ok(3));
        assert!(response_code("no").is_err());
        assert!("a..b".parse::<WantedName>().is_err());
        let hint = |name: &str| name.parse::<WantedName>().unwrap_err();
        for name in ["*.example", "=*.example", "*", "=*", "a*.example", "www.*", r"\\*.example"] {
            assert!(hint(name).contains(r#""\*.example" those that have an asterisk"#), "{name}");
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
