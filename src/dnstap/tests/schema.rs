// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tables are those of `proto/dnstap.proto`.

use std::collections::BTreeMap;

use dnstap::schema::{ENUMERATIONS, Field, Hop, MessageType};
use dnstap::{Event, Message, Policy};

/// The lines of the schema: `label type name = number` of fields, `name = number` of values, by the
/// name of the message or enumeration.
type Lines = BTreeMap<String, Vec<String>>;

/// What the tables say.
fn ours() -> Lines {
    let fields = |fields: &[Field]| {
        fields
            .iter()
            .map(|Field { name, number, label, type_name }| {
                format!("{label} {type_name} {name} = {number}")
            })
            .collect()
    };
    let mut lines = Lines::from([
        ("Dnstap".into(), fields(Event::FIELDS)),
        ("Message".into(), fields(Message::FIELDS)),
        ("Policy".into(), fields(Policy::FIELDS)),
    ]);
    for enumeration in ENUMERATIONS {
        let value = enumeration.values.iter();
        let value = value.map(|value| format!("{} = {}", value.name, value.number));
        lines.insert(enumeration.name.into(), value.collect());
    }
    lines
}

/// What `proto/dnstap.proto` says, its enumerations under their names in the crate.
fn theirs() -> Lines {
    let schema = protox::compile(["dnstap.proto"], ["../../proto"]).expect("a valid schema");
    let [file] = &schema.file[..] else { panic!("one file") };
    let text = |descriptor: String, prefix: &str| descriptor.replace(prefix, "").to_lowercase();
    let type_of = |kind: String, name: &str| {
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
        enumerations
            .extend(nested.map(|found| (format!("{}.{}", message.name(), found.name()), found)));
        let field = message.field.iter().map(|field| {
            let label = text(field.label().as_str_name().into(), "LABEL_");
            let kind = type_of(field.r#type().as_str_name().into(), field.type_name());
            format!("{label} {kind} {} = {}", field.name(), field.number())
        });
        lines.insert(message.name().into(), field.collect());
    }
    for (name, enumeration) in enumerations {
        let value = enumeration.value.iter();
        let value = value.map(|value| format!("{} = {}", value.name(), value.number()));
        lines.insert(name, value.collect());
    }
    lines
}

#[test]
fn tables_are_those_of_the_schema() {
    let (ours, theirs) = (ours(), theirs());
    for name in ours.keys().chain(theirs.keys()) {
        assert_eq!(
            ours.get(name),
            theirs.get(name),
            "{name}: src/dnstap/schema, proto/dnstap.proto"
        );
    }
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
fn types_are_pairs_by_their_hops() {
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
