// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keys and gateways of hosts.

use printable::bound::TEXT_MAX;
use printable::text::{Discard, TextSink};

use super::address::{ipv4, ipv6};
use crate::record_data::{PrintResult, RecordData};

/// Prints HIP (RFC 8005).
pub(super) fn hip(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    let tag_length = data.u8()?;
    let algorithm = data.u8()?;
    let key_length = data.u16()?;
    out.number(algorithm);
    out.byte(b' ');
    let key_length = if data.is_empty() { 0 } else { key_length };
    out.hex(data.sized(tag_length)?);
    out.byte(b' ');
    out.base64(data.take(key_length.into())?);
    // Limited, because the text of this type can be hundreds of times as long as its data.
    let end = out.position() + TEXT_MAX;
    while !data.is_empty() {
        if out.position() > end {
            data.name(&mut Discard)?;
            continue;
        }
        out.byte(b' ');
        data.name(out)?;
    }
    Ok(())
}

/// Prints IPSECKEY (RFC 4025).
pub(super) fn ipseckey(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    out.number(data.u8()?);
    out.byte(b' ');
    let gateway_type = data.u8()?;
    out.number(gateway_type);
    out.byte(b' ');
    out.number(data.u8()?);
    out.byte(b' ');
    gateway(gateway_type, data, out)?;
    out.byte(b' ');
    out.base64(data.rest());
    Ok(())
}

/// Prints AMTRELAY (RFC 8777).
pub(super) fn amtrelay(data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    out.number(data.u8()?);
    let kind = data.u8()?;
    let (discovery_optional, gateway_type) = (kind >> 7, kind & 0x7f);
    out.byte(b' ');
    out.number(discovery_optional);
    out.byte(b' ');
    out.number(gateway_type);
    out.byte(b' ');
    gateway(gateway_type, data, out)
}

/// Prints the gateway of IPSECKEY or the relay of AMTRELAY.
fn gateway(gateway_type: u8, data: &mut RecordData<'_>, out: &mut impl TextSink) -> PrintResult {
    match gateway_type {
        1 | 2 if data.is_empty() => out.address(&[]),
        1 => ipv4(data, out)?,
        2 => ipv6(data, out)?,
        3 => data.name(out)?,
        _ => out.byte(b'.'),
    }
    Ok(())
}
