// SPDX-License-Identifier: MIT OR Apache-2.0
//! Service parameters.

use printable::text::TextSink;

use crate::record_data::{PrintResult, RecordData};
use crate::{BadMessageReason, mnemonic};

/// Prints the parameters of SVCB and HTTPS (RFC 9460), each preceded by a space.
pub(super) fn parameters(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    let mut last = None;
    while !data.is_empty() {
        let [key_high, key_low, length_high, length_low] = data.array()?;
        let key = u16::from_be_bytes([key_high, key_low]);
        let value = data.take(u16::from_be_bytes([length_high, length_low]).into())?;
        if last.is_some_and(|last| key <= last) || key == u16::MAX {
            return Err(data.error(BadMessageReason::ServiceParameter));
        }
        last = Some(key);
        out.byte(b' ');
        service_key(key, out);
        out.str("=\"");
        service_value(key, value, out).ok_or(data.error(BadMessageReason::ServiceParameter))?;
        out.byte(b'"');
    }
    Ok(())
}

fn service_key(key: u16, out: &mut impl TextSink) {
    if key != u16::MAX {
        mnemonic::print(mnemonic::service_key(key), "key", key, out);
    }
}

/// Prints the value of a service parameter. Returns `None` if it is invalid for the key.
fn service_value(key: u16, value: &[u8], out: &mut impl TextSink) -> Option<()> {
    let separate = |index: usize, out: &mut _| {
        if index > 0 {
            TextSink::byte(out, b',')
        }
    };
    match key {
        // mandatory
        0 => {
            let keys = value.chunks_exact(2);
            let is_whole = keys.remainder().is_empty();
            for (index, key) in keys.enumerate() {
                separate(index, out);
                service_key(u16::from_be_bytes([key[0], key[1]]), out);
            }
            is_whole.then_some(())
        }
        // alpn
        1 => {
            let mut rest = value;
            let mut index = 0;
            while let Some((length, after)) = rest.split_first() {
                let (protocol, after) = after.split_at_checked(usize::from(*length))?;
                separate(index, out);
                protocol_text(protocol, out);
                rest = after;
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
        // ipv4hint, ipv6hint
        4 | 6 => {
            let addresses = value.chunks_exact(if key == 4 { 4 } else { 16 });
            let is_whole = addresses.remainder().is_empty() && !value.is_empty();
            for (index, address) in addresses.enumerate() {
                separate(index, out);
                out.address(address);
            }
            is_whole.then_some(())
        }
        // ech
        5 => {
            out.base64(value);
            Some(())
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

/// Prints the name of a protocol in a list, where commas and backslashes are escaped twice.
fn protocol_text(protocol: &[u8], out: &mut impl TextSink) {
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
