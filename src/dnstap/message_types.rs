// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sets of message types, and their names in options and configuration files.

use std::str::FromStr;

use thiserror::Error;

use crate::schema::MessageType;

/// A word that is not the name of a message type.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("\"{0}\" is not a message type, such as CQ or CLIENT_QUERY")]
pub struct UnknownMessageType(
    /// The word.
    pub String,
);

impl FromStr for MessageType {
    type Err = UnknownMessageType;

    /// Returns the type with this name or mnemonic, in upper or lower case.
    fn from_str(word: &str) -> Result<Self, UnknownMessageType> {
        let is_named = |known: &Self| {
            let names = [known.name(), known.mnemonic()];
            names.into_iter().flatten().any(|name| name.eq_ignore_ascii_case(word))
        };
        let found = Self::ALL.iter().copied().find(is_named);
        found.ok_or_else(|| UnknownMessageType(word.into()))
    }
}

/// Returns whether a set, bit `1 << type` each, contains a message type.
#[inline(always)]
pub(crate) const fn contains(set: u32, message_type: MessageType) -> bool {
    message_type.0 < u32::BITS && set >> message_type.0 & 1 != 0
}

/// Returns whether a character separates the words of a list.
pub fn is_separator(byte: u8) -> bool {
    byte == b',' || byte.is_ascii_whitespace()
}

/// Returns the set of the types in a list, bit `1 << type` each. The words are separated by commas,
/// spaces or both; "all" stands for all bits, including those of future types.
pub fn parse(list: &str) -> Result<u32, UnknownMessageType> {
    let words = list.split(|c: char| u8::try_from(c).is_ok_and(is_separator));
    words.filter(|word| !word.is_empty()).try_fold(0, |set, word| {
        Ok(set
            | match word {
                all if all.eq_ignore_ascii_case("all") => u32::MAX,
                word => 1 << word.parse::<MessageType>()?.0,
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_has_its_name_and_mnemonic() {
        let mut mnemonics = Vec::new();
        for message_type in MessageType::ALL.iter().copied() {
            let name = message_type.name().expect("a name");
            let mnemonic = message_type.mnemonic().expect(name);
            assert!(!mnemonics.contains(&mnemonic), "two types have the mnemonic {mnemonic}");
            mnemonics.push(mnemonic);
            for word in [name, mnemonic, &name.to_lowercase(), &mnemonic.to_lowercase()] {
                assert_eq!(word.parse(), Ok(message_type), "{word}");
                assert_eq!(parse(word), Ok(1 << message_type.0), "{word}");
            }
        }
    }

    #[test]
    fn lists_are_parsed_to_sets() {
        let client = 1 << MessageType::CLIENT_QUERY.0 | 1 << MessageType::CLIENT_RESPONSE.0;
        for list in ["CQ,CR", "cr cq", " client_query, CLIENT_RESPONSE\n", ",CQ,,\tCR,CQ,"] {
            assert_eq!(parse(list), Ok(client), "{list:?}");
        }
        assert_eq!(parse("All"), Ok(u32::MAX));
        assert_eq!(parse("AQ,all"), Ok(u32::MAX));
        assert_eq!(parse(" , "), Ok(0));
        for (list, unknown) in [("CQ,XQ", "XQ"), ("CQ;CR", "CQ;CR"), ("5", "5"), ("-CQ", "-CQ")] {
            assert_eq!(parse(list), Err(UnknownMessageType(unknown.into())));
        }
    }
}
