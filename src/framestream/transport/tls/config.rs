// SPDX-License-Identifier: MIT OR Apache-2.0
//! TLS configuration from certificate and key files, which are read and checked once.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use nix::libc::O_NONBLOCK;
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use thiserror::Error;

use super::verify::{TlsVerify, Trust, Verifier, public_key, validity};

/// The TLS settings of a client. All files are PEM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsOptions {
    /// The name or address that must be among the subject alternative names of the server's
    /// certificate; that of the host by default.
    pub server_name: Option<String>,
    /// The trusted certificates: those of authorities, and those of servers themselves; the
    /// authorities of the system by default.
    pub ca_bundle: Option<PathBuf>,
    /// How the certificate of the server is verified.
    pub verify: TlsVerify,
    /// The certificate for servers that ask clients for one, followed by those of its issuers.
    pub client_certificate: Option<PathBuf>,
    /// The private key of the client certificate, in PKCS#8, PKCS#1 or SEC1, without a passphrase.
    pub client_key: Option<PathBuf>,
}

/// The TLS settings of a server. All files are PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsServerOptions {
    /// The certificate of the server, followed by those of its issuers.
    pub certificate: PathBuf,
    /// Its private key, in PKCS#8, PKCS#1 or SEC1, without a passphrase.
    pub key: PathBuf,
    /// The authorities that must have issued the certificates of clients; `None` if clients need no
    /// certificate.
    pub client_authorities: Option<PathBuf>,
}

/// The reason why [`TlsOptions`] or [`TlsServerOptions`] cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The reason.
        #[source]
        error: io::Error,
    },
    /// A file is not PEM.
    #[error("{}: {error}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// The reason.
        #[source]
        error: pem::Error,
    },
    /// A file contains no usable certificate.
    #[error("{}: contains no usable certificate", .0.display())]
    NoCertificate(PathBuf),
    /// A file contains no private key, or one with a passphrase.
    #[error("{}: contains no usable private key", .0.display())]
    NoKey(PathBuf),
    /// The system has no bundle of authorities in any of the usual places.
    #[error("the system has no bundle of certificate authorities")]
    NoSystemBundle,
    /// Only one of client certificate and key is set.
    #[error("a client certificate and its key must be set together")]
    OnlyOne,
    /// The key does not belong to the certificate.
    #[error("the key {} does not match the certificate {}", key.display(), certificate.display())]
    KeyMismatch {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// The server name is neither a DNS name nor an address.
    #[error("{0:?} is neither a DNS name nor an address")]
    ServerName(String),
    /// Another error of rustls.
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
}

pub(super) fn server_name(name: &str) -> Result<ServerName<'static>, TlsError> {
    ServerName::try_from(name.to_owned()).map_err(|_| TlsError::ServerName(name.into()))
}

pub(super) fn client_config(options: &TlsOptions) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier::new(options.verify, trust(options)?, &provider);
    let client = match (&options.client_certificate, &options.client_key) {
        (None, None) => None,
        (Some(certificate), Some(key)) => Some(identity(certificate, key, &provider)?),
        _ => return Err(TlsError::OnlyOne),
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match client {
        None => builder.with_no_client_auth(),
        Some(client) => builder.with_client_cert_resolver(Arc::new(client)),
    };
    // Connections are few, and a fork could leave the lock of the session store locked.
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn trust(options: &TlsOptions) -> Result<Trust, TlsError> {
    let mut authorities = RootCertStore::empty();
    if options.verify == TlsVerify::Nothing {
        return Ok(Trust { authorities, certificates: Vec::new() });
    }
    let system = || openssl_probe::probe().cert_file.ok_or(TlsError::NoSystemBundle);
    let bundle = options.ca_bundle.clone().map_or_else(system, Ok)?;
    let certificates = certificates(&bundle)?;
    // Some certificates in a bundle of the system may be malformed; the others are sufficient.
    match authorities.add_parsable_certificates(certificates.iter().cloned()) {
        (0, _) => Err(TlsError::NoCertificate(bundle)),
        _ => Ok(Trust { authorities, certificates }),
    }
}

pub(super) fn server_config(options: &TlsServerOptions) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let identity = identity(&options.certificate, &options.key, &provider)?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let builder = match &options.client_authorities {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut authorities = RootCertStore::empty();
            authorities.add_parsable_certificates(certificates(path)?);
            let verifier =
                WebPkiClientVerifier::builder_with_provider(authorities.into(), provider);
            let verifier = verifier.build().map_err(|_| TlsError::NoCertificate(path.clone()))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder.with_cert_resolver(Arc::new(identity));
    // Connections are few and long.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// Returns a certificate chain with its key. Certificates of any version are accepted, as the peer
/// decides whether it trusts them.
fn identity(
    certificate: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<SingleCertAndKey, TlsError> {
    let chain = certificates(certificate)?;
    let signing = provider.key_provider.load_private_key(private_key(key)?);
    let signing = signing.map_err(|_| TlsError::NoKey(key.into()))?;
    let public = public_key(&chain[0]).map_err(|_| TlsError::NoCertificate(certificate.into()))?;
    if signing.public_key().is_some_and(|of_key| of_key != public) {
        return Err(TlsError::KeyMismatch { certificate: certificate.into(), key: key.into() });
    }
    Ok(CertifiedKey::new(chain, signing).into())
}

/// Returns the validity period of the first certificate in a PEM file.
pub fn certificate_validity(path: &Path) -> Result<(SystemTime, SystemTime), TlsError> {
    validity(&certificates(path)?[0]).map_err(|_| TlsError::NoCertificate(path.into()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = read(path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match certificates {
        Ok(none) if none.is_empty() => Err(TlsError::NoCertificate(path.into())),
        Ok(some) => Ok(some),
        Err(error) => Err(TlsError::Pem { path: path.into(), error }),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(|error| match error {
        pem::Error::NoItemsFound => TlsError::NoKey(path.into()),
        error => TlsError::Pem { path: path.into(), error },
    })
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    read_regular(path).map_err(|error| TlsError::File { path: path.into(), error })
}

/// Reads a file, unless reading it could wait, as with a FIFO, or might not end, as with a device.
fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = OpenOptions::new().read(true).custom_flags(O_NONBLOCK).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}
