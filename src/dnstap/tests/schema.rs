// SPDX-License-Identifier: MIT OR Apache-2.0
//! Comparison of the tables with `proto/dnstap.proto`.

use std::collections::BTreeSet;

use dnstap::schema::{ENUMERATIONS, EnumDescription, Field, Hop, MessageType};
use dnstap::{Event, Message, Policy};

/// Lines such as "Message: optional uint32 query_port = 6" and "Message.Type: AUTH_QUERY = 1".
type Lines = BTreeSet<String>;

/// Returns the lines of the tables.
fn ours() -> Lines {
    let messages =
        [("Dnstap", Event::FIELDS), ("Message", Message::FIELDS), ("Policy", Policy::FIELDS)];
    let fields = messages.into_iter().flat_map(|(message, fields)| {
        fields.iter().map(move |Field { name, number, label, type_name }| {
            format!("{message}: {label} {type_name} {name} = {number}")
        })
    });
    let values = ENUMERATIONS.into_iter().flat_map(|EnumDescription { name, values, .. }| {
        values.iter().map(move |value| format!("{name}: {} = {}", value.name, value.number))
    });
    fields.chain(values).collect()
}

/// Returns the lines of `proto/dnstap.proto`, its enumerations under their names in the crate.
fn theirs() -> Lines {
    let schema =
        protox::compile(["dnstap.proto"], [env!("CARGO_MANIFEST_DIR")]).expect("a valid schema");
    let [file] = &schema.file[..] else { panic!("one file") };
    let text = |name: &str, prefix: &str| name.replace(prefix, "").to_lowercase();
    let type_of = |kind: &str, name: &str| {
        let (kind, name) = (text(kind, "TYPE_"), name.replace(".dnstap.", ""));
        match ENUMERATIONS.iter().find(|enumeration| enumeration.name == name) {
            Some(enumeration) => format!("(enum {})", enumeration.type_name),
            None if name.is_empty() => kind,
            None => format!("({kind} {name})"),
        }
    };
    let mut lines = Lines::new();
    let mut enumerations: Vec<_> =
        file.enum_type.iter().map(|found| (found.name().to_owned(), found)).collect();
    for message in &file.message_type {
        let nested = message.enum_type.iter();
        let named = nested.map(|found| (format!("{}.{}", message.name(), found.name()), found));
        enumerations.extend(named);
        lines.extend(message.field.iter().map(|field| {
            let label = text(field.label().as_str_name(), "LABEL_");
            let kind = type_of(field.r#type().as_str_name(), field.type_name());
            format!("{}: {label} {kind} {} = {}", message.name(), field.name(), field.number())
        }));
    }
    for (name, enumeration) in enumerations {
        let values = enumeration.value.iter();
        lines.extend(values.map(|value| format!("{name}: {} = {}", value.name(), value.number())));
    }
    lines
}

#[test]
fn the_tables_agree_with_the_schema() {
    let (ours, theirs) = (ours(), theirs());
    let (more, less): (Vec<_>, Vec<_>) =
        (ours.difference(&theirs).collect(), theirs.difference(&ours).collect());
    assert!(more.is_empty(), "only in src/dnstap/schema: {more:#?}");
    assert!(less.is_empty(), "only in proto/dnstap.proto: {less:#?}");
}

#[test]
fn numbers_have_the_names_of_the_table() {
    for number in (0..1000).chain([u32::MAX]) {
        let named = MessageType::DESCRIPTION.values.iter().find(|value| value.number == number);
        assert_eq!(MessageType(number).name(), named.map(|value| value.name));
    }
}

#[test]
fn mnemonics_hops_and_directions_follow_from_the_names() {
    for number in 0..1000 {
        let message_type = MessageType(number);
        let name = message_type.name().unwrap_or_default();
        let (hop, direction) = name.split_once('_').unwrap_or_default();
        let initials: String = name.split('_').filter_map(|word| word.chars().next()).collect();
        assert_eq!(message_type.mnemonic().unwrap_or_default(), initials, "{name}");
        assert_eq!(message_type.hop().map_or("", Hop::name), hop, "{name}");
        assert_eq!(message_type.is_query(), direction == "QUERY", "{name}");
        assert_eq!(message_type.is_response(), direction == "RESPONSE", "{name}");
    }
}

#[test]
fn the_types_of_a_hop_are_a_pair() {
    for one in MessageType::ALL {
        for other in MessageType::ALL {
            let is_pair = one.pair() == other.pair();
            assert_eq!(is_pair, one.hop() == other.hop(), "{:?} {:?}", one.name(), other.name());
        }
    }
    for hop in Hop::ALL {
        assert!(MessageType::ALL.iter().any(|known| known.hop() == Some(hop)), "{hop:?}");
    }
}
