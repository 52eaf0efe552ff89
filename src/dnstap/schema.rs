// SPDX-License-Identifier: MIT OR Apache-2.0
//! The schema, described once: the enumerations and messages of `proto/dnstap.proto`.
//!
//! Everything that depends on single values or fields is generated from the two tables here, or
//! checked against them: the types, the keys on the wire, the encoder and decoder, the owned types,
//! the names that programs print, the enumerations of the C header.

mod enumerations;
pub(crate) mod fields;

pub use enumerations::{
    ENUMERATIONS, EnumDescription, EnumValue, EventType, Hop, HttpProtocol, MessageType,
    PolicyAction, PolicyMatch, SocketFamily, SocketProtocol,
};
pub use fields::Field;

/// Returns whether each number is greater than the one before.
pub(crate) const fn is_ascending(numbers: &[u32]) -> bool {
    let mut index = 1;
    while index < numbers.len() {
        if numbers[index] <= numbers[index - 1] {
            return false;
        }
        index += 1;
    }
    true
}
