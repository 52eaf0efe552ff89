// SPDX-License-Identifier: MIT OR Apache-2.0
//! Parameters of services.

use printable::text::Text;

use crate::record_data::{Data, Done};
use crate::{BadMessageReason, mnemonic};

/// Prints the parameters of SVCB and HTTPS (RFC 9460), each after a space.
pub(super) fn parameters(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    let mut last = None;
    while !data.is_empty() {
        let head = data.take(4)?;
        let key = u16::from_be_bytes([head[0], head[1]]);
        let value = data.take(usize::from(u16::from_be_bytes([head[2], head[3]])))?;
        if last.is_some_and(|last| key <= last) || key == u16::MAX {
            return Err(data.bad(BadMessageReason::ServiceParameter));
        }
        last = Some(key);
        out.byte(b' ');
        service_key(key, out);
        out.str("=\"");
        service_value(key, value, out).ok_or(data.bad(BadMessageReason::ServiceParameter))?;
        out.byte(b'"');
    }
    Ok(())
}

fn service_key(key: u16, out: &mut impl Text) {
    if key != u16::MAX {
        mnemonic::print(mnemonic::service_key(key), "key", key, out);
    }
}

/// The value of a service parameter; `None` if it does not go with its key.
fn service_value(key: u16, value: &[u8], out: &mut impl Text) -> Option<()> {
    let separate = |index: usize, out: &mut _| {
        if index > 0 {
            Text::byte(out, b',')
        }
    };
    match key {
        // mandatory
        0 => {
            let (keys, rest) = value.as_chunks::<2>();
            for (index, key) in keys.iter().enumerate() {
                separate(index, out);
                service_key(u16::from_be_bytes(*key), out);
            }
            rest.is_empty().then_some(())
        }
        // alpn
        1 => {
            let mut rest = value;
            let mut index = 0;
            while let Some((length, behind)) = rest.split_first() {
                let (protocol, behind) = behind.split_at_checked(usize::from(*length))?;
                separate(index, out);
                protocol_text(protocol, out);
                rest = behind;
                index += 1;
            }
            Some(())
        }
        // no-default-alpn
        2 => value.is_empty().then_some(()),
        // port
        3 => {
            out.number(u16::from_be_bytes(value.try_into().ok()?));
            Some(())
        }
        // ipv4hint
        4 => {
            let (addresses, rest) = value.as_chunks::<4>();
            for (index, address) in addresses.iter().enumerate() {
                separate(index, out);
                out.ipv4(*address);
            }
            (rest.is_empty() && !addresses.is_empty()).then_some(())
        }
        // ech
        5 => {
            out.base64(value);
            Some(())
        }
        // ipv6hint
        6 => {
            let (addresses, rest) = value.as_chunks::<16>();
            for (index, address) in addresses.iter().enumerate() {
                separate(index, out);
                out.address(address);
            }
            (rest.is_empty() && !addresses.is_empty()).then_some(())
        }
        // ohttp
        8 => value.is_empty().then_some(()),
        _ => {
            for &byte in value {
                match byte {
                    b'"' | b';' | b' ' | b'\\' => out.bytes(&[b'\\', byte]),
                    b' '..=b'~' => out.byte(byte),
                    _ => out.escaped(byte),
                }
            }
            Some(())
        }
    }
}

/// The name of a protocol in a list, in which comma and backslash are escaped twice.
fn protocol_text(protocol: &[u8], out: &mut impl Text) {
    for &byte in protocol {
        match byte {
            b'"' | b';' | b' ' => out.bytes(&[b'\\', byte]),
            b',' | b'\\' => {
                out.bytes(b"\\\\");
                out.escaped(byte);
            }
            b' '..=b'~' => out.byte(byte),
            _ => out.escaped(byte),
        }
    }
}
