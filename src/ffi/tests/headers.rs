// SPDX-License-Identifier: MIT OR Apache-2.0
//! Generates the public headers with cbindgen and compares them with `include/`. With
//! `UPDATE_HEADERS=1`, writes them instead (`make headers`).

use std::fs;
use std::path::Path;

use cbindgen::{Builder, Config};
use dnstap::schema::{ENUMERATIONS, EnumDescription, EnumValue};

/// A header and its sources.
struct Header {
    path: &'static str,
    /// The files below `src` from which it is generated, in order.
    sources: &'static [&'static str],
    /// The headers that it includes, for the types of its functions.
    includes: &'static [&'static str],
    /// The text of its first comment.
    introduction: &'static str,
    /// Plain C after the include lines.
    declarations: &'static [&'static str],
    /// Plain C at the end, within the include guard.
    inlines: &'static str,
}

const HEADERS: &[Header] = &[
    Header {
        path: "fstrm.h",
        sources: &[],
        includes: &[
            "fstrm/res.h",
            "fstrm/control.h",
            "fstrm/file.h",
            "fstrm/iothr.h",
            "fstrm/rdwr.h",
            "fstrm/reader.h",
            "fstrm/tcp_writer.h",
            "fstrm/unix_writer.h",
            "fstrm/writer.h",
        ],
        introduction: "\
Frame Streams: a light framing for messages on a byte stream, in files and over sockets.

A program that produces messages creates a writer (fstrm_file_writer_init(),
fstrm_unix_writer_init(), fstrm_tcp_writer_init(), or fstrm_writer_init() with functions of its
own), passes it to a writer thread (fstrm_iothr_init()), and gets a queue for each of its threads
(fstrm_iothr_get_input_queue()), to which it submits frames (fstrm_iothr_submit()) without waiting.

    struct fstrm_unix_writer_options *where = fstrm_unix_writer_options_init();
    fstrm_unix_writer_options_set_socket_path(where, \"/run/example.sock\");
    struct fstrm_writer *writer = fstrm_unix_writer_init(where, NULL);
    struct fstrm_iothr *iothr = fstrm_iothr_init(NULL, &writer);
    struct fstrm_iothr_queue *queue = fstrm_iothr_get_input_queue(iothr);
    if (fstrm_iothr_submit(iothr, queue, strdup(\"hello\"), 5, fstrm_free_wrapper, NULL)
        != fstrm_res_success) ...
    fstrm_iothr_destroy(&iothr);
    fstrm_unix_writer_options_destroy(&where);

A program that consumes messages creates a reader (fstrm_file_reader_init(),
fstrm_reader_init()), and calls fstrm_reader_read() until it returns fstrm_res_stop.

Unless a function says otherwise, only one thread at a time may use an object, options are copied
and can be destroyed after use, and a call with NULL for an object fails. Each header can be
included alone. This library has the interface of fstrm 0.6.1; its additions are in
<fstrm/stats.h>.",
        declarations: &[],
        inlines: "",
    },
    Header {
        path: "fstrm/res.h",
        sources: &["libfstrm/res.rs"],
        includes: &["stddef.h", "stdint.h", "sys/uio.h"],
        introduction: "Result codes, and the objects of the library.",
        declarations: &["
struct fstrm_control;
struct fstrm_file_options;
struct fstrm_iothr;
struct fstrm_iothr_options;
struct fstrm_iothr_queue;
struct fstrm_rdwr;
struct fstrm_reader;
struct fstrm_reader_options;
struct fstrm_tcp_writer_options;
struct fstrm_unix_writer_options;
struct fstrm_writer;
struct fstrm_writer_options;"],
        inlines: "",
    },
    Header {
        path: "fstrm/control.h",
        sources: &["libfstrm/control.rs"],
        includes: &["fstrm/res.h"],
        introduction: "\
Control frames, which open and close a stream.

A stream is a sequence of frames. A data frame is its length, as a 32-bit integer in network byte
order, followed by that many bytes. A length of zero is an escape, followed by the length and the
bytes of a control frame. These are a type and any number of fields, each a field type, a length
and that many bytes, with integers of the same kind.

On a unidirectional stream, such as a file, the sender sends START, data frames and STOP. On a
bidirectional stream, it sends READY, waits for ACCEPT, sends START, data frames and STOP, and
waits for FINISH. READY contains the content types that the sender can send, ACCEPT those that the
receiver accepts, and START that of the stream.",
        declarations: &[],
        inlines: "",
    },
    Header {
        path: "fstrm/file.h",
        sources: &["libfstrm/file.rs"],
        includes: &["fstrm/res.h"],
        introduction: "Readers of files, and writers to them.",
        declarations: &[],
        inlines: "",
    },
    Header {
        path: "fstrm/iothr.h",
        sources: &["libfstrm/iothr.rs"],
        includes: &["fstrm/res.h"],
        introduction: "\
A writer thread with queues.

Threads submit frames to queues without waiting. The writer thread opens the writer, sends the
frames, keeps them while the receiver is away or slow, and reconnects.",
        declarations: &[],
        inlines: "",
    },
    Header {
        path: "fstrm/rdwr.h",
        sources: &["libfstrm/rdwr.rs"],
        includes: &["fstrm/res.h"],
        introduction: "\
Byte streams made of the caller's own functions, for readers and writers on other transports than
those of the library. One thread at a time calls the functions of a stream; for the writer of an
fstrm_iothr, this is the writer thread.",
        declarations: &[],
        inlines: "",
    },
    Header {
        path: "fstrm/reader.h",
        sources: &["libfstrm/reader.rs"],
        includes: &["fstrm/res.h", "fstrm/control.h"],
        introduction: "Reading a stream.",
        declarations: &[],
        inlines: "",
    },
    Header {
        path: "fstrm/stats.h",
        sources: &["libfstrm/stats.rs"],
        includes: &["fstrm/res.h"],
        introduction: "\
Additions of this library to fstrm 0.6.1: counters of a writer thread, time limits, and a memory
limit. Programs that use them need this library, with the symbol version LIBFSTRM_RS_0.1.",
        declarations: &[],
        inlines: "",
    },
    Header {
        path: "fstrm/tcp_writer.h",
        sources: &["libfstrm/tcp_writer.rs"],
        includes: &["fstrm/res.h"],
        introduction: "Writers to TCP addresses.",
        declarations: &[],
        inlines: "",
    },
    Header {
        path: "fstrm/unix_writer.h",
        sources: &["libfstrm/unix_writer.rs"],
        includes: &["fstrm/res.h"],
        introduction: "Writers to Unix sockets.",
        declarations: &[],
        inlines: "",
    },
    Header {
        path: "fstrm/writer.h",
        sources: &["libfstrm/writer.rs"],
        includes: &["fstrm/res.h", "fstrm/control.h"],
        introduction: "Writing a stream.",
        declarations: &[],
        inlines: "",
    },
    Header {
        path: "libdnstap.h",
        sources: &[
            "libdnstap/version.rs",
            "libdnstap/result.rs",
            "libdnstap/message.rs",
            "libdnstap/names.rs",
            "libdnstap/options.rs",
            "libdnstap/sink.rs",
            "libdnstap/event.rs",
            "libdnstap/queue.rs",
            "libdnstap/log.rs",
            "libdnstap/codec.rs",
            "libdnstap/reader.rs",
            "libdnstap/writer.rs",
        ],
        includes: &[
            "netinet/in.h",
            // Declares struct timespec even if <time.h> is limited to C99.
            "sched.h",
            "stdbool.h",
            "stddef.h",
            "stdint.h",
            "sys/socket.h",
            "sys/types.h",
            "time.h",
        ],
        introduction: include_str!("../../libdnstap/introduction.txt"),
        declarations: &[
            include_str!("../../libdnstap/version.h"),
            include_str!("../../libdnstap/types.h"),
        ],
        inlines: include_str!("../../libdnstap/inline.h"),
    },
];

impl Header {
    fn generate(&self, root: &Path) -> String {
        let mut config = Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml");
        config.include_guard = Some(self.path.to_uppercase().replace(['/', '.'], "_"));
        config.sys_includes = self.includes.iter().map(|name| name.to_string()).collect();
        let declarations: String = self.declarations.iter().map(|text| contents(text)).collect();
        config.after_includes = Some(fill_in(declarations.trim_end()));
        let text: String =
            contents(self.introduction).trim().lines().map(|line| format!(" * {line}\n")).collect();
        let text = text.replace(" \n", "\n");
        config.header = Some(format!(
            "/* SPDX-License-Identifier: MIT OR Apache-2.0 */\n/**\n * @file\n{text} */"
        ));
        let mut builder = Builder::new().with_config(config);
        for source in self.sources {
            builder = builder.with_src(root.join("src").join(source));
        }
        let mut header = Vec::new();
        builder.generate().expect(self.path).write(&mut header);
        let header = String::from_utf8(header).expect("UTF-8");
        let (body, guard) = header.rsplit_once("#endif").expect("an include guard");
        let inlines = match contents(self.inlines).trim() {
            "" => String::new(),
            inlines => format!("{inlines}\n\n"),
        };
        format!("{body}{inlines}#endif{guard}")
    }
}

/// Returns a text without the line of its license, if it has one.
fn contents(text: &str) -> &str {
    match text.split_once('\n') {
        Some((first, rest)) if first.contains("SPDX-License-Identifier") => rest,
        _ => text,
    }
}

/// Inserts the version of the workspace and the enumerations of the schema into a text.
fn fill_in(text: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let parts = version.split('.').map(|part| part.parse().expect("a version of three numbers"));
    let number = parts.fold(0, |number: u32, part: u8| number << 8 | u32::from(part));
    text.replace("@VERSION@", version)
        .replace("@VERSION_NUMBER@", &format!("{number:#08x}"))
        .replace("@ENUMERATIONS@", enumerations().trim_end())
}

/// Returns the enumerations of the schema in C, in the format of cbindgen, which does not expand
/// the macros of their table. The type of events, which the library sets, is omitted.
fn enumerations() -> String {
    let comment = |indent: &str, about: &[&str]| {
        let lines: String = about.iter().map(|line| format!("{indent} *{line}\n")).collect();
        format!("{indent}/**\n{lines}{indent} */\n")
    };
    let enumeration = |EnumDescription { type_name, about, values, .. }| {
        let mut name = String::from("dnstap");
        for letter in type_name.chars() {
            name.extend(letter.is_uppercase().then_some('_'));
            name.push(letter.to_ascii_lowercase());
        }
        let value = |EnumValue { constant, number, about, .. }: &EnumValue| {
            let prefix = name.to_uppercase();
            format!("{}  {prefix}_{constant} = {number},\n", comment("  ", about))
        };
        let values: String = values.iter().map(value).collect();
        format!("{}typedef enum {name} {{\n{values}}} {name};\n\n", comment("", about))
    };
    let public = ENUMERATIONS.into_iter().filter(|known| known.type_name != "EventType");
    public.map(enumeration).collect()
}

#[test]
fn headers_are_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut stale = Vec::new();
    for header in HEADERS {
        let path = root.join("include").join(header.path);
        let made = header.generate(&root);
        if std::env::var_os("UPDATE_HEADERS").is_some_and(|value| value == "1") {
            fs::write(&path, made).expect(header.path);
        } else if fs::read_to_string(&path).ok() != Some(made) {
            stale.push(header.path);
        }
    }
    assert!(stale.is_empty(), "out of date: {stale:?}; run `make headers`");

    let known: Vec<_> =
        HEADERS.iter().map(|header| root.join("include").join(header.path)).collect();
    for folder in ["include", "include/fstrm"] {
        for entry in fs::read_dir(root.join(folder)).expect(folder) {
            let path = entry.expect(folder).path();
            assert!(path.is_dir() || known.contains(&path), "{} is not generated", path.display());
        }
    }
}

#[test]
fn the_guide_explains_every_field_of_a_message() {
    let header = include_str!("../../../include/libdnstap.h");
    let guide = include_str!("../../../docs/integration.md");
    let (_, rest) = header.split_once("typedef struct dnstap_message {").expect("the struct");
    let (body, _) = rest.split_once("} dnstap_message;").expect("its end");
    let code = body.lines().filter(|line| !line.trim_start().starts_with('*'));
    let names = code.filter_map(|line| line.strip_suffix(';')?.rsplit([' ', '*']).next());
    // The size is that of the struct, reserved fields are 0, and types have a table of their own.
    for name in names.filter(|name| !matches!(*name, "size" | "reserved" | "type")) {
        let is_explained = guide.contains(&format!("`{name}`"));
        assert!(is_explained, "docs/integration.md does not say when to set the field `{name}`");
    }
}
