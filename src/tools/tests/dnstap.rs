// SPDX-License-Identifier: MIT OR Apache-2.0
//! `dnstap` compared with Debian's golang tool, for events of all types, protocols and records.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use dnstap::schema::{
    HttpProtocol, MessageType, PolicyAction, PolicyMatch, SocketFamily, SocketProtocol,
};
use dnstap::{Event, Message, Policy};
use support::events::{NAMES, NEWER, events, events_without, frame, message, records};
use support::{DNSTAP, Peer, Place, Running, data, debian, payloads, recording};

fn golang() -> String {
    debian("dnstap", "golang-github-dnstap-golang-dnstap-cli")
}

fn print(program: &str, file: &str, style: &str) -> Output {
    let mut command = Command::new(program);
    // Quiet text has local times.
    command.args(["-r", file, style]).env("TZ", "America/St_Johns");
    command.stdout(Stdio::piped());
    Running::start(&mut command).output()
}

/// Returns the text of both tools. Our text is that of Debian 13's tool. If the installed tool is
/// older, the differences are replaced.
fn both(file: &str, style: &str) -> (String, String) {
    let (ours, theirs) = (print(DNSTAP, file, style), print(&golang(), file, style));
    assert!(ours.status.success(), "{}", String::from_utf8_lossy(&ours.stderr));
    let text = |output: Output| String::from_utf8_lossy(&output.stdout).into_owned();
    let (ours, theirs) = (text(ours), text(theirs));
    (if is_newer_golang() { ours } else { as_older_golang(&ours) }, theirs)
}

/// Returns whether the golang tool is that of Debian 13, which supports a type that older ones do not.
fn is_newer_golang() -> bool {
    static IS_NEWER: OnceLock<bool> = OnceLock::new();
    *IS_NEWER.get_or_init(|| {
        let place = Place::new();
        let wire = message(0x0100, NAMES[0], 45, &[]);
        let kind = MessageType::CLIENT_QUERY;
        let message = Message { query_message: Some(&wire), ..Message::new(kind) };
        let event = frame(&Event { message: Some(message), ..Event::new() });
        let output = print(&golang(), &place.file("probe", recording([event])), "-q");
        String::from_utf8_lossy(&output.stdout).contains("IPSECKEY")
    })
}

/// Returns events that the installed golang tool supports.
fn common_events() -> Vec<Vec<u8>> {
    let types: &[(u16, &[u8])] = if is_newer_golang() { &[] } else { &NEWER };
    events_without(types)
}

/// Replaces the differences of Debian 13's tool from Debian 12's in our text.
fn as_older_golang(ours: &str) -> String {
    let mut text = ours.to_owned();
    for (newer, older) in [
        ("IN\t IPSECKEY", "IN\t TYPE45"),
        ("IN\\t IPSECKEY", "IN\\t TYPE45"),
        (" IN IPSECKEY\n", " IN TYPE45\n"),
        ("\tAAAA\t::ffff:", "\tAAAA\t"),
        ("\\tAAAA\\t::ffff:", "\\tAAAA\\t"),
        ("; flags:; udp:", "; flags: ; udp:"),
        ("ZONE: ", "QUERY: "),
        (" PREREQ: ", " ANSWER: "),
        (" UPDATE: ", " AUTHORITY: "),
        (";; ZONE SECTION", ";; QUESTION SECTION"),
        (";; PREREQUISITE SECTION", ";; ANSWER SECTION"),
        (";; UPDATE SECTION", ";; AUTHORITY SECTION"),
        ("    ; EXPIRE: \n", ""),
        ("    ; EXPIRE: 65536\n", ""),
        ("\\n; EXPIRE: \\n", "\\n"),
        ("; EXPIRE: 65536\\n", ""),
        ("EDE: 29 (Synthesized)", "EDE: 29"),
    ] {
        text = text.replace(newer, older);
    }
    text
}

/// Compares texts line by line, so that a failure shows the first difference.
fn assert_same(ours: &str, theirs: &str) {
    for (number, (ours, theirs)) in ours.lines().zip(theirs.lines()).enumerate() {
        assert_eq!(ours, theirs, "line {}", number + 1);
    }
    assert_eq!(ours.lines().count(), theirs.lines().count());
}

#[test]
fn quiet_text_equals_golangs() {
    let place = Place::new();
    let (ours, theirs) = both(&place.file("capture", recording(common_events())), "-q");
    assert!(ours.lines().count() > 1000);
    assert_same(&ours, &theirs);
}

/// Compares with Debian's `dnstap-ldns`, which prints dates in UTC, does not support updates, stub
/// queries and later protocols, writes unusual labels and some types differently, and refuses record
/// data that is cut off.
#[test]
fn quiet_text_equals_that_of_ldns() {
    let mut frames = Vec::new();
    let types = (1..=12).filter(|number| !matches!(number, 9 | 10)).collect::<Vec<u32>>();
    let mut wires: Vec<Vec<u8>> = [1, 2, 5, 6, 12, 15, 16, 28, 33, 35, 43, 48, 52, 251, 252, 255]
        .into_iter()
        .map(|qtype| message(0x0100, NAMES[0], qtype, &[]))
        .collect();
    wires.push(message(0x0100, NAMES[1], 2, &[]));
    let known = [1, 2, 5, 6, 12, 15, 16, 28, 33, 43, 44, 46, 48, 51, 52];
    for (rtype, data) in records().into_iter().filter(|(rtype, _)| known.contains(rtype)) {
        wires.push(message(0x8580, NAMES[0], rtype, &[(rtype, 1, &data)]));
    }
    for (index, wire) in wires.iter().enumerate() {
        for (number, kind) in types.iter().map(|number| MessageType(*number)).enumerate() {
            let (family, address): (_, &[u8]) = match number % 2 {
                0 => (SocketFamily::INET, &[192, 0, 2, 1]),
                _ => (SocketFamily::INET6, b"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x09"),
            };
            let time = Some(1_700_000_000 + index as u64);
            let nanoseconds = Some(number as u32 * 1_000_370);
            let message = Message {
                socket_family: Some(family),
                socket_protocol: Some(SocketProtocol(1 + number as u32 / 2 % 2)),
                query_address: (index % 7 != 0).then_some(address),
                response_address: (index % 5 != 0).then_some(address),
                query_time_sec: time,
                query_time_nsec: nanoseconds,
                query_message: kind.is_query().then_some(wire),
                response_time_sec: time,
                response_time_nsec: nanoseconds,
                response_message: kind.is_response().then_some(wire),
                ..Message::new(kind)
            };
            frames.push(frame(&Event { message: Some(message), ..Event::new() }));
        }
    }
    let place = Place::new();
    let file = place.file("capture", recording(&frames));
    let text = |program: &str| {
        let mut command = Command::new(program);
        command.args(["-q", "-r", &file]).env("TZ", "UTC").stdout(Stdio::piped());
        String::from_utf8(Running::start(&mut command).output().stdout).unwrap()
    };
    let theirs = text(&debian("dnstap-ldns", "dnstap-ldns"));
    let without_date: String = theirs
        .lines()
        .map(|line| line.split_once(' ').expect("a date").1.to_owned() + "\n")
        .collect();
    assert_eq!(without_date.lines().count(), frames.len());
    assert_same(&text(DNSTAP), &without_date);
}

/// Removes the parts that differ from YAML: texts of errors, and bytes that only our tool prints.
fn comparable_yaml(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines().filter(|line| !line.contains("_hex: ")) {
        let line = line.split_once("parse failed: ").map_or(line, |(front, _)| front);
        // Both escapes mean the same character.
        out.push_str(&line.replace("\\x01", "\\u0001"));
        out.push('\n');
    }
    out.replace("\\u0001", "\\x01")
}

#[test]
fn yaml_equals_golangs() {
    let place = Place::new();
    let (ours, theirs) = both(&place.file("capture", recording(common_events())), "-y");
    assert_same(&comparable_yaml(&ours), &comparable_yaml(&theirs));
}

#[test]
fn json_equals_golangs() {
    type Object = serde_json::Map<String, serde_json::Value>;
    let place = Place::new();
    let (ours, theirs) = both(&place.file("capture", recording(common_events())), "-j");
    let parsed = |text: &str| -> Vec<Object> {
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let comparable = |object: &Object| -> BTreeMap<String, String> {
        let message = object["message"].as_object().unwrap();
        let fields = object.iter().chain(message).filter(|(key, _)| *key != "message");
        fields
            .filter(|(key, _)| !key.ends_with("_hex"))
            .map(|(key, value)| {
                let value = value.to_string();
                let value = value.split_once("parse failed: ").map_or(&*value, |(front, _)| front);
                (key.clone(), value.to_owned())
            })
            .collect()
    };
    let (ours, theirs) = (parsed(&ours), parsed(&theirs));
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(comparable(ours), comparable(theirs));
    }
}

#[test]
fn fields_that_golang_omits_are_printed() {
    let message = Message {
        http_protocol: Some(HttpProtocol::HTTP2),
        socket_protocol: Some(SocketProtocol(99)),
        query_message: Some(b"\xff\0"),
        policy: Some(Policy {
            policy_type: Some(b"RPZ"),
            rule: Some(NAMES[0]),
            action: Some(PolicyAction::DROP),
            policy_match: Some(PolicyMatch::QNAME),
            value: Some(b"x"),
        }),
        ..Message::new(MessageType::STUB_QUERY)
    };
    let event = Event { extra: Some(b"tag=7"), message: Some(message), ..Event::new() };
    let place = Place::new();
    let file = place.file("capture", recording([frame(&event), b"\xff".to_vec()]));
    let text = |style| String::from_utf8(print(DNSTAP, &file, style).stdout).unwrap();
    let yaml = text("-y");
    for part in [
        "extra: \"tag=7\"\n",
        "  http_protocol: HTTP2\n",
        "  socket_protocol: 99\n",
        "    rule: \"www.example.\"\n",
        "    action: DROP\n",
        "  query_message_hex: \"ff00\"\n",
        "frame: \"ff\"\n",
    ] {
        assert!(yaml.contains(part), "{part} in {yaml}");
    }
    let json = text("-j");
    for part in ["\"extra\":\"tag=7\"", "\"match\":\"QNAME\"", "\"query_message_hex\":\"ff00\""] {
        assert!(json.contains(part), "{part} in {json}");
    }
    assert!(text("-q").starts_with("??:??:??.?????? SQ MISSING_ADDRESS 99 2b X \n[no dnstap: "));
}

/// Encodes a response about `www.example` with these EDNS flags and options.
fn edns(flags: u32, options: &[u8]) -> Vec<u8> {
    let mut wire = vec![0, 7, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    wire.extend(b"\x03www\x07example\0\0\x01\0\x01\0\0\x29\x04\xd0");
    wire.extend(flags.to_be_bytes());
    wire.extend((options.len() as u16).to_be_bytes());
    wire.extend(options);
    wire
}

#[test]
fn errors_of_golang_are_not_repeated() {
    let mapped = b"\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x01";
    let hint = [&b"\0\x01\0\0\x06\0\x10"[..], mapped].concat();
    let subnet = [&b"\0\x08\0\x14\0\x02\x80\0"[..], mapped].concat();
    let gateway = [&b"\x0a\x02\x02"[..], mapped, b"key"].concat();
    let answer = |rtype, data: &[u8]| message(0x8180, NAMES[0], rtype, &[(rtype, 1, data)]);
    let name = b"\x0a\x83\x01x\0";
    for (wire, text) in [
        (answer(28, mapped), "IN\tAAAA\t::ffff:192.0.2.1\n"),
        (answer(65, &hint), "1 . ipv6hint=\"::ffff:192.0.2.1\"\n"),
        (answer(45, &gateway), "10 2 2 ::ffff:192.0.2.1 a2V5\n"),
        (answer(260, name), "IN\tAMTRELAY\t10 1 3 x.\n"),
        (answer(66, b"\0\x3b"), "IN\tDSYNC\t\\# 2 003b\n"),
        (answer(67, b""), ";www.example.\tIN\t HHIT\n"),
        (edns(0, &subnet), "; SUBNET: [::ffff:192.0.2.1]/128/0\n"),
        (edns(0x4000, b""), "flags: co; udp: 1232\n"),
        (edns(0xc001, b""), "flags: do, co; MBZ: 0x0001, udp: 1232\n"),
        (edns(0, b"\0\x0f\0\x02\0\x1e"), "; EDE: 30 (Invalid Query Type): ()\n"),
        (edns(0, b"\0\x0f\0\x05\0\0\xe2\x80\xae"), "; EDE: 0 (Other): (\\226\\128\\174)\n"),
        (edns(0, b"\0\x0e\0\x02\x4f\x66"), "; KEY TAG: 20326\n"),
        (edns(0, b"\0\x12\0\x03\x01x\0"), "; REPORT CHANNEL: x.\n"),
        (
            edns(0, b"\0\x13\0\x06\x02\0\0\0\0\x09"),
            "; ZONEVERSION: SOA-SERIAL 9, zone of 2 labels\n",
        ),
        (edns(0, b"\0\x13\0\x03\x01\x09\xab"), "; ZONEVERSION: TYPE9 0xab, zone of 1 labels\n"),
        // A value that does not fit its code is printed as bytes.
        (edns(0, b"\0\x12\0\x02\x05x"), "; LOCAL OPT: 18:0x0578\n"),
        (edns(0, b"\0\x13\0\x01\x02"), "; LOCAL OPT: 19:0x02\n"),
        // The name of this code is the same as golang's.
        (edns(1 << 24, b""), "status: BADSIG,"),
    ] {
        let place = Place::new();
        let message =
            Message { response_message: Some(&wire), ..Message::new(MessageType::CLIENT_RESPONSE) };
        let event = frame(&Event { message: Some(message), ..Event::new() });
        let file = place.file("capture", recording([event]));
        let yaml = String::from_utf8(print(DNSTAP, &file, "-y").stdout).unwrap();
        assert!(yaml.contains(text), "{text} in {yaml}");
        let quiet = String::from_utf8(print(DNSTAP, &file, "-q").stdout).unwrap();
        assert!(quiet.contains(" \"www.example.\" IN "), "{quiet}");
    }
}

#[test]
fn foreign_text_cannot_control_the_terminal() {
    let place = Place::new();
    // U+009B is ESC and a bracket to terminals; U+202E reverses the direction of text.
    let identity = "ns\u{9b}31m\u{202e}\u{e9}\u{1f600}\u{e0041}";
    let wire = edns(0, b"\0\x0f\0\x07\0\0\xc2\x9b31m");
    let event = Event {
        identity: Some(identity.as_bytes()),
        message: Some(Message {
            response_message: Some(&wire),
            ..Message::new(MessageType::CLIENT_RESPONSE)
        }),
        ..Event::new()
    };
    let file = place.file("capture", recording([frame(&event)]));
    for style in ["-q", "-y", "-j"] {
        let text = String::from_utf8(print(DNSTAP, &file, style).stdout).unwrap();
        for hidden in ['\u{9b}', '\u{202e}', '\u{e0041}'] {
            assert!(!text.contains(hidden), "{style}: {text:?}");
        }
        if style == "-j" {
            let json: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(json["identity"], identity);
            assert!(text.contains("\u{e9}\u{1f600}\\udb40\\udc41"), "{text}");
        }
    }
    let name = "\u{1b}[31m\u{202e}no such file";
    for arguments in [
        &["-r", name][..],
        &["-r", &file, "-w", name, "-w", name],
        &["-r", &file, "--qname", &format!("..{name}")],
        &["-r", &file, "--client", name],
    ] {
        let output = support::run(DNSTAP, arguments);
        assert!(!output.status.success());
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains("\\u{202e}no such file"), "{arguments:?}: {error}");
        assert!(!error.contains(['\u{1b}', '\u{202e}']), "{arguments:?}: {error:?}");
    }
}

#[test]
fn unusable_names_are_refused_with_a_hint() {
    let place = Place::new();
    let file = place.file("capture", recording(events()));
    for (name, hint) in [
        ("*.example", "\"example\" also selects all names below example"),
        ("www.*", "wildcards are not supported"),
        ("", "\".\" selects all names"),
        ("b\u{fc}cher.example", "write its labels as in DNS messages, such as \"xn--bcher-kva\""),
    ] {
        support::assert_fails(DNSTAP, &["-r", &file, "--qname", name], 2, hint);
    }
    let lines = |name| support::run(DNSTAP, &["-r", &file, "--qname", name]).stdout.len();
    assert!(lines("example") > 0 && lines(r"\*._domain.\195\164-x") > 0);
}

#[test]
fn a_cut_off_file_is_read_to_its_last_whole_frame() {
    let place = Place::new();
    let whole = recording(events());
    let torn = place.file("torn", &whole[..whole.len() - 20]);
    let output = print(DNSTAP, &torn, "-q");
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("is cut off after"), "{error}");
    let lines = String::from_utf8(output.stdout).unwrap().lines().count();
    assert_eq!(lines, events().len() - 1);
}

#[test]
fn a_file_may_contain_several_streams() {
    let place = Place::new();
    let whole = recording(events());
    let lines = |output: &Output| output.stdout.iter().filter(|byte| **byte == b'\n').count();
    let twice = print(DNSTAP, &place.file("twice", whole.repeat(2)), "-q");
    assert!(twice.status.success() && twice.stderr.is_empty());
    assert_eq!(lines(&twice), 2 * events().len());
    let output = print(DNSTAP, &place.file("odd", [&whole[..], b"\0\0\0\x01x"].concat()), "-q");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(lines(&output), events().len());
    let error = String::from_utf8(output.stderr).unwrap();
    let expected = format!("at offset {}: no START after STOP", whole.len());
    assert!(error.contains(&expected), "{error}");
}

#[test]
fn compressed_files_are_read() {
    use std::io::Write;
    let place = Place::new();
    let plain = recording(events());
    let expected = print(DNSTAP, &place.file("plain", &plain), "-q").stdout;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).unwrap();
    let gzip = place.file("gzip", gzip.finish().unwrap());
    let compressed = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
    let zstd = place.file("zstd", compressed(&plain));
    // Several frames of zstd, with skippable ones before, between and after them.
    let skippable = |magic: u8, size: u32| {
        [&[magic, 0x2a, 0x4d, 0x18][..], &size.to_le_bytes(), &vec![0x28; size as usize]].concat()
    };
    let (front, rest) = plain.split_at(plain.len() / 3);
    let frames = [
        skippable(0x50, 4),
        compressed(front),
        skippable(0x5f, 100_000),
        compressed(b""),
        compressed(rest),
        skippable(0x5e, 0),
    ];
    let frames = place.file("frames", frames.concat());
    for file in [gzip, zstd, frames] {
        assert!(print(DNSTAP, &file, "-q").stdout == expected, "{file}");
    }
}

#[test]
fn errors_in_compressed_files_are_reported() {
    use std::io::Write;
    let place = Place::new();
    let plain = recording(events());
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).unwrap();
    let gzip = gzip.finish().unwrap();
    let mut zstd = zstd::Encoder::new(Vec::new(), 1).unwrap();
    // Flushed data can be decompressed without the end.
    zstd.write_all(&plain[..plain.len() - 12]).unwrap();
    zstd.flush().unwrap();
    let (size, count) = (plain.len(), events().len());
    let after_stop = format!("the data after STOP at offset {size} cannot be read: ");
    let cut = format!(
        "the compressed data is cut off at offset {} of what it holds; {count} frames before",
        size - 12
    );
    for (name, bytes, what) in [
        ("junk", [&gzip[..], b"some junk after it"].concat(), &after_stop),
        ("little", [&gzip[..], b"abc"].concat(), &after_stop),
        ("end", gzip[..gzip.len() - 3].to_vec(), &after_stop),
        ("zstd", zstd.get_ref().clone(), &cut),
    ] {
        let output = print(DNSTAP, &place.file(name, bytes), "-q");
        assert_eq!(output.status.code(), Some(1), "{name}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(what), "{name}: {error}");
    }
}

#[test]
fn frames_are_captured_relayed_and_selected() {
    let place = Place::new();
    let (first, second) = (place.argument("first"), place.argument("second"));
    let frames = events();
    let start = |arguments: &[&str], ready: &str| {
        let mut command = Command::new(DNSTAP);
        let mut running = Running::start(command.args(arguments).stdout(Stdio::null()));
        running.line(ready);
        running
    };
    let all = place.argument("all");
    let receiver = start(&["-u", &second, "-w", &all], "opened output file");
    let quiet = place.argument("quiet");
    let own = format!("quiet:{quiet}");
    let relay = start(&["-u", &first, "-U", &second, "-w", &own], "opened input socket");
    let mut peer = Peer::open(place.path("first").as_path());
    frames.iter().for_each(|frame| peer.send(data(frame)));
    peer.close();
    relay.stop();
    receiver.stop();
    support::assert_holds(&place.path("all"), &frames);
    let lines = fs::read_to_string(&quiet).unwrap();
    assert_eq!(lines.lines().count(), frames.len());
    // A selection by type has as many messages as there are lines of the type.
    let count = |arguments: &[&str]| {
        let output = support::run(DNSTAP, &[&["-r", &all, "-q"], arguments].concat());
        String::from_utf8(output.stdout).unwrap().lines().count()
    };
    let client_queries = lines.lines().filter(|line| line.contains(" CQ ")).count();
    assert!(client_queries > 0);
    assert_eq!(count(&["--type", "CQ"]), client_queries);
    assert_eq!(count(&["--count", "3"]), 3);
    assert_eq!(count(&["--client", "203.0.113.0/24"]), 0);
    assert_eq!(count(&["--sample", "1"]), frames.len());
}

#[test]
fn sampled_messages_have_their_rate() {
    let place = Place::new();
    let wire = |number: u16| [&number.to_be_bytes()[..], &[0; 10]].concat();
    let extras = [None, Some(&b"tag=7"[..]), Some(b"sample=1/4 tag=7")];
    let frames = (0..3000).map(|number| {
        let wire = wire(number);
        let message = Message {
            query_address: Some(&[192, 0, 2, 99]),
            query_message: Some(&wire),
            ..Message::new(MessageType::CLIENT_QUERY)
        };
        frame(&Event { extra: extras[number as usize % 3], message: Some(message), ..Event::new() })
    });
    let file = place.file("capture", recording(frames));
    // The thirds of the messages with each `extra`; masks remove the sender's bytes.
    let whole = [("sample=1/6", 1), ("sample=1/6 tag=7", 1), ("sample=1/12 tag=7", 1)];
    let masked = [("sample=1/6", 2), ("sample=1/12", 1)];
    for (mask, address, extras) in
        [(&[][..], "192.0.2.99", &whole[..]), (&["--mask4", "24"], "192.0.2.0", &masked)]
    {
        let sample = place.argument("sample");
        let arguments = [&["-r", &file, "--sample", "6", "-w", &sample], mask].concat();
        assert!(support::run(DNSTAP, &arguments).status.success());
        let yaml = String::from_utf8(print(DNSTAP, &sample, "-y").stdout).unwrap();
        let mut kept = 0;
        for (extra, thirds) in extras {
            let count = yaml.matches(&format!("extra: \"{extra}\"\n")).count();
            assert!((thirds * 100..thirds * 250).contains(&count), "{count} {extra}");
            kept += count;
        }
        assert_eq!(yaml.matches(&format!("query_address: {address}\n")).count(), kept);
        assert_eq!(yaml.matches("---\n").count(), kept);
        // The golang tool reads it as well.
        assert_same(
            &String::from_utf8(print(DNSTAP, &sample, "-q").stdout).unwrap(),
            &String::from_utf8(print(&golang(), &sample, "-q").stdout).unwrap(),
        );
        fs::remove_file(&sample).unwrap();
    }
}

#[test]
fn other_inputs_and_wrong_options_are_named() {
    let place = Place::new();
    let file = place.file("text", "no capture at all");
    support::assert_fails(DNSTAP, &["-r", &file], 1, ": this is text, not a file of frames");
    let (capture, pcap) = (place.file("capture", recording(events())), place.argument("pcap"));
    let exported = support::run(DNSTAP, &["-r", &capture, "--format", "pcap", "-w", &pcap]);
    assert!(exported.status.success());
    let error = String::from_utf8(support::run(DNSTAP, &["-r", &pcap]).stderr).unwrap();
    assert!(error.contains("this is a packet capture (pcap)"), "{error}");
    let none = support::run(DNSTAP, &["-r", &place.file("foreign", recording(payloads(3)))]);
    assert!(String::from_utf8(none.stdout).unwrap().contains("[no dnstap: "));
    let split = ["-r", &file, "--split-size", "1k", "-w", "-"];
    support::assert_fails(DNSTAP, &split, 2, "cannot be split");
    assert!(support::run(DNSTAP, &["--completions", "bash"]).status.success());
    // Every wrong option has the same status.
    for wrong in [&["-q"][..], &["--nonsense"], &["-r", &file, "-a"], &["-r", &file, "-t", ""]] {
        assert_eq!(support::run(DNSTAP, wrong).status.code(), Some(2), "{wrong:?}");
    }
}
