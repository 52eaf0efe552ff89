// SPDX-License-Identifier: MIT OR Apache-2.0
//! The formats of record data by type. Add new types here.

use printable::text::TextSink;

use super::address::{apl, eui48, eui64, ipv4, ipv6, l32, locator64, node_id};
use super::dnssec::{next_hash, salt, types};
use super::field::{
    algorithm, base64, certificate_type, hex, hex_pieces, long_time, name, nothing, quoted,
    quoted_rest, record_type, sized_hex, sized_upper_hex, string, strings, time, u8, u16, u32,
    unknown, upper_hex,
};
use super::host::{amtrelay, hip, ipseckey};
use super::location::loc;
use super::service::parameters;
use crate::record_data::{PrintResult, RecordData};

/// A function that prints the data of records of one type.
pub(super) type Printer<T> = fn(&mut RecordData<'_>, &mut T) -> PrintResult;

/// Defines a printer of fields, separated by spaces. A list after a semicolon prints its own spaces.
macro_rules! fields {
    ($first:ident $(, $rest:ident)* $(; $list:ident)?) => {
        |data, out| {
            $first(data, out)?;
            $(
                out.byte(b' ');
                $rest(data, out)?;
            )*
            $($list(data, out)?;)?
            Ok(())
        }
    };
}

/// Returns the printer of a type, if its format is known. The names of types are in
/// [`mnemonic`](crate::mnemonic).
#[inline]
pub(super) fn printer<T: TextSink>(rtype: u16) -> Option<Printer<T>> {
    let printer: Printer<T> = match rtype {
        // A
        1 => ipv4,
        // NS MD MF CNAME MB MG MR PTR NSAP-PTR DNAME
        2..=5 | 7..=9 | 12 | 23 | 39 => name,
        // SOA
        6 => fields!(name, name, u32, u32, u32, u32, u32),
        // NULL
        10 => unknown,
        // HINFO ISDN
        13 | 20 => fields!(quoted, quoted),
        // MINFO RP TALINK
        14 | 17 | 58 => fields!(name, name),
        // MX AFSDB RT KX LP
        15 | 18 | 21 | 36 | 107 => fields!(u16, name),
        // TXT NINFO SPF AVC RESINFO
        16 | 56 | 99 | 258 | 261 => strings,
        // X25
        19 => string,
        // SIG RRSIG
        24 | 46 => fields!(record_type, u8, u8, u32, time, time, u16, name, base64),
        // KEY DNSKEY RKEY CDNSKEY
        25 | 48 | 57 | 60 => fields!(u16, u8, u8, base64),
        // PX
        26 => fields!(u16, name, name),
        // GPOS
        27 => fields!(string, string, string),
        // AAAA
        28 => ipv6,
        // LOC
        29 => loc,
        // EID NIMLOC
        31 | 32 => upper_hex,
        // SRV
        33 => fields!(u16, u16, u16, name),
        // NAPTR
        35 => fields!(u16, u16, quoted, quoted, quoted, name),
        // CERT
        37 => fields!(certificate_type, u16, algorithm, base64),
        // APL
        42 => apl,
        // DS CDS TA DLV
        43 | 59 | 32768 | 32769 => fields!(u16, u8, u8, upper_hex),
        // SSHFP
        44 => fields!(u8, u8, upper_hex),
        // IPSECKEY
        45 => ipseckey,
        // NSEC
        47 => fields!(name; types),
        // DHCID OPENPGPKEY
        49 | 61 => base64,
        // NSEC3
        50 => fields!(u8, u8, u16, salt, next_hash; types),
        // NSEC3PARAM
        51 => fields!(u8, u8, u16, salt),
        // TLSA
        52 => fields!(u8, u8, u8, hex),
        // SMIMEA
        53 => fields!(u8, u8, u8, hex_pieces),
        // HIP
        55 => hip,
        // CSYNC
        62 => fields!(u32, u16; types),
        // ZONEMD
        63 => fields!(u32, u8, u8, hex),
        // SVCB HTTPS
        64 | 65 => fields!(u16, name; parameters),
        // UINFO
        100 => quoted,
        // UID GID
        101 | 102 => u32,
        // NID
        104 => fields!(u16, node_id),
        105 => l32,
        // L64
        106 => fields!(u16, locator64),
        108 => eui48,
        109 => eui64,
        // NXNAME ANY
        128 | 255 => nothing,
        // TKEY
        249 => fields!(nothing, name, time, time, u16, u16, sized_hex, sized_hex),
        // TSIG
        250 => fields!(nothing, name, long_time, u16, sized_upper_hex, u16, u16, sized_hex),
        // URI
        256 => fields!(u16, u16, quoted_rest),
        // CAA
        257 => fields!(u8, string, quoted_rest),
        260 => amtrelay,
        _ => return None,
    };
    Some(printer)
}

#[cfg(test)]
mod tests {
    use printable::text::Discard;

    use super::printer;
    use crate::mnemonic;

    #[test]
    fn types_with_a_format_have_a_name() {
        for rtype in 0..=u16::MAX {
            let is_named = mnemonic::assigned_record_type_name(rtype).is_some();
            assert!(is_named || printer::<Discard>(rtype).is_none(), "{rtype}");
        }
    }
}
