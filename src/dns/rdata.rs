// SPDX-License-Identifier: MIT OR Apache-2.0
//! The data of records in presentation format, field by field as the types define them.

use printable::bound::TEXT_MAX;
use printable::civil_time::date_time_digits;
use printable::text::{Nothing, Text};

use crate::edns::text as edns_text;
use crate::record::Record;
use crate::record_data::{Data, Done};
use crate::{BadMessageReason, mnemonic, name};

/// Prints the bytes of a character string, without the quotation marks.
pub(crate) fn string_text(bytes: &[u8], out: &mut impl Text) {
    let plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if bytes.iter().all(plain) {
        return out.plain(bytes);
    }
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => out.bytes(&[b'\\', byte]),
            b' '..=b'~' => out.byte(byte),
            _ => out.escaped(byte),
        }
    }
}

fn quoted(bytes: &[u8], out: &mut impl Text) {
    out.byte(b'"');
    string_text(bytes, out);
    out.byte(b'"');
}

/// Prints the name of a record type.
pub fn type_text(rtype: u16, out: &mut impl Text) {
    match mnemonic::record_type(rtype) {
        Some(name) => out.plain(name.as_bytes()),
        None => generic(b"TYPE", rtype, out),
    }
}

/// Prints the name of a class.
pub fn class_text(class: u16, out: &mut impl Text) {
    match mnemonic::class(class) {
        Some(name) => out.plain(name.as_bytes()),
        None => generic(b"CLASS", class, out),
    }
}

/// Prints the name of a record type that IANA has assigned.
pub fn assigned_type_text(rtype: u16, out: &mut impl Text) {
    match mnemonic::assigned_record_type(rtype) {
        Some(name) => out.plain(name.as_bytes()),
        None => generic(b"TYPE", rtype, out),
    }
}

/// Prints the name of a class that IANA has assigned.
pub fn assigned_class_text(class: u16, out: &mut impl Text) {
    match class {
        // To golang's tool it would look like a type.
        255 => out.str("ANY"),
        assigned => class_text(assigned, out),
    }
}

fn generic(word: &[u8], number: u16, out: &mut impl Text) {
    out.bytes(word);
    out.number(number);
}

fn named(name: Option<&str>, number: impl Into<u64>, out: &mut impl Text) {
    match name {
        Some(name) => out.plain(name.as_bytes()),
        None => out.number(number),
    }
}

/// Prints one line of `record`: name, time to live, class, type, data.
pub fn print(wire: &[u8], record: &Record, out: &mut impl Text) -> Done {
    let mut data = Data::new(wire, record);
    match record.rtype {
        crate::record::OPT => {
            edns_text::print(&mut data, record, out)?;
            return finish(&data);
        }
        // No master file has these: they are comments.
        NULL | TKEY => out.byte(b';'),
        TSIG => out.str("\n;; TSIG PSEUDOSECTION:\n; "),
        _ => (),
    }
    name::print(wire, record.name_at, out)?;
    out.byte(b'\t');
    out.number(record.ttl);
    out.byte(b'\t');
    if is_known(record.rtype) {
        class_text(record.class, out);
        out.byte(b'\t');
        type_text(record.rtype, out);
        out.byte(b'\t');
        fields(record.rtype, &mut data, out)?;
        finish(&data)
    } else if mnemonic::is_newer(record.rtype) {
        class_text(record.class, out);
        out.byte(b'\t');
        type_text(record.rtype, out);
        out.byte(b'\t');
        unknown(data.rest(), out);
        Ok(())
    } else {
        generic(b"CLASS", record.class, out);
        out.byte(b'\t');
        generic(b"TYPE", record.rtype, out);
        out.byte(b'\t');
        unknown(data.rest(), out);
        Ok(())
    }
}

/// Prints the data of `record` alone.
pub fn data(wire: &[u8], record: &Record, out: &mut impl Text) -> Done {
    let mut data = Data::new(wire, record);
    if is_known(record.rtype) {
        fields(record.rtype, &mut data, out)?;
        finish(&data)
    } else {
        unknown(data.rest(), out);
        Ok(())
    }
}

fn finish(data: &Data<'_>) -> Done {
    if data.is_empty() { Ok(()) } else { Err(data.bad(BadMessageReason::LongData)) }
}

/// Prints data of no known format (RFC 3597, section 5).
fn unknown(bytes: &[u8], out: &mut impl Text) {
    out.str("\\# ");
    out.number(bytes.len() as u64);
    out.byte(b' ');
    out.hex(bytes);
}

/// The address of a host, of IPv4.
pub const A: u16 = 1;
/// Anything (RFC 1035, section 3.3.10).
pub const NULL: u16 = 10;
/// The address of a host, of IPv6.
pub const AAAA: u16 = 28;
const NID: u16 = 104;
const L32: u16 = 105;
const L64: u16 = 106;
const EUI48: u16 = 108;
const EUI64: u16 = 109;
const TKEY: u16 = 249;
/// Signature of a transaction (RFC 8945).
pub const TSIG: u16 = 250;
const NXNAME: u16 = 128;
const ANY: u16 = 255;

/// Returns whether the format of the type's data is known.
pub(crate) fn is_known(rtype: u16) -> bool {
    matches!(rtype, 1..=10 | 12..=21 | 23..=29 | 31..=33 | 35..=37 | 39 | 42..=53)
        || matches!(rtype, 55..=65 | 99..=102 | 104..=109 | 128 | 249 | 250 | 255..=258)
        || matches!(rtype, 260 | 261 | 32768 | 32769)
}

/// Prints the data of a record whose type is known.
fn fields<T: Text>(rtype: u16, data: &mut Data<'_>, out: &mut T) -> Done {
    match rtype {
        A => {
            if !data.is_empty() {
                out.address(data.take(4)?);
            }
        }
        AAAA => {
            if !data.is_empty() {
                out.address(data.take(16)?);
            }
        }
        // NS MD MF CNAME MB MG MR PTR NSAP-PTR DNAME
        2..=5 | 7..=9 | 12 | 23 | 39 => data.name(out)?,
        6 => start_of_authority(data, out)?,
        NULL => unknown(data.rest(), out),
        // MINFO RP TALINK
        14 | 17 | 58 => {
            data.name(out)?;
            out.byte(b' ');
            data.name(out)?;
        }
        // MX AFSDB RT KX LP
        15 | 18 | 21 | 36 | 107 => {
            out.number(data.u16()?);
            out.byte(b' ');
            data.name(out)?;
        }
        // TXT NINFO SPF AVC RESINFO
        16 | 56 | 99 | 258 | 261 => {
            let mut first = true;
            while !data.is_empty() {
                if !first {
                    out.byte(b' ');
                }
                first = false;
                quoted(data.string()?, out);
            }
        }
        // HINFO ISDN
        13 | 20 => {
            quoted(data.string()?, out);
            out.byte(b' ');
            quoted(data.string()?, out);
        }
        // X25
        19 => string_text(data.string()?, out),
        // UINFO
        100 => quoted(data.string()?, out),
        // SIG RRSIG
        24 | 46 => signature(data, out)?,
        // KEY DNSKEY RKEY CDNSKEY
        25 | 48 | 57 | 60 => {
            out.number(data.u16()?);
            out.byte(b' ');
            out.number(data.u8()?);
            out.byte(b' ');
            out.number(data.u8()?);
            out.byte(b' ');
            out.base64(data.rest());
        }
        // PX
        26 => {
            out.number(data.u16()?);
            out.byte(b' ');
            data.name(out)?;
            out.byte(b' ');
            data.name(out)?;
        }
        // GPOS
        27 => {
            string_text(data.string()?, out);
            out.byte(b' ');
            string_text(data.string()?, out);
            out.byte(b' ');
            string_text(data.string()?, out);
        }
        29 => location(data, out)?,
        // EID NIMLOC
        31 | 32 => out.upper_hex(data.rest()),
        // SRV
        33 => {
            for _ in 0..3 {
                out.number(data.u16()?);
                out.byte(b' ');
            }
            data.name(out)?;
        }
        35 => naming_authority(data, out)?,
        37 => certificate(data, out)?,
        42 => prefixes(data, out)?,
        // DS CDS TA DLV
        43 | 59 | 32768 | 32769 => {
            out.number(data.u16()?);
            out.byte(b' ');
            out.number(data.u8()?);
            out.byte(b' ');
            out.number(data.u8()?);
            out.byte(b' ');
            out.upper_hex(data.rest());
        }
        // SSHFP
        44 => {
            out.number(data.u8()?);
            out.byte(b' ');
            out.number(data.u8()?);
            out.byte(b' ');
            out.upper_hex(data.rest());
        }
        // NSEC
        47 => {
            data.name(out)?;
            bitmap(data, out)?;
        }
        // DHCID OPENPGPKEY
        49 | 61 => out.base64(data.rest()),
        50 => {
            hash_parameters(data, out)?;
            out.byte(b' ');
            let length = data.u8()?;
            out.base32hex(data.sized(length)?);
            bitmap(data, out)?;
        }
        51 => hash_parameters(data, out)?,
        // TLSA
        52 => {
            association(data, out)?;
            out.hex(data.rest());
        }
        // SMIMEA: in pieces of 1024 digits.
        53 => {
            association(data, out)?;
            let bytes = data.rest();
            for piece in bytes.chunks(512) {
                out.hex(piece);
                if piece.len() == 512 {
                    out.byte(b' ');
                }
            }
        }
        55 => host_identity(data, out)?,
        // CSYNC
        62 => {
            out.number(data.u32()?);
            out.byte(b' ');
            out.number(data.u16()?);
            bitmap(data, out)?;
        }
        // ZONEMD
        63 => {
            out.number(data.u32()?);
            out.byte(b' ');
            out.number(data.u8()?);
            out.byte(b' ');
            out.number(data.u8()?);
            out.byte(b' ');
            out.hex(data.rest());
        }
        // SVCB HTTPS
        64 | 65 => service_binding(data, out)?,
        // UID GID
        101 | 102 => out.number(data.u32()?),
        NID => {
            out.number(data.u16()?);
            out.byte(b' ');
            groups::<2>(data.integer(8)?, b':', false, out);
        }
        L32 => {
            out.number(data.u16()?);
            if !data.is_empty() {
                out.byte(b' ');
                out.address(data.take(4)?);
            }
        }
        L64 => {
            out.number(data.u16()?);
            out.byte(b' ');
            groups::<2>(data.integer(8)?, b':', true, out);
        }
        EUI48 => groups_of(&data.integer(6)?.to_be_bytes()[2..], 1, b'-', false, out),
        EUI64 => groups::<1>(data.integer(8)?, b'-', false, out),
        TKEY => transaction_key(data, out)?,
        TSIG => transaction_signature(data, out)?,
        // IPSECKEY
        45 => ipsec_key(data, out)?,
        NXNAME | ANY => (),
        // AMTRELAY
        260 => relay(data, out)?,
        // URI
        256 => {
            out.number(data.u16()?);
            out.byte(b' ');
            out.number(data.u16()?);
            out.byte(b' ');
            quoted(data.rest(), out);
        }
        // CAA
        257 => {
            out.number(data.u8()?);
            out.byte(b' ');
            string_text(data.string()?, out);
            out.byte(b' ');
            quoted(data.rest(), out);
        }
        _ => unknown(data.rest(), out),
    }
    Ok(())
}

fn start_of_authority(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    data.name(out)?;
    out.byte(b' ');
    data.name(out)?;
    for _ in 0..5 {
        out.byte(b' ');
        out.number(data.u32()?);
    }
    Ok(())
}

/// SIG and RRSIG (RFC 4034, section 3.2).
fn signature(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    type_text(data.u16()?, out);
    out.byte(b' ');
    out.number(data.u8()?);
    out.byte(b' ');
    out.number(data.u8()?);
    out.byte(b' ');
    out.number(data.u32()?);
    for _ in 0..2 {
        out.byte(b' ');
        date_time_digits(data.u32()?.into(), out);
    }
    out.byte(b' ');
    out.number(data.u16()?);
    out.byte(b' ');
    data.name(out)?;
    out.byte(b' ');
    out.base64(data.rest());
    Ok(())
}

/// LOC (RFC 1876).
fn location(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    const ZERO: u32 = 1 << 31;
    let _version = data.u8()?;
    let sizes = [data.u8()?, data.u8()?, data.u8()?];
    for [beyond, before] in [*b"NS", *b"EW"] {
        let value = data.u32()?;
        let (direction, angle) =
            if value > ZERO { (beyond, value - ZERO) } else { (before, ZERO - value) };
        let milliseconds = angle % 60_000;
        out.padded(angle / 3_600_000, 2);
        out.byte(b' ');
        out.padded(angle / 60_000 % 60, 2);
        out.byte(b' ');
        out.number(milliseconds / 1000);
        out.byte(b'.');
        out.padded(milliseconds % 1000, 3);
        out.bytes(&[b' ', direction, b' ']);
    }
    let centimetres = i64::from(data.u32()?) - 10_000_000;
    if centimetres < 0 {
        out.byte(b'-');
    }
    out.number(centimetres.unsigned_abs() / 100);
    if centimetres % 100 != 0 {
        out.byte(b'.');
        out.padded(centimetres.unsigned_abs() % 100, 2);
    }
    out.byte(b'm');
    for size in sizes {
        let (digit, exponent) = (size >> 4, size & 0xf);
        out.byte(b' ');
        match exponent {
            0 | 1 => {
                out.str("0.");
                out.padded(if exponent == 1 { digit * 10 } else { digit }, 2);
            }
            _ => {
                out.number(digit);
                for _ in 2..exponent {
                    out.byte(b'0');
                }
            }
        }
        out.byte(b'm');
    }
    Ok(())
}

/// NAPTR (RFC 3403).
fn naming_authority(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    out.number(data.u16()?);
    out.byte(b' ');
    out.number(data.u16()?);
    for _ in 0..3 {
        out.byte(b' ');
        quoted(data.string()?, out);
    }
    out.byte(b' ');
    data.name(out)
}

/// CERT (RFC 4398).
fn certificate(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    let kind = data.u16()?;
    named(mnemonic::certificate(kind), kind, out);
    out.byte(b' ');
    out.number(data.u16()?);
    out.byte(b' ');
    let algorithm = data.u8()?;
    named(mnemonic::algorithm(algorithm), algorithm, out);
    out.byte(b' ');
    out.base64(data.rest());
    Ok(())
}

/// APL (RFC 3123).
fn prefixes(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    let mut first = true;
    while !data.is_empty() {
        let fixed = data.take(4)?;
        let (prefix, negated, length) = (fixed[2], fixed[3] & 0x80 != 0, fixed[3] & 0x7f);
        let (family, size) = match fixed[..2] {
            [0, 1] => (b'1', 4),
            [0, 2] => (b'2', 16),
            _ => return Err(data.bad(BadMessageReason::AddressPrefix)),
        };
        let given = data.take(length.into())?;
        if usize::from(prefix) > 8 * size || given.len() > size || given.last() == Some(&0) {
            return Err(data.bad(BadMessageReason::AddressPrefix));
        }
        let mut address = [0; 16];
        address[..given.len()].copy_from_slice(given);
        if !first {
            out.byte(b' ');
        }
        first = false;
        if negated {
            out.byte(b'!');
        }
        out.bytes(&[family, b':']);
        out.address(&address[..size]);
        out.byte(b'/');
        out.number(prefix);
    }
    Ok(())
}

/// Prints the common first fields of NSEC3 and NSEC3PARAM (RFC 5155).
fn hash_parameters(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    out.number(data.u8()?);
    out.byte(b' ');
    out.number(data.u8()?);
    out.byte(b' ');
    out.number(data.u16()?);
    out.byte(b' ');
    let length = data.u8()?;
    let salt = data.sized(length)?;
    if salt.is_empty() {
        out.byte(b'-')
    } else {
        out.upper_hex(salt)
    }
    Ok(())
}

/// Prints the types of a bitmap (RFC 4034, section 4.1.2), each after a space.
fn bitmap(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    let mut last = None;
    while !data.is_empty() {
        let head = data.take(2)?;
        let (window, length) = (head[0], head[1]);
        if last.is_some_and(|last| window <= last) || !(1..=32).contains(&length) {
            return Err(data.bad(BadMessageReason::Bitmap));
        }
        last = Some(window);
        for (index, byte) in data.take(length.into())?.iter().enumerate() {
            for bit in (0..8).filter(|bit| byte & 0x80 >> bit != 0) {
                out.byte(b' ');
                type_text(u16::from(window) << 8 | (8 * index + bit) as u16, out);
            }
        }
    }
    Ok(())
}

/// Prints the common first fields of TLSA and SMIMEA (RFC 6698).
fn association(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    for _ in 0..3 {
        out.number(data.u8()?);
        out.byte(b' ');
    }
    Ok(())
}

/// HIP (RFC 8005).
fn host_identity(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    let tag_length = data.u8()?;
    let algorithm = data.u8()?;
    let key_length = data.u16()?;
    out.number(algorithm);
    out.byte(b' ');
    let key_length = if data.is_empty() { 0 } else { key_length };
    out.hex(data.sized(tag_length)?);
    out.byte(b' ');
    out.base64(data.take(key_length.into())?);
    // The text of any other type is no longer than a few names and some bytes for each byte of data.
    let end = out.position() + TEXT_MAX;
    while !data.is_empty() {
        if out.position() > end {
            data.name(&mut Nothing)?;
            continue;
        }
        out.byte(b' ');
        data.name(out)?;
    }
    Ok(())
}

/// SVCB and HTTPS (RFC 9460).
fn service_binding(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    out.number(data.u16()?);
    out.byte(b' ');
    data.name(out)?;
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
    match mnemonic::service_key(key) {
        Some(name) => out.plain(name.as_bytes()),
        None if key == u16::MAX => (),
        None => generic(b"key", key, out),
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

/// IPSECKEY (RFC 4025).
fn ipsec_key(data: &mut Data<'_>, out: &mut impl Text) -> Done {
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

/// AMTRELAY (RFC 8777).
fn relay(data: &mut Data<'_>, out: &mut impl Text) -> Done {
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

/// The gateway of IPSECKEY and the relay of AMTRELAY.
fn gateway(gateway_type: u8, data: &mut Data<'_>, out: &mut impl Text) -> Done {
    match gateway_type {
        1 | 2 if data.is_empty() => out.address(&[]),
        1 => out.address(data.take(4)?),
        2 => out.address(data.take(16)?),
        3 => data.name(out)?,
        _ => out.byte(b'.'),
    }
    Ok(())
}

/// TKEY (RFC 2930).
fn transaction_key(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    out.byte(b' ');
    data.name(out)?;
    for _ in 0..2 {
        out.byte(b' ');
        date_time_digits(data.u32()?.into(), out);
    }
    for _ in 0..2 {
        out.byte(b' ');
        out.number(data.u16()?);
    }
    for _ in 0..2 {
        let length = data.u16()?;
        out.byte(b' ');
        out.number(length);
        out.byte(b' ');
        out.hex(data.sized(length)?);
    }
    Ok(())
}

/// TSIG (RFC 8945).
fn transaction_signature(data: &mut Data<'_>, out: &mut impl Text) -> Done {
    out.byte(b' ');
    data.name(out)?;
    out.byte(b' ');
    date_time_digits(data.integer(6)?, out);
    out.byte(b' ');
    out.number(data.u16()?);
    let length = data.u16()?;
    out.byte(b' ');
    out.number(length);
    out.byte(b' ');
    out.upper_hex(data.sized(length)?);
    for _ in 0..2 {
        out.byte(b' ');
        out.number(data.u16()?);
    }
    let length = data.u16()?;
    out.byte(b' ');
    out.number(length);
    out.byte(b' ');
    out.hex(data.sized(length)?);
    Ok(())
}

/// Prints 8 bytes in groups of `SIZE` bytes.
fn groups<const SIZE: usize>(value: u64, between: u8, upper: bool, out: &mut impl Text) {
    groups_of(&value.to_be_bytes(), SIZE, between, upper, out);
}

fn groups_of(bytes: &[u8], size: usize, between: u8, upper: bool, out: &mut impl Text) {
    for (index, group) in bytes.chunks(size).enumerate() {
        if index > 0 {
            out.byte(between);
        }
        if upper { out.upper_hex(group) } else { out.hex(group) }
    }
}
