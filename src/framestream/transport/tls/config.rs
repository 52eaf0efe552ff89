// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whom to trust, and how to prove who we are: read from files, once, and checked.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, InconsistentKeys, RootCertStore};
use thiserror::Error;

/// How to speak TLS. All files are PEM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsOptions {
    /// The name or address that the server's certificate has to be for, among its subject
    /// alternative names; that of the host by default.
    pub server_name: Option<String>,
    /// The authorities to trust; those of the system by default. A certificate that a server signed
    /// itself may be here only if it does not claim to be an authority.
    pub ca_bundle: Option<PathBuf>,
    /// The certificate to show to a server that asks for one, followed by those of its issuers.
    pub client_certificate: Option<PathBuf>,
    /// The private key to the client certificate, in PKCS#8, PKCS#1 or SEC1, without a passphrase.
    pub client_key: Option<PathBuf>,
}

/// Why [`TlsOptions`] cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file that cannot be read.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A file that is not PEM.
    #[error("{}: {error}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        error: pem::Error,
    },
    /// A file without a certificate.
    #[error("{}: no certificate in it that can be used", .0.display())]
    NoCertificate(PathBuf),
    /// A file without a private key, or with one under a passphrase.
    #[error("{}: no private key in it that can be used", .0.display())]
    NoKey(PathBuf),
    /// The system has no bundle of authorities where one is usually found.
    #[error("the system has no bundle of certificate authorities")]
    NoSystemBundle,
    /// One of client certificate and key without the other.
    #[error("a client certificate and its key go together")]
    OnlyOne,
    /// A key that is not that of the certificate.
    #[error("the key {} does not fit the certificate {}", key.display(), certificate.display())]
    KeyMismatch {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// A server name that is neither a DNS name nor an address.
    #[error("{0:?} is neither a DNS name nor an address")]
    ServerName(String),
    /// Something else that rustls does not take.
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
}

pub(super) fn server_name(name: &str) -> Result<ServerName<'static>, TlsError> {
    ServerName::try_from(name.to_owned()).map_err(|_| TlsError::ServerName(name.into()))
}

pub(super) fn client_config(options: &TlsOptions) -> Result<ClientConfig, TlsError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(authorities(options.ca_bundle.as_deref())?);
    let mut config = match (&options.client_certificate, &options.client_key) {
        (None, None) => builder.with_no_client_auth(),
        (Some(certificate), Some(key)) => {
            let with = builder.with_client_auth_cert(certificates(certificate)?, private_key(key)?);
            with.map_err(|error| match error {
                rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                    TlsError::KeyMismatch { certificate: certificate.clone(), key: key.clone() }
                }
                rustls::Error::General(_) => TlsError::NoKey(key.clone()),
                rustls::Error::InvalidCertificate(_) => {
                    TlsError::NoCertificate(certificate.clone())
                }
                other => other.into(),
            })?
        }
        _ => return Err(TlsError::OnlyOne),
    };
    // Connections are few. And the store of sessions has a lock, which a fork could leave locked.
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn authorities(bundle: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let bundle = bundle.map(PathBuf::from).or_else(|| openssl_probe::probe().cert_file);
    let bundle = bundle.ok_or(TlsError::NoSystemBundle)?;
    let mut authorities = RootCertStore::empty();
    // A system's bundle may have oddities that nobody needs.
    match authorities.add_parsable_certificates(certificates(&bundle)?) {
        (0, _) => Err(TlsError::NoCertificate(bundle)),
        _ => Ok(authorities),
    }
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
    fs::read(path).map_err(|error| TlsError::File { path: path.into(), error })
}
