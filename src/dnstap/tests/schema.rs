// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names and numbers are those of the schema.

use dnstap::proto;
use dnstap::schema::{
    EventType, HttpProtocol, MessageType, PolicyAction, PolicyMatch, SocketFamily, SocketProtocol,
};

#[test]
fn names_are_those_of_the_schema() {
    macro_rules! compare {
        ($ours:ident, $theirs:path, $count:literal) => {{
            use $theirs as Theirs;
            let named = (0..1000u32).filter(|number| {
                let theirs = Theirs::try_from(*number as i32).ok();
                assert_eq!($ours(*number).name(), theirs.map(|value| value.as_str_name()));
                theirs.is_some()
            });
            assert_eq!(named.count(), $count, stringify!($ours));
            assert_eq!($ours(u32::MAX).name(), None);
        }};
    }
    compare!(EventType, proto::dnstap::Type, 1);
    compare!(MessageType, proto::message::Type, 14);
    compare!(SocketFamily, proto::SocketFamily, 2);
    compare!(SocketProtocol, proto::SocketProtocol, 7);
    compare!(HttpProtocol, proto::HttpProtocol, 3);
    compare!(PolicyAction, proto::policy::Action, 6);
    compare!(PolicyMatch, proto::policy::Match, 5);
}

#[test]
fn mnemonics_and_directions_follow_from_the_names() {
    for number in 0..1000 {
        let message_type = MessageType(number);
        let name = message_type.name().unwrap_or_default();
        let initials: String = name.split('_').filter_map(|word| word.chars().next()).collect();
        assert_eq!(message_type.mnemonic().unwrap_or_default(), initials);
        assert_eq!(message_type.is_query(), name.ends_with("_QUERY"));
        assert_eq!(message_type.is_response(), name.ends_with("_RESPONSE"));
    }
}
