// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ffi::{CStr, CString, c_char, c_uint};
use std::ops::RangeInclusive;
#[cfg(feature = "tls")]
use std::path::PathBuf;
use std::ptr;
use std::time::Duration;

use dnstap::encode::BYTES_MAX;
use dnstap::output::Output;
use dnstap::sink::{ALL_MESSAGE_TYPES, OpenError, SinkOptions};
use ffi::handle::{Handle, Tag, borrow, borrow_mut, take};
use framestream::handshake::Direction;
#[cfg(feature = "tls")]
use framestream::transport::TlsVerify;

use crate::fault::Fault;
use crate::result::*;

/// The configuration of a sink or a writer.
pub type dnstap_options = Handle<OptionsState>;

/// How the certificate of the server is verified.
#[repr(C)]
pub enum dnstap_tls_verify {
    /// A trusted authority has issued the certificate for the name of the server. The default.
    DNSTAP_TLS_VERIFY_NAME = 0,
    /// A trusted authority has issued the certificate, for any name.
    DNSTAP_TLS_VERIFY_AUTHORITY = 1,
    /// The certificate is not verified: the connection is encrypted, but the server may be anyone.
    DNSTAP_TLS_VERIFY_NOTHING = 2,
}

/// The contents of a `dnstap_options`.
#[derive(Default)]
pub struct OptionsState {
    options: SinkOptions,
    /// The last error.
    error: CString,
}

impl Tag for OptionsState {
    const TAG: u32 = u32::from_ne_bytes(*b"dtop");
    type Error = dnstap_result;
}

impl OptionsState {
    /// Runs a function on the options, and keeps the text of its error.
    pub(crate) fn attempt<R, E: Into<Fault>>(
        &mut self,
        run: impl FnOnce(&mut SinkOptions) -> Result<R, E>,
    ) -> Result<R, dnstap_result> {
        run(&mut self.options).map_err(|error| error.into().store_in(&mut self.error))
    }
}

/// Returns a string of the caller; `None` for NULL.
///
/// # Safety
/// `text` is NULL or ends with NUL.
pub(crate) unsafe fn text<'a>(text: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: passed on to the caller.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_bytes())
}

/// The bits, which belong to no type, that mark a set derived from DNSTAP_ALL_MESSAGE_TYPES.
const OF_ALL: u32 = 1 | 1 << 31;

const _: () = assert!(OF_ALL & ALL_MESSAGE_TYPES == 0);

/// Checks a set of message types of the caller, and reduces it to the known types.
pub(crate) fn message_types(bits: u32) -> Result<u32, Fault> {
    match bits & !ALL_MESSAGE_TYPES {
        0 => Ok(bits),
        rest if rest & OF_ALL == OF_ALL => Ok(bits & ALL_MESSAGE_TYPES),
        unknown => {
            let bit = unknown.trailing_zeros();
            let last = ALL_MESSAGE_TYPES.ilog2();
            let text = format!(
                "message_types is {bits:#x}, but bit {bit} does not belong to a message type; \
                 message types are from 1 to {last}"
            );
            Err(Fault::new(DNSTAP_ERROR_VALUE, text))
        }
    }
}

/// Checks a sample rate of the caller.
pub(crate) fn sample_rate(rate: c_uint) -> Result<c_uint, Fault> {
    Fault::unless_in(1..=c_uint::MAX, "sample_rate", rate, "")
}

/// Sets an option.
///
/// # Safety
/// `options` is NULL or a handle of this library.
unsafe fn set<E: Into<Fault>>(
    options: *mut dnstap_options,
    store: impl FnOnce(&mut SinkOptions) -> Result<(), E>,
) -> dnstap_result {
    // SAFETY: passed on to the caller.
    dnstap_result::of(|| unsafe { borrow_mut(options) }?.attempt(store))
}

/// Sets an option to a value that is checked before.
///
/// # Safety
/// As for [`set`].
unsafe fn assign<T>(
    options: *mut dnstap_options,
    value: impl FnOnce() -> Result<T, Fault>,
    place: impl FnOnce(&mut SinkOptions) -> &mut T,
) -> dnstap_result {
    // SAFETY: passed on to the caller.
    unsafe { set(options, |options| value().map(|value| *place(options) = value)) }
}

/// Checks the range of a time.
fn time(
    option: &str,
    milliseconds: c_uint,
    range: RangeInclusive<c_uint>,
) -> Result<Duration, Fault> {
    let checked = Fault::unless_in(range, option, milliseconds, " ms")?;
    Ok(Duration::from_millis(checked.into()))
}

/// Returns a string of the caller that must be UTF-8; `None` for NULL.
///
/// # Safety
/// As for [`text`].
unsafe fn utf8(option: &str, from: *const c_char) -> Result<Option<String>, Fault> {
    // SAFETY: passed on to the caller.
    let bytes = unsafe { text(from) };
    let checked = bytes.map(|bytes| {
        let given = String::from_utf8_lossy(bytes);
        let not =
            || Fault::new(DNSTAP_ERROR_VALUE, format!("{option} {given:?} is not valid UTF-8"));
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| not())
    });
    checked.transpose()
}

/// Returns a path of the caller, made absolute like that of an output; `None` for NULL. An empty
/// path stays empty, so that opening it fails.
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

/// Makes the path of an output, if it has one, absolute.
fn absolute(output: Output) -> Result<Output, OpenError> {
    let path = match &output {
        Output::Unix(path) | Output::File(path) => path.clone(),
        _ => return Ok(output),
    };
    output.absolute().map_err(|error| OpenError::Path { path, error })
}

/// Creates options with the default values: no output, all message types, and the name of the host
/// as identity.
///
/// @return  The options, to be freed with dnstap_options_free(); NULL on an internal error.
#[unsafe(no_mangle)]
pub extern "C" fn dnstap_options_new() -> *mut dnstap_options {
    ffi::guard(ptr::null_mut(), || Handle::give(OptionsState::default()))
}

/// Frees options. Sinks and writers that were opened with them keep their own copy.
///
/// @param[in,out] options  Pointer to the options; set to NULL. If it is NULL already, nothing
///                         happens.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_free(options: *mut *mut dnstap_options) {
    // SAFETY: as documented.
    ffi::guard((), || drop(unsafe { take(options) }));
}

/// Returns the reason for the last error of a call with these options, such as the file that could
/// not be read, as one line without a full stop.
///
/// @param options  The options.
/// @return         A string, valid until the next call with these options; never NULL.
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
/// configuration checks, and for daemons, which report errors before they detach from the terminal.
/// Starts no thread and creates no file.
///
/// Checked are: that an output is set; that the path of a socket is short enough (107 bytes on
/// Linux) and, if it exists, is a socket; that the folder of a file exists, and the path of the
/// file is not a folder; that the certificates, keys and names for TLS can be read and used, and
/// are set only for a tls: output. Not checked, as they may change later, are permissions, free
/// space, the folder of a socket, and whether a receiver listens. A daemon that changes its user or
/// its root directory has to make sure that the output is accessible afterwards.
///
/// @param options  The options. dnstap_options_get_error() has the details of an error.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_OUTPUT        No output is set.
/// @retval DNSTAP_ERROR_PATH          The path of the output cannot be used.
/// @retval DNSTAP_ERROR_NOT_A_SOCKET  The path of a unix: output exists, but is not a socket.
/// @retval DNSTAP_ERROR_TLS           A certificate, key or server name cannot be used.
/// @retval DNSTAP_ERROR_CONFLICT      TLS options are set, but the output is not tls:.
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_check(options: *mut dnstap_options) -> dnstap_result {
    // SAFETY: as documented.
    unsafe { set(options, |options| options.check()) }
}

/// Sets the output to send to. There is no default.
///
/// @param options  The options.
/// @param output   `unix:PATH`, a socket that a receiver listens on; `tcp:HOST:PORT` or
///                 `tls:HOST:PORT`, where HOST is an address, IPv6 in brackets, or a name, which is
///                 looked up for each connection; or `file:PATH`, a file, which is truncated. This
///                 call makes a relative PATH absolute, so that a later change of the working
///                 directory has no effect. After a change of the root directory, PATH is looked up
///                 below the new root.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_OUTPUT  `output` has none of these forms.
/// @retval DNSTAP_ERROR_PATH    PATH is relative, and the working directory cannot be determined.
/// @retval DNSTAP_ERROR_NO_TLS  `output` begins with tls:, and the library was built without TLS.
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_set_output(
    options: *mut dnstap_options,
    output: *const c_char,
) -> dnstap_result {
    let value = || {
        // SAFETY: as documented.
        let bytes = unsafe { text(output) };
        let bytes = bytes.ok_or_else(|| Fault::from(DNSTAP_ERROR_NULL).of("output"))?;
        let parsed = bytes.try_into().map_err(|error| {
            let output = format!("output {:?}", String::from_utf8_lossy(bytes));
            Fault::from(error).of(&output)
        });
        Ok(Some(absolute(parsed?)?))
    };
    // SAFETY: the same.
    unsafe { assign(options, value, |options| &mut options.output) }
}

/// Sets the name of the server (`Dnstap.identity`), usually its NSID (RFC 5001).
///
/// @param options   The options.
/// @param identity  At most 65,535 bytes; NULL for none. The name of the host by default.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_LENGTH  `identity` is longer than 65,535 bytes.
/// @retval DNSTAP_ERROR_NULL    `options` is NULL.
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_set_identity(
    options: *mut dnstap_options,
    identity: *const c_char,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe { assign(options, || name("identity", identity), |options| &mut options.identity) }
}

/// Sets the software and version of the server (`Dnstap.version`), usually its answer to
/// "version.bind" in class CH.
///
/// @param options  The options.
/// @param version  At most 65,535 bytes; NULL, the default, for none.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_LENGTH  `version` is longer than 65,535 bytes.
/// @retval DNSTAP_ERROR_NULL    `options` is NULL.
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_set_version(
    options: *mut dnstap_options,
    version: *const c_char,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe { assign(options, || name("version", version), |options| &mut options.version) }
}

/// Returns an identity or version of the caller.
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

/// Sets the message types to log. dnstap_sink_set_message_types() changes them while the sink is
/// open.
///
/// @param options        The options.
/// @param message_types  DNSTAP_MESSAGE_TYPE_BIT() of each type, or DNSTAP_ALL_MESSAGE_TYPES, the
///                       default, from which types can be removed.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_VALUE   A bit does not belong to a known message type.
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_set_message_types(
    options: *mut dnstap_options,
    message_types: u32,
) -> dnstap_result {
    let value = || self::message_types(message_types);
    // SAFETY: as documented.
    unsafe { assign(options, value, |options| &mut options.message_types) }
}

/// Sets the size of the ring of each queue, which holds the pending messages. Messages that are
/// logged while it is full are dropped. Only the part of a ring that pending messages have used
/// takes memory.
///
/// @param options      The options.
/// @param queue_bytes  From 4,096 bytes to 1 GiB, rounded up to a power of two; 1 MiB by default.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_VALUE
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_set_queue_bytes(
    options: *mut dnstap_options,
    queue_bytes: usize,
) -> dnstap_result {
    let value = || Fault::unless_in(4096..=1 << 30, "queue_bytes", queue_bytes, "");
    // SAFETY: as documented.
    unsafe { assign(options, value, |options| &mut options.queue_bytes) }
}

/// Sets the maximum amount of memory for the pending messages of all freed queues of a sink. Each
/// such queue counts for at least 64 KiB. Above the maximum, dnstap_queue_new() drops the oldest of
/// these messages and counts them as `dropped_full`. The rings of a sink thus take at most
/// `queue_bytes` for each queue in use, plus this amount.
///
/// @param options            The options.
/// @param freed_queue_bytes  Any number of bytes; 256 MiB by default. With 0, the pending messages
///                           of a freed queue are dropped unless they are sent before the next
///                           queue is created.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_set_freed_queue_bytes(
    options: *mut dnstap_options,
    freed_queue_bytes: usize,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe { assign(options, || Ok(freed_queue_bytes), |options| &mut options.freed_queue_bytes) }
}

/// Sets the maximum time that a message waits for further messages, to be sent together with them.
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
    let value = || time("flush_interval", milliseconds, 1..=600_000);
    // SAFETY: as documented.
    unsafe { assign(options, value, |options| &mut options.sender.flush_timeout) }
}

/// Sets the maximum delay between two attempts to connect. The first retry comes after 100 ms, and
/// each failure doubles the delay.
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
    let value = || time("reconnect_interval", milliseconds, 100..=600_000);
    // SAFETY: as documented.
    unsafe { assign(options, value, |options| &mut options.sender.reopen_interval) }
}

/// Sets the time limit of a sink for connecting and for each handshake, after which the writer
/// thread closes the connection and retries later; and that of each call with a dnstap_writer, all
/// its steps together.
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
    let value = || time("io_timeout", milliseconds, 1..=600_000);
    // SAFETY: as documented.
    unsafe { assign(options, value, |options| &mut options.io_timeout) }
}

/// Sets the time limit of dnstap_sink_close() for sending the pending messages and closing the
/// stream.
///
/// @param options       The options.
/// @param milliseconds  From 0 to 600,000; 2,000 by default.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_VALUE
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_set_close_timeout(
    options: *mut dnstap_options,
    milliseconds: c_uint,
) -> dnstap_result {
    let value = || time("close_timeout", milliseconds, 0..=600_000);
    // SAFETY: as documented.
    unsafe { assign(options, value, |options| &mut options.sender.close_timeout) }
}

/// Sets the sample rate N: one in N messages is logged. A query and its response, which have the
/// same initiator, port and message ID, are logged together or not at all. Each event records the
/// rate: its `extra` begins with `sample=1/N`, followed by a space and the caller's `extra`, if
/// any. dnstap_sink_set_sample_rate() changes it while the sink is open.
///
/// @param options      The options.
/// @param sample_rate  At least 1; 1, the default, logs all messages.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_VALUE
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_set_sample_rate(
    options: *mut dnstap_options,
    sample_rate: c_uint,
) -> dnstap_result {
    let value = || self::sample_rate(sample_rate);
    // SAFETY: as documented.
    unsafe { assign(options, value, |options| &mut options.sample_rate) }
}

/// Sets whether a stream to a socket is unidirectional. Most receivers reply: they accept the
/// content type, and confirm the end of the stream. For a receiver that does not, use a
/// unidirectional stream. A stream to a file always is.
///
/// @param options         The options.
/// @param unidirectional  Whether the receiver sends no replies; false by default.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_set_unidirectional(
    options: *mut dnstap_options,
    unidirectional: bool,
) -> dnstap_result {
    let value = || Ok(unidirectional.then_some(Direction::Unidirectional));
    // SAFETY: as documented.
    unsafe { assign(options, value, |options| &mut options.direction) }
}

/// Sets the name of the writer thread.
///
/// @param options  The options.
/// @param name     A name in UTF-8, of which the system shows 15 bytes; "dnstap-writer" by default.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_VALUE   The name is not valid UTF-8.
/// @retval DNSTAP_ERROR_NULL
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_set_thread_name(
    options: *mut dnstap_options,
    name: *const c_char,
) -> dnstap_result {
    let value = || {
        // SAFETY: as documented.
        let name = unsafe { utf8("thread_name", name) }?;
        name.ok_or_else(|| Fault::from(DNSTAP_ERROR_NULL).of("thread_name"))
    };
    // SAFETY: the same.
    unsafe { assign(options, value, |options| &mut options.sender.thread_name) }
}

/// Sets the name that the certificate of the server must be valid for.
///
/// @param options      The options.
/// @param server_name  A DNS name or an address; NULL, the default, for the host of the output.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_VALUE   The name is not valid UTF-8.
/// @retval DNSTAP_ERROR_NO_TLS  The library was built without TLS.
/// @retval DNSTAP_ERROR_NULL    `options` is NULL.
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_set_tls_server_name(
    options: *mut dnstap_options,
    server_name: *const c_char,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe {
        set::<Fault>(options, |options| {
            #[cfg(not(feature = "tls"))]
            return no_tls(options, "tls_server_name", server_name.is_null());
            #[cfg(feature = "tls")]
            // SAFETY: as documented.
            utf8("tls_server_name", server_name).map(|name| options.tls.server_name = name)
        })
    }
}

/// Sets the trusted certificates: those of authorities, and those of servers, which may be
/// self-signed.
///
/// @param options  The options.
/// @param path     A PEM file, which dnstap_sink_open() reads; NULL, the default, for the
///                 authorities that the system trusts. A relative path is made absolute by this
///                 call.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_PATH    `path` is relative, and the working directory cannot be determined.
/// @retval DNSTAP_ERROR_NO_TLS  The library was built without TLS.
/// @retval DNSTAP_ERROR_NULL    `options` is NULL.
/// @retval DNSTAP_ERROR_HANDLE
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dnstap_options_set_tls_ca_bundle(
    options: *mut dnstap_options,
    path: *const c_char,
) -> dnstap_result {
    // SAFETY: as documented.
    unsafe {
        set::<Fault>(options, |options| {
            #[cfg(not(feature = "tls"))]
            return no_tls(options, "tls_ca_bundle", path.is_null());
            #[cfg(feature = "tls")]
            // SAFETY: as documented.
            Ok(self::path(path).map(|path| options.tls.ca_bundle = path)?)
        })
    }
}

/// Sets how the certificate of the server is verified.
///
/// @param options  The options.
/// @param verify   One of enum dnstap_tls_verify.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_VALUE
/// @retval DNSTAP_ERROR_NO_TLS  The library was built without TLS.
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

/// Sets the certificate for servers that ask clients for one.
///
/// @param options      The options.
/// @param certificate  A PEM file with the certificate followed by those of its issuers, which
///                     dnstap_sink_open() reads; NULL, the default, for none. Relative paths are
///                     made absolute by this call.
/// @param key          A PEM file with the private key, without a passphrase; NULL if `certificate`
///                     is NULL.
/// @retval DNSTAP_OK
/// @retval DNSTAP_ERROR_PATH      A path is relative, and the working directory cannot be
///                                determined.
/// @retval DNSTAP_ERROR_CONFLICT  One of `certificate` and `key` is NULL, but not the other.
/// @retval DNSTAP_ERROR_NO_TLS    The library was built without TLS.
/// @retval DNSTAP_ERROR_NULL      `options` is NULL.
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

/// Accepts only the default value of a TLS option in a build without TLS.
#[cfg(not(feature = "tls"))]
fn no_tls(_: &mut SinkOptions, option: &str, is_default: bool) -> Result<(), Fault> {
    if is_default { Ok(()) } else { Err(Fault::from(DNSTAP_ERROR_NO_TLS).of(option)) }
}
