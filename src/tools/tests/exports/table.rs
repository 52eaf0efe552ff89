// SPDX-License-Identifier: MIT OR Apache-2.0
//! NDJSON, CSV and TSV. Parquet has the same columns, and its test compares each with its field.

use std::fs;

use dnstap::Message;
use dnstap::schema::MessageType;
use serde_json::{Value, json};

use super::parquet::duckdb;
use super::support::events::{events, frame};
use super::support::{self, DNSTAP, Place, assert_fails, recording};
use super::{dns, event, ours, record};

/// Writes frames in a format, and returns the text.
fn text(frames: impl IntoIterator<Item = Vec<u8>>, options: &[&str]) -> String {
    let place = Place::new();
    let capture = place.file("capture", recording(frames));
    let output = support::run(DNSTAP, &[&["-r", &capture], options].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A response with all EDNS options of a column, and others.
fn response_with_options() -> Vec<u8> {
    let mut options = Vec::new();
    for (code, value) in [
        (8_u16, &b"\0\x01\x18\x10\xc0\0\x02"[..]),
        (10, b"\x01\x02\x03\x04\x05\x06\x07\x08"),
        (3, b"ns1 \xff"),
        (12, b"\0\0\0\0\0"),
        (11, b"\0\x0f"),
        (15, b"\0\x16no route"),
        (15, b"\xff\xff"),
        (65001, b"\x01\x02"),
    ] {
        options.extend(code.to_be_bytes());
        options.extend((value.len() as u16).to_be_bytes());
        options.extend_from_slice(value);
    }
    let mut opt = b"\0\0\x29\x04\xd0\0\0\x80\0".to_vec();
    opt.extend((options.len() as u16).to_be_bytes());
    opt.extend(options);
    dns(1, 0x8182, "www.example", 1, [&[], &[], &[opt, record("x", 1, b"\xc0")]])
}

#[test]
fn edns_options_and_invalid_records_are_structured() {
    let wire = response_with_options();
    let message =
        Message { response_message: Some(&wire), ..Message::new(MessageType::CLIENT_RESPONSE) };
    let fields = "rcode,edns_subnet,edns_cookie,edns_nsid,edns_padding,edns_keepalive,edns_ede,\
                  edns_options,additional,arcount";
    let found = text([event(message)], &["--format", "ndjson", "--fields", fields]);
    let expected = json!({
        "rcode": "SERVFAIL", "edns_subnet": "192.0.2.0/24/16", "edns_cookie": "0102030405060708",
        "edns_nsid": "ns1 \u{fffd}", "edns_padding": 5, "edns_keepalive": 1.5,
        "edns_ede": [
            {"code": 22, "purpose": "No Reachable Authority", "text": "no route"},
            {"code": 65535},
        ],
        "edns_options": [{"code": 65001, "name": "OPT65001", "data": "0102"}],
        "additional": [{"name": "x.", "class": "IN", "type": "A", "ttl": 60, "data": "\\# 1 c0"}],
        "arcount": 2,
    });
    assert_eq!(serde_json::from_str::<Value>(&found).unwrap(), expected);
    assert!(found.starts_with("{\"rcode\":"), "not in the order of --fields: {found}");
}

/// DuckDB reads each format, and finds the same values as in Parquet.
#[test]
fn formats_agree_on_all_values() {
    let place = Place::new();
    let odd = frame(&dnstap::Event { extra: Some(b"a,\"b\"\\ \n\t"), ..dnstap::Event::new() });
    let wire = response_with_options();
    let full =
        Message { response_message: Some(&wire), ..Message::new(MessageType::CLIENT_RESPONSE) };
    let all = events().into_iter().chain([odd, event(full), b"\xff".to_vec()]);
    let capture = place.file("capture", recording(all));
    let file = |format: &str| place.argument(&format!("rows.{format}"));
    for format in ["ndjson", "csv", "tsv", "parquet"] {
        let output = format!("{format}:{}", file(format));
        ours(&["-r", &capture, "-w", &output]);
    }
    let lists = ["edns_ede", "edns_options", "answer", "authority", "additional"];
    let bytes = ["extra", "policy_value", "edns_cookie", "frame"];
    // Every value as text, in the form of CSV. Bytes are hexadecimal or text, and lists are JSON.
    let described = duckdb(&format!("describe select * from read_parquet('{}')", file("parquet")));
    let names: Vec<String> =
        described.iter().map(|row| row["column_name"].as_str().unwrap().to_owned()).collect();
    let whole = ["query_message", "response_message"];
    let of_text: Vec<&String> =
        names.iter().filter(|name| !whole.contains(&name.as_str())).collect();
    let header = of_text.iter().map(|name| name.as_str()).collect::<Vec<_>>();
    let csv = fs::read_to_string(file("csv")).unwrap();
    assert_eq!(csv.lines().next().unwrap(), header.join(","));
    assert_eq!(fs::read_to_string(file("tsv")).unwrap().lines().next().unwrap(), header.join("\t"));

    let plain: Vec<_> = header
        .iter()
        .filter(|name| !lists.contains(name) && !bytes.contains(name))
        .map(|name| match *name {
            "query_time" | "response_time" => {
                format!("epoch_ns({name}) as {name}")
            }
            name => format!("cast({name} as varchar) as {name}"),
        })
        .collect();
    let plain = plain.join(", ");
    let of_parquet = duckdb(&format!("select {plain} from read_parquet('{}')", file("parquet")));
    assert!(of_parquet.len() > 100, "{}", of_parquet.len());
    let described: Vec<_> = header
        .iter()
        .filter(|name| !lists.contains(name))
        .map(|name| {
            let kind = match *name {
                "query_time" | "response_time" => "timestamp_ns",
                "latency" | "edns_keepalive" => "double",
                name if ["qr", "aa", "tc", "rd", "ra", "ad", "cd"].contains(&name) => "boolean",
                "edns_do" | "response_sent" => "boolean",
                _ => "varchar",
            };
            format!("'{name}': '{kind}'")
        })
        .collect();
    let types = described.join(", ");
    let of_json = duckdb(&format!(
        "select {plain} from read_json('{}', format='newline_delimited', columns={{{types}}})",
        file("ndjson")
    ));
    let of_csv = duckdb(&format!(
        "select {plain} from read_csv('{}', header=true, delim=',', quote='\"', escape='\"', \
         types={{{types}}}, auto_detect=true)",
        file("csv")
    ));
    for (row, expected) in of_parquet.iter().enumerate() {
        assert_eq!(of_json.get(row), Some(expected), "row {row} of ndjson");
        // Terminals do not see control characters in CSV.
        let visible = expected.to_string().replace("\\u0001", "\u{fffd}");
        let visible = serde_json::from_str(&visible).unwrap();
        assert_eq!(of_csv.get(row), Some(&visible), "row {row} of csv");
    }
    assert_eq!((of_json.len(), of_csv.len()), (of_parquet.len(), of_parquet.len()));

    // Lists have the same elements; bytes are in hexadecimal.
    let of_lists = "to_json(answer) as answer, to_json(authority) as authority, \
                    to_json(additional) as additional";
    let of_parquet = duckdb(&format!("select {of_lists} from read_parquet('{}')", file("parquet")));
    let ndjson = fs::read_to_string(file("ndjson")).unwrap();
    let mut records = 0;
    for (line, expected) in ndjson.lines().zip(&of_parquet) {
        let line: Value = serde_json::from_str(line).unwrap();
        for name in ["answer", "authority", "additional"] {
            let Some(expected) = expected[name].as_str() else {
                assert_eq!(line.get(name), None);
                continue;
            };
            let expected: Value = serde_json::from_str(expected).unwrap();
            records += expected.as_array().unwrap().len();
            assert_eq!(line[name], expected);
        }
    }
    assert!(records > 100, "{records}");
}

#[test]
fn tabs_and_newlines_are_escaped() {
    let extra = |text| frame(&dnstap::Event { extra: Some(text), ..dnstap::Event::new() });
    let frames = || [extra(&b"a\tb\nc\\"[..]), extra(b"\x1b[2J,\"")];
    let found = text(frames(), &["--format", "tsv", "--fields", "event_type,extra"]);
    assert_eq!(found, "event_type\textra\nMESSAGE\ta\\tb\\nc\\\\\nMESSAGE\t\u{fffd}[2J,\"\n");
    let found = text(frames(), &["--format", "csv", "--fields", "extra,qname"]);
    assert_eq!(found, "extra,qname\n\"a\tb\nc\\\",\n\"\u{fffd}[2J,\"\"\",\n");
}

#[test]
fn a_file_that_is_continued_has_one_header() {
    let place = Place::new();
    let message = event(Message::new(MessageType::CLIENT_QUERY));
    let capture = place.file("capture", recording([message]));
    let file = place.argument("out.csv");
    for _ in 0..2 {
        ours(&["-r", &capture, "-a", "--fields", "type,id", "-w", &format!("csv:{file}")]);
    }
    let expected = "type,id\nCLIENT_QUERY,\nCLIENT_QUERY,\n";
    assert_eq!(fs::read_to_string(&file).unwrap(), expected);
}

#[test]
fn fields_need_a_table_and_a_name() {
    let place = Place::new();
    let capture =
        place.file("capture", recording([event(Message::new(MessageType::CLIENT_QUERY))]));
    let wrong = ["-r", &capture, "--format", "csv", "--fields", "qname,nope"];
    assert_fails(DNSTAP, &wrong, 2, "\"nope\" is not a field");
    assert_fails(DNSTAP, &["-r", &capture, "-q", "--fields", "qname"], 2, "--fields chooses");
}
