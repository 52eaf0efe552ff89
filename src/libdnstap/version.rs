// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ffi::c_char;

/// Optional parts of the library, as bits of dnstap_features().
#[repr(C)]
pub enum dnstap_feature {
    /// Outputs over TLS, tls:HOST:PORT. Without it, setting such an output fails with
    /// DNSTAP_ERROR_NO_TLS.
    DNSTAP_FEATURE_TLS = 1,
}

/// Returns the version of the library in use, which is the LIBDNSTAP_VERSION of its own header. Any
/// thread may call it.
///
/// @return  A static string such as "0.1.0"; do not free it.
#[unsafe(no_mangle)]
pub extern "C" fn dnstap_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// Returns the features of the library in use. Any thread may call it. The pkg-config variable
/// `features` names those of the installed library: "tls", or nothing.
///
/// @return  Bits of enum dnstap_feature. Later versions may set further bits.
#[unsafe(no_mangle)]
pub extern "C" fn dnstap_features() -> u32 {
    let mut features = 0;
    if cfg!(feature = "tls") {
        features |= dnstap_feature::DNSTAP_FEATURE_TLS as u32;
    }
    features
}
