// SPDX-License-Identifier: MIT OR Apache-2.0
//! Properties that must hold for any input: the bodies of the fuzz targets, which the test `corpus`
//! runs too.

use std::io::{self, Write};
use std::net::Shutdown;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use dnstap::Event;
use dnstap::encode::{ADDRESS_MAX, BYTES_MAX, EncodeError};
use dnstap::output::Output;
use dnstap::reader::{ReadError, Reader};

/// Frame size limit of the reader: the smallest that can be set, so that short streams can exceed
/// it.
const MAX_FRAME_SIZE: usize = 512;

/// Maximum number of bytes in one write, which an empty pipe or socket accepts without blocking.
const PIECE: usize = 4096;

/// Decodes `bytes`. A decoded event is the same after encoding and decoding it.
pub(crate) fn decode(bytes: &[u8]) {
    let event = match Event::decode(bytes) {
        Ok(event) => event,
        Err(error) => {
            assert!(error.offset <= bytes.len(), "{error} of {}", bytes.len());
            return;
        }
    };
    let encoded = event.max_len().and_then(|max_len| {
        let mut out = vec![0; max_len];
        let length = event.encode(&mut out)?;
        out.truncate(length);
        Ok(out)
    });
    match encoded {
        Ok(encoded) => assert_eq!(Event::decode(&encoded), Ok(event), "another event"),
        Err(EncodeError::TooLong(_)) => assert!(has_long_field(&event), "{event:?}"),
        Err(EncodeError::PolicyType) => {
            let policy = event.message.and_then(|message| message.policy);
            let policy_type = policy.and_then(|policy| policy.policy_type);
            assert!(std::str::from_utf8(policy_type.unwrap_or_default()).is_err());
        }
        Err(EncodeError::BufferTooSmall) => panic!("more than max_len: {event:?}"),
    }
}

/// Parses `bytes` as an output. Formatting and parsing it again gives the same output.
pub(crate) fn output(bytes: &[u8]) {
    let Ok(output) = Output::try_from(bytes) else { return };
    let written = match &output {
        Output::Unix(path) => [b"unix:", path.as_os_str().as_bytes()].concat(),
        Output::File(path) => [b"file:", path.as_os_str().as_bytes()].concat(),
        Output::Tcp(host, port) => format!("tcp:{host}@{port}").into_bytes(),
        #[cfg(feature = "tls")]
        Output::Tls(host, port) => format!("tls:{host}@{port}").into_bytes(),
    };
    assert_eq!(Output::try_from(&written[..]), Ok(output), "{}", written.escape_ascii());
}

/// Returns whether the encoder must refuse a field because of its length.
fn has_long_field(event: &Event<'_>) -> bool {
    let is_long =
        |field: Option<&[u8]>, max_len: usize| field.is_some_and(|field| field.len() > max_len);
    let mut fields = vec![event.identity, event.version, event.extra];
    let mut addresses = Vec::new();
    if let Some(message) = &event.message {
        fields.extend([message.query_message, message.query_zone, message.response_message]);
        addresses.extend([message.query_address, message.response_address]);
        if let Some(policy) = &message.policy {
            fields.extend([policy.policy_type, policy.rule, policy.value]);
        }
    }
    fields.into_iter().any(|field| is_long(field, BYTES_MAX))
        || addresses.into_iter().any(|address| is_long(address, ADDRESS_MAX))
}

/// Reads `bytes` as a stream, from a pipe and, in other pieces, from a socket. Both return the
/// frames of the stream in order, and end.
#[allow(clippy::incompatible_msrv, reason = "only tests make pipes, with the latest Rust")]
pub(crate) fn reader(bytes: &[u8]) {
    let (read, write) = io::pipe().expect("a pipe");
    let mut write = Some(write);
    let piped = play(bytes, PIECE, Reader::from_fd(read.into()), |piece| match piece {
        Some(piece) => write.as_mut().expect("not closed yet").write_all(piece),
        None => {
            write = None;
            Ok(())
        }
    });
    let (mut ours, theirs) = UnixStream::pair().expect("a socket pair");
    let size = (bytes.len() / 16).clamp(1, PIECE);
    let sent = play(bytes, size, Reader::from_fd(theirs.into()), |piece| match piece {
        Some(piece) => ours.write_all(piece),
        None => ours.shutdown(Shutdown::Write),
    });
    // Only a socket may begin with READY.
    if !matches!(piped.end, Some(ReadError::OutOfTurn { .. })) {
        assert_eq!(format!("{piped:?}"), format!("{sent:?}"));
    }
}

/// The result of reading a stream.
#[derive(Debug, Default)]
struct Seen {
    frames: u64,
    skipped: u64,
    /// The offset at which the last frame ended.
    offset: u64,
    /// The error that ended the stream.
    end: Option<ReadError>,
}

/// Writes `bytes` in pieces of `size`, then closes, and reads after each step.
fn play(
    bytes: &[u8],
    size: usize,
    reader: io::Result<Reader>,
    mut write: impl FnMut(Option<&[u8]>) -> io::Result<()>,
) -> Seen {
    let mut reader = reader.expect("a descriptor");
    assert!(reader.set_max_frame_size(MAX_FRAME_SIZE));
    let mut seen = Seen::default();
    for piece in bytes.chunks(size) {
        write(Some(piece)).expect("room, as the reader has read the previous piece");
        if read_available(&mut reader, bytes, &mut seen) {
            return seen;
        }
    }
    write(None).expect("an open reader");
    assert!(read_available(&mut reader, bytes, &mut seen), "a wait after the end");
    seen
}

/// Reads until the stream ends or the reader would wait. Returns whether it ended.
fn read_available(reader: &mut Reader, bytes: &[u8], seen: &mut Seen) -> bool {
    loop {
        match reader.next(Duration::ZERO) {
            Ok(Some(payload)) => {
                let payload = payload.to_vec();
                let end = check_frame(bytes, reader.offset(), payload.len() as u32, seen);
                assert_eq!(payload, bytes[end as usize - payload.len()..end as usize]);
                assert!(payload.len() <= MAX_FRAME_SIZE);
                seen.frames += 1;
                seen.offset = end;
            }
            Ok(None) => {
                assert!(matches!(reader.next(Duration::ZERO), Ok(None)), "more after STOP");
                return true;
            }
            Err(ReadError::TimedOut) => return false,
            Err(ReadError::TooLarge { offset, size }) => {
                seen.offset = check_frame(bytes, offset, size, seen);
                assert!(size as usize > MAX_FRAME_SIZE);
                seen.skipped += 1;
            }
            Err(error) => {
                let again = reader.next(Duration::ZERO).expect_err("the end of the stream");
                assert_eq!(again.to_string(), error.to_string());
                assert!(!matches!(error, ReadError::Io(_)), "{error}");
                seen.end = Some(error);
                return true;
            }
        }
        assert_eq!((reader.frames(), reader.skipped()), (seen.frames, seen.skipped));
    }
}

/// Checks that a frame of this size begins at `offset`, after all previous ones. Returns its end.
fn check_frame(bytes: &[u8], offset: u64, size: u32, seen: &Seen) -> u64 {
    assert!(offset >= seen.offset, "{offset} is before {}", seen.offset);
    let payload = offset as usize + 4;
    assert_eq!(bytes[offset as usize..payload], size.to_be_bytes());
    payload as u64 + u64::from(size)
}
