// SPDX-License-Identifier: MIT OR Apache-2.0
//! Options that have no effect or conflict, unless clap checks that.

use std::collections::HashSet;
use std::fs;
use std::io::{self, IsTerminal};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use files::compressor::is_compressed;
use files::file_name::{has_conversions, prefix};
use files::{STANDARD_INPUT, STANDARD_OUTPUT, distinct};
use pipeline::format::{DataKind, Format};
use receive::address::PeerAddress;
use strum::VariantArray;

use super::DnstapOptions;

/// Returns the first problem with the options.
pub(crate) fn misuse(options: &DnstapOptions) -> Option<(ErrorKind, String)> {
    if let Some(text) = conflict(options) {
        return Some((ErrorKind::ArgumentConflict, text));
    }
    let text = "no input: name a file with -r, or a socket with -u, -l or --connect";
    (options.read.is_empty() && !options.listens())
        .then(|| (ErrorKind::MissingRequiredArgument, text.into()))
}

/// Returns the first option that has no effect or conflicts with another.
fn conflict(options: &DnstapOptions) -> Option<String> {
    if options.follow && options.read.len() > 1 {
        let text =
            "--follow waits at the end of a file, and never gets to the next: name one with -r";
        return Some(text.into());
    }
    if options.follow && options.read.iter().any(|name| name == Path::new(STANDARD_INPUT)) {
        let text =
            "--follow waits at the end of a file, and the standard input has none: name the file";
        return Some(text.into());
    }
    if let Some(text) = unknown_prefix(options) {
        return Some(text);
    }
    if let Some(socket) = distinct::named_twice(&options.unix) {
        return Some(format!("{} is named twice by -u", socket.display()));
    }
    if let Some(relay) = relay_named_twice(options) {
        return Some(format!("the relay to {relay} is named twice"));
    }
    let files = options.files();
    let splits = options.split.is_some() || options.split_size.is_some();
    if splits && files.iter().any(|(_, name)| is_standard_output(name)) {
        let text = "--split and --split-size are for files: the standard output cannot be split";
        return Some(text.into());
    }
    if !options.fields.is_empty() && !files.iter().any(|(format, _)| format.has_columns()) {
        let text = "--fields chooses the columns of ndjson, csv, tsv or parquet: name one of these \
                    formats with --format or -w";
        return Some(text.into());
    }
    without_file(options, &files)
        .or_else(|| without_calendar(options, &files))
        .or_else(|| files.iter().find_map(|(format, name)| unfit(options, *format, name)))
        .or_else(|| {
            let option = idle_tls_option(options)?;
            Some(format!("{option} is given, but nothing speaks TLS that needs it"))
        })
}

/// Returns a name with an unknown prefix, which is more likely a mistake than a file.
fn unknown_prefix(options: &DnstapOptions) -> Option<String> {
    for name in options.write.iter().filter_map(|name| name.to_str()) {
        if let Some(word) = prefix(name).filter(|word| word.parse::<Format>().is_err()) {
            let formats: Vec<_> = Format::VARIANTS.iter().map(|format| format.name()).collect();
            let formats = formats.join(", ");
            return Some(format!(
                "-w {name}: \"{word}\" is not a format, which are {formats}; write ./{name} for a file \
                 of this name"
            ));
        }
    }
    let missing =
        options.read.iter().filter(|name| !name.exists()).filter_map(|name| name.to_str());
    missing.into_iter().find(|name| prefix(name).is_some()).map(|name| {
        format!(
            "-r {name}: there is no such file, and -r reads nothing else; write ./{name} for one"
        )
    })
}

/// Returns a receiver that is named twice, under any path.
fn relay_named_twice(options: &DnstapOptions) -> Option<String> {
    let twice = distinct::named_twice(&options.relay_unix).map(|path| path.display().to_string());
    let mut names = HashSet::new();
    let again = options.relay_tcp.iter().find(|address| !names.insert(*address));
    twice.or_else(|| again.map(PeerAddress::to_string))
}

fn is_standard_output(name: &Path) -> bool {
    name.as_os_str() == STANDARD_OUTPUT
}

/// Returns an option about regular files if none is written.
fn without_file(options: &DnstapOptions, files: &[(Format, PathBuf)]) -> Option<String> {
    let is_special = |name: &Path| {
        is_standard_output(name) || fs::metadata(name).is_ok_and(|metadata| !metadata.is_file())
    };
    let option = [
        ("-a", options.append),
        ("--post-rotate", options.post_rotate.is_some()),
        ("--localtime", options.localtime),
        ("--gmtime", options.gmtime),
    ]
    .into_iter()
    .find_map(|(option, given)| given.then_some(option))?;
    files
        .iter()
        .all(|(_, name)| is_special(name))
        .then(|| format!("{option} is for files, and none is named with -w"))
}

/// Returns the calendar option if no name is a pattern.
fn without_calendar(options: &DnstapOptions, files: &[(Format, PathBuf)]) -> Option<String> {
    let option = match (options.localtime, options.gmtime) {
        (true, _) => "--localtime",
        (_, true) => "--gmtime",
        _ => return None,
    };
    // An option that requires a calendar may have one without effect.
    let needless = options.split.is_none()
        && !files.iter().any(|(_, name)| has_conversions(name.as_os_str().as_bytes()));
    needless.then(|| format!("{option} makes names of patterns such as %F, and -w has none"))
}

/// Returns the reason that a file does not fit its format.
fn unfit(options: &DnstapOptions, format: Format, name: &Path) -> Option<String> {
    let shown = name.display();
    if fs::metadata(name).is_ok_and(|metadata| metadata.file_type().is_socket()) {
        return Some(format!("-w cannot write to {shown}, which is a socket: -U relays to one"));
    }
    if options.append && is_compressed(name) {
        return Some(format!("-a cannot continue {shown}, which is compressed: choose a new name"));
    }
    let properties = format.properties();
    if properties.kind == DataKind::Whole && options.append {
        return Some(format!("-a cannot continue {shown}: choose a new name, or leave -a out"));
    }
    if !properties.can_be_compressed && is_compressed(name) {
        let name = format.name();
        return Some(format!("{shown}: {name} is compressed by itself: leave .zst out"));
    }
    let is_terminal = is_standard_output(name) && io::stdout().is_terminal();
    let text = match properties.kind {
        DataKind::Frames => "frames are not for a terminal: choose -q, -y or -j, or a file",
        DataKind::Whole => "this format is not for a terminal: choose a file, or a pipe",
        DataKind::Text => return None,
    };
    is_terminal.then(|| text.into())
}

/// Returns an option about TLS that has no effect.
fn idle_tls_option(options: &DnstapOptions) -> Option<&'static str> {
    let peers = options.connect.iter().chain(&options.relay_tcp);
    let connects = peers.into_iter().any(PeerAddress::is_tls);
    let listens = !options.listen.is_empty();
    [
        ("--tls-cert", options.tls_cert.is_some() && !connects && !listens),
        ("--tls-client-ca", options.tls_client_ca.is_some() && !listens),
        ("--tls-ca", options.tls_ca.is_some() && !connects),
        ("--tls-server-name", options.tls_server_name.is_some() && !connects),
    ]
    .into_iter()
    .find_map(|(option, idle)| idle.then_some(option))
}
