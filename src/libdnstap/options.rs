// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ffi::{CStr, CString, c_char, c_uint};
use std::ops::RangeInclusive;
#[cfg(feature = "tls")]
use std::path::PathBuf;
use std::ptr;
use std::time::Duration;

use dnstap::encode::BYTES_MAX;
use dnstap::output::Output;
use dnstap::sink::{ALL_MESSAGE_TYPES, OpenError, Options};
use framestream::handshake::Direction;
#[cfg(feature = "tls")]
use framestream::transport::TlsVerify;

use crate::fault::Fault;
use crate::handle::{Handle, Tag, borrow, borrow_mut, take};
use crate::result::*;

/// How a sink or a writer works.
pub type dnstap_options = Handle<SinkOptions>;

/// What the certificate of a server has to prove.
#[repr(C)]
pub enum dnstap_tls_verify {
    /// That it is the server of the name, as a trusted authority says. The default.
    DNSTAP_TLS_VERIFY_NAME = 0,
    /// That a trusted authority knows the server, by whatever name.
    DNSTAP_TLS_VERIFY_AUTHORITY = 1,
    /// Nothing: nobody can read along, but anybody can be the server.
    DNSTAP_TLS_VERIFY_NOTHING = 2,
}

/// What is behind a `dnstap_options`.
#[derive(Default)]
pub struct SinkOptions {
    options: Options,
    /// The last error.
    error: CString,
}

impl Tag for SinkOptions {
    const TAG: u32 = u32::from_ne_bytes(*b"dtop");
}

impl SinkOptions {
    /// Does something with the options, and keeps what is wrong with them.
    pub(crate) fn attempt<R, E: Into<Fault>>(
        &mut self,
        run: impl FnOnce(&mut Options) -> Result<R, E>,
    ) -> Result<R, dnstap_result> {
        run(&mut self.options).map_err(|error| {
            let (result, text) = error.into().into_parts();
            self.error = text;
            result
        })
    }
}

/// A string of the caller; `None` for NULL.
///
/// # Safety
/// `text` is NULL or ends with NUL.
pub(crate) unsafe fn text<'a>(text: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: passed on to the caller.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_bytes())
}

/// The bits by which a set shows that it was made of DNSTAP_ALL_MESSAGE_TYPES: those of no type.
const OF_ALL: u32 = 1 | 1 << 31;

const _: () = assert!(OF_ALL & ALL_MESSAGE_TYPES == 0);

/// Returns a set of message types that the caller has given, as far as it is valid.
pub(crate) fn message_types(bits: u32) -> Result<u32, Fault> {
    match bits & !ALL_MESSAGE_TYPES {
        0 => Ok(bits),
        rest if rest & OF_ALL == OF_ALL => Ok(bits & ALL_MESSAGE_TYPES),
        unknown => {
            let bit = unknown.trailing_zeros();
            let last = ALL_MESSAGE_TYPES.ilog2();
            let text = format!(
                "message_types is {bits:#x}, but bit {bit} is not that of a message type: \
                 they are from 1 to {last}"
            );
            Err(Fault::new(DNSTAP_ERROR_VALUE, text))
        }
    }
}

/// Sets an option.
///
/// # Safety
/// `options` is NULL or a handle of this library.
unsafe fn set<E: Into<Fault>>(
    options: *mut dnstap_options,
    store: impl FnOnce(&mut Options) -> Result<(), E>,
) -> dnstap_result {
    ffi::guard(DNSTAP_ERROR_INTERNAL, || {
        // SAFETY: passed on to the caller.
        let options = unsafe { borrow_mut(options) };
        dnstap_result::from_done(options.and_then(|options| options.attempt(store)))
    })
}

/// A time in milliseconds, if it is in range.
fn time(
    option: &str,
    milliseconds: c_uint,
    range: RangeInclusive<c_uint>,
) -> Result<Duration, Fault> {
    if range.contains(&milliseconds) {
        Ok(Duration::from_millis(milliseconds.into()))
    } else {
        Err(Fault::range(option, milliseconds, " ms", &range))
    }
}

/// A text of the caller that is to be UTF-8 here; `None` for NULL.
///
/// # Safety
/// As for [`text`].
unsafe fn utf8(option: &str, from: *const c_char) -> Result<Option<String>, Fault> {
    // SAFETY: passed on to the caller.
    let bytes = unsafe { text(from) };
    let checked = bytes.map(|bytes| {
        let given = String::from_utf8_lossy(bytes);
        let not = || Fault::new(DNSTAP_ERROR_VALUE, format!("{option} is {given:?}, not UTF-8"));
        str::from_utf8(bytes).map(str::to_owned).map_err(|_| not())
    });
    checked.transpose()
}

/// A path of the caller, made absolute as that of an output is; `None` for NULL. An empty path
/// stays as it is, and leads nowhere.
///
/// # Safety
/// As for [`text`].
#[cfg(feature = "tls")]
unsafe fn path(from: *const c_char) -> Result<Option<PathBuf>, OpenError> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    // SAFETY: passed on to the caller.
    let Some(bytes) = (unsafe { text(from) }) else { return Ok(None) };
    let path = PathBuf::from(OsStr::from_bytes(bytes));
    match std::path::absolute(&path) {
        Ok(path) => Ok(Some(path)),
        Err(_) if bytes.is_empty() => Ok(Some(path)),
        Err(error) => Err(OpenError::Path { path, error }),
    }
}

/// An output whose path, if it has one, does not depend on the working directory any more.
fn absolute(output: Output) -> Result<Output, OpenError> {
    let path = match &output {
        Output::Unix(path) | Output::File(path) => path.clone(),
        _ => return Ok(output),
    };
    output.absolute().map_err(|error| OpenError::Path { path, error })
}

/// Makes options with the default values: no output, all message types, the name of the host as
/// identity. They are copied where they are used.
///
/// @return  The options, to be freed with dnstap_options_free(); NULL on a fault of the library.
#[unsafe(no_mangle)]
pub extern "C" fn dnstap_options_new() -> *mut dnstap_options {
    ffi::guard(ptr::null_mut(), || Handle::give(SinkOptions::default()))
}

/// Frees options.
///
/// @param[in,out] options  Where they are; NULL is left there. Nothing happens if it is NULL
///                         already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_free(options: *mut *mut dnstap_options) {
    // SAFETY: as documented.
    ffi::guard((), || drop(unsafe { take(options) }));
}

/// Tells what was wrong in the last call with these options that returned an error, such as which
/// file could not be read, in a line without a full stop.
///
/// @param options  The options.
/// @return         A string that is valid until the next call with these options; never NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_get_error(options: *const dnstap_options) -> *const c_char {
    ffi::guard(c"".as_ptr(), || {
        // SAFETY: as documented.
        match unsafe { borrow(options) } {
            Ok(options) => options.error.as_ptr(),
            Err(error) => error.text().as_ptr(),
        }
    })
}

/// Checks options as dnstap_sink_open() does, with the same result and text, but opens nothing: for
/// a configuration check, and for a daemon that has to report errors before it detaches from its
/// terminal. Starts no thread and creates no file.
///
/// Checked are: that an output is set; that the path of a socket fits into an address (107 bytes on
/// Linux), and that nothing but a socket is there; that the folder of a file exists, and that the
/// path itself is not one; that certificates, keys and names for TLS can be read and used, and are
/// only set for a tls: output. Not checked, as they may change until the sink is open, or later:
/// permissions, free space, whether a receiver listens, and the folder of a socket. A daemon that
/// changes its user or root directory has to make sure that the path of its output is usable then.
///
/// @param options  The options. dnstap_options_get_error() has more about an error.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_OUTPUT        No output is set.
/// @retval DNSTAP_ERROR_PATH
/// @retval DNSTAP_ERROR_NOT_A_SOCKET
/// @retval DNSTAP_ERROR_TLS
/// @retval DNSTAP_ERROR_CONFLICT
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_check(options: *mut dnstap_options) -> dnstap_result {
    // SAFETY: as documented.
    unsafe { set(options, |options| options.check()) }
}

/// Sets where to send to. There is no default.
///
/// @param options  The options.
/// @param output   `unix:PATH`, a socket that a receiver listens on; `tcp:HOST:PORT`, where HOST is
///                 a name, which is looked up anew for every connection, or an address, IPv6 in
///                 brackets; `tls:HOST:PORT`; or `file:PATH`, a file that is truncated. A relative
///                 PATH is made absolute by this call: a daemon that changes its working directory
///                 later still writes to the same place. A change of the root directory is not
///                 known here: PATH is that within the root at the time of each connection.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_OUTPUT
/// @retval DNSTAP_ERROR_PATH    PATH is relative, and the working directory is not known.
/// @retval DNSTAP_ERROR_NO_TLS
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_set_output(
    options: *mut dnstap_options,
    output: *const c_char,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe {
        set::<Fault>(options, |options| {
            // SAFETY: as documented.
            let bytes = text(output).ok_or_else(|| Fault::from(DNSTAP_ERROR_NULL).of("output"))?;
            let parsed = bytes.try_into().map_err(|error| {
                let output = format!("output {:?}", String::from_utf8_lossy(bytes));
                Fault::from(error).of(&output)
            });
            options.output = Some(absolute(parsed?)?);
            Ok(())
        })
    }
}

/// Sets the name of the server (`Dnstap.identity`), as a rule its answer to NSID (RFC 5001).
///
/// @param options   The options.
/// @param identity  At most 65,535 bytes; NULL leaves it out. By default the name of the host.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_LENGTH
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_set_identity(
    options: *mut dnstap_options,
    identity: *const c_char,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe {
        set::<Fault>(options, |options| {
            // SAFETY: as documented.
            options.identity = name("identity", identity)?;
            Ok(())
        })
    }
}

/// Sets the software of the server (`Dnstap.version`), as a rule its answer to "version.bind" in
/// class CH.
///
/// @param options  The options.
/// @param version  At most 65,535 bytes; NULL, the default, leaves it out.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_LENGTH
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_set_version(
    options: *mut dnstap_options,
    version: *const c_char,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe {
        set::<Fault>(options, |options| {
            // SAFETY: as documented.
            options.version = name("version", version)?;
            Ok(())
        })
    }
}

/// An identity or version of the caller.
///
/// # Safety
/// As for [`text`].
unsafe fn name(option: &str, from: *const c_char) -> Result<Option<Vec<u8>>, Fault> {
    // SAFETY: passed on to the caller.
    match unsafe { text(from) } {
        Some(bytes) if bytes.len() > BYTES_MAX => {
            let length = bytes.len();
            let text = format!("{option} has {length} bytes, but may have at most {BYTES_MAX}");
            Err(Fault::new(DNSTAP_ERROR_LENGTH, text))
        }
        bytes => Ok(bytes.map(Vec::from)),
    }
}

/// Sets which message types are logged; dnstap_sink_set_message_types() changes it later.
///
/// @param options        The options.
/// @param message_types  DNSTAP_MESSAGE_TYPE_BIT() of each; DNSTAP_ALL_MESSAGE_TYPES, with or without
///                       some types, for all that the library knows. By default all.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_VALUE   A bit is that of no message type.
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_set_message_types(
    options: *mut dnstap_options,
    message_types: u32,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe {
        set::<Fault>(options, |options| {
            options.message_types = self::message_types(message_types)?;
            Ok(())
        })
    }
}

/// Sets the size of each queue's ring, which holds its pending messages. Messages that are logged
/// while it is full are dropped. Only the part of it in which messages had to wait takes memory.
///
/// @param options      The options.
/// @param queue_bytes  From 4096 to 1 GiB, rounded up to a power of two; 1 MiB by default.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_VALUE
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_set_queue_bytes(
    options: *mut dnstap_options,
    queue_bytes: usize,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe {
        set(options, |options| {
            let range = 4096..=1 << 30;
            if !range.contains(&queue_bytes) {
                return Err(Fault::range("queue_bytes", queue_bytes, "", &range));
            }
            options.queue_bytes = queue_bytes;
            Ok(())
        })
    }
}

/// Sets how much memory the pending messages of all freed queues together may hold; each such queue
/// counts for at least 64 KiB. If they hold more, dnstap_queue_new() drops the oldest of these
/// messages, and counts them as `dropped_full`. The rings of a sink thus take at most `queue_bytes`
/// for each queue in use, plus this.
///
/// @param options            The options.
/// @param freed_queue_bytes  Any number; 256 MiB by default. With 0, pending messages of a freed
///                           queue are dropped unless they are sent before the next queue is made.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_set_freed_queue_bytes(
    options: *mut dnstap_options,
    freed_queue_bytes: usize,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe {
        set::<Fault>(options, |options| {
            options.freed_queue_bytes = freed_queue_bytes;
            Ok(())
        })
    }
}

/// Sets how long a message waits for others, to be sent together.
///
/// @param options       The options.
/// @param milliseconds  From 1 to 600,000; 1,000 by default.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_VALUE
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_set_flush_interval(
    options: *mut dnstap_options,
    milliseconds: c_uint,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe {
        set(options, |options| {
            time("flush_interval", milliseconds, 1..=600_000)
                .map(|time| options.sender.flush_timeout = time)
        })
    }
}

/// Sets the longest time between two attempts to connect. The first is repeated after 100 ms, and
/// each failure doubles the time.
///
/// @param options       The options.
/// @param milliseconds  From 100 to 600,000; 5,000 by default.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_VALUE
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_set_reconnect_interval(
    options: *mut dnstap_options,
    milliseconds: c_uint,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe {
        set(options, |options| {
            time("reconnect_interval", milliseconds, 100..=600_000)
                .map(|time| options.sender.reopen_interval = time)
        })
    }
}

/// Sets how long the receiver may take to connect, and for each handshake. After
/// that, the writer thread gives the connection up, and retries later. A call with a
/// dnstap_writer takes no longer than this, all its steps together.
///
/// @param options       The options.
/// @param milliseconds  From 1 to 600,000; 5,000 by default.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_VALUE
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_set_io_timeout(
    options: *mut dnstap_options,
    milliseconds: c_uint,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe {
        set(options, |options| {
            time("io_timeout", milliseconds, 1..=600_000).map(|time| options.io_timeout = time)
        })
    }
}

/// Sets how long dnstap_sink_close() may take to send what waits and to close the stream.
///
/// @param options       The options.
/// @param milliseconds  Up to 600,000; 2,000 by default.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_VALUE
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_set_close_timeout(
    options: *mut dnstap_options,
    milliseconds: c_uint,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe {
        set(options, |options| {
            time("close_timeout", milliseconds, 0..=600_000)
                .map(|time| options.sender.close_timeout = time)
        })
    }
}

/// Sets the sample rate N: one of N messages is logged. A query and its response, which
/// have the same initiator, port and message ID, are both logged or neither. Every event then says
/// so: its `extra` begins with `sample=1/N`, followed by a space and the caller's own bytes, if any.
///
/// @param options      The options.
/// @param sample_rate  At least 1; 1, the default, logs all.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_VALUE
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_set_sample_rate(
    options: *mut dnstap_options,
    sample_rate: c_uint,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe {
        set(options, |options| {
            if sample_rate == 0 {
                return Err(Fault::range("sample_rate", sample_rate, "", &(1..=c_uint::MAX)));
            }
            options.sample_rate = sample_rate;
            Ok(())
        })
    }
}

/// Sets whether a receiver on a socket answers. Most do: they choose the content type, and confirm
/// the end of the stream. To one that does not, the stream is sent as into a file.
///
/// @param options         The options.
/// @param unidirectional  Whether the receiver just listens; by default it does not.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_set_unidirectional(
    options: *mut dnstap_options,
    unidirectional: bool,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe {
        set::<Fault>(options, |options| {
            options.direction = unidirectional.then_some(Direction::Unidirectional);
            Ok(())
        })
    }
}

/// Sets the name of the writer thread.
///
/// @param options  The options.
/// @param name     A name in UTF-8, of which the system shows 15 bytes; "dnstap-writer" by default.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_VALUE   The name is not UTF-8.
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_set_thread_name(
    options: *mut dnstap_options,
    name: *const c_char,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe {
        set(options, |options| {
            // SAFETY: as documented.
            let name = utf8("thread_name", name)?;
            let name = name.ok_or_else(|| Fault::from(DNSTAP_ERROR_NULL).of("thread_name"))?;
            options.sender.thread_name = name;
            Ok::<_, Fault>(())
        })
    }
}

/// Sets the name that the certificate of the server has to be for.
///
/// @param options      The options.
/// @param server_name  A DNS name or an address; NULL, the default, for the host of the output.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_VALUE   The name is not UTF-8.
/// @retval DNSTAP_ERROR_NO_TLS
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_set_tls_server_name(
    options: *mut dnstap_options,
    server_name: *const c_char,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe {
        set::<Fault>(options, |options| {
            #[cfg(feature = "tls")]
            {
                // SAFETY: as documented.
                options.tls.server_name = utf8("tls_server_name", server_name)?;
                Ok(())
            }
            #[cfg(not(feature = "tls"))]
            no_tls(options, "tls_server_name", server_name.is_null())
        })
    }
}

/// Sets the certificates to trust: of authorities, and a server's own, which no authority has to
/// have signed.
///
/// @param options  The options.
/// @param path     A file in PEM, which dnstap_sink_open() reads; NULL, the default, for the
///                 authorities of the system. A relative path is made absolute by this call.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_PATH    It is relative, and the working directory is not known.
/// @retval DNSTAP_ERROR_NO_TLS
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_set_tls_ca_bundle(
    options: *mut dnstap_options,
    path: *const c_char,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe {
        set::<Fault>(options, |options| {
            #[cfg(feature = "tls")]
            {
                // SAFETY: as documented.
                options.tls.ca_bundle = self::path(path)?;
                Ok(())
            }
            #[cfg(not(feature = "tls"))]
            no_tls(options, "tls_ca_bundle", path.is_null())
        })
    }
}

/// Sets what the certificate of the server has to prove.
///
/// @param options  The options.
/// @param verify   One of enum dnstap_tls_verify.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_VALUE
/// @retval DNSTAP_ERROR_NO_TLS
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_set_tls_verify(
    options: *mut dnstap_options,
    verify: u32,
) -> dnstap_result {
    use dnstap_tls_verify::*;
    // SAFETY: as documented.
    unsafe {
        set::<Fault>(options, |options| {
            #[cfg(feature = "tls")]
            {
                options.tls.verify = match verify {
                    _ if verify == DNSTAP_TLS_VERIFY_NAME as u32 => TlsVerify::Name,
                    _ if verify == DNSTAP_TLS_VERIFY_AUTHORITY as u32 => TlsVerify::Authority,
                    _ if verify == DNSTAP_TLS_VERIFY_NOTHING as u32 => TlsVerify::Nothing,
                    _ => return Err(Fault::range("tls_verify", verify, "", &(0..=2))),
                };
                Ok(())
            }
            #[cfg(not(feature = "tls"))]
            no_tls(options, "tls_verify", verify == DNSTAP_TLS_VERIFY_NAME as u32)
        })
    }
}

/// Sets what to show to a server that asks for a certificate.
///
/// @param options      The options.
/// @param certificate  A file in PEM with the certificate and those of its issuers, which
///                     dnstap_sink_open() reads; NULL, the default, for none. Relative paths are
///                     made absolute by this call.
/// @param key          A file in PEM with its private key, without a passphrase; NULL if there is
///                     no certificate.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_PATH      One is relative, and the working directory is not known.
/// @retval DNSTAP_ERROR_CONFLICT  One is NULL, and the other is not.
/// @retval DNSTAP_ERROR_NO_TLS
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_set_tls_client_certificate(
    options: *mut dnstap_options,
    certificate: *const c_char,
    key: *const c_char,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe {
        set::<Fault>(options, |options| {
            if certificate.is_null() != key.is_null() {
                let missing = if key.is_null() { "key" } else { "certificate" };
                let text = format!("tls_client_certificate: the {missing} is missing");
                return Err(Fault::new(DNSTAP_ERROR_CONFLICT, text));
            }
            #[cfg(feature = "tls")]
            {
                // SAFETY: as documented.
                let certificate = path(certificate)?;
                // SAFETY: the same.
                options.tls.client_key = path(key)?;
                options.tls.client_certificate = certificate;
                Ok(())
            }
            #[cfg(not(feature = "tls"))]
            no_tls(options, "tls_client_certificate", certificate.is_null())
        })
    }
}

/// The default is as good as any other value where there is no TLS.
#[cfg(not(feature = "tls"))]
fn no_tls(_: &mut Options, option: &str, is_default: bool) -> Result<(), Fault> {
    if is_default { Ok(()) } else { Err(Fault::from(DNSTAP_ERROR_NO_TLS).of(option)) }
}
