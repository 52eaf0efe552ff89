// SPDX-License-Identifier: MIT OR Apache-2.0
//! Verification of the certificate of a server.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::der::asn1::{Ia5StringRef, PrintableStringRef, TeletexStringRef, Utf8StringRef};
use x509_cert::der::oid::db::rfc4519::COMMON_NAME;
use x509_cert::der::oid::db::rfc5280::ID_CE_SUBJECT_ALT_NAME;
use x509_cert::der::{Any, Decode, Encode};
use x509_cert::time::Time;

/// How the certificate of a server is verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsVerify {
    /// A trusted authority must have issued it for the name of the server.
    #[default]
    Name,
    /// A trusted authority must have issued it, for any name.
    Authority,
    /// It is not verified: the connection is encrypted, but the server may be anyone.
    Nothing,
}

/// The trusted certificates.
pub(super) struct Trust {
    pub authorities: RootCertStore,
    /// Certificates that are trusted without an issuer, because they were configured. A self-signed
    /// certificate of a server may therefore be marked as an authority, as by `openssl req -x509`,
    /// or be of version 1.
    pub certificates: Vec<CertificateDer<'static>>,
}

/// A verifier of server certificates, according to [`TlsVerify`].
pub(super) struct Verifier {
    verify: TlsVerify,
    trust: Trust,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    pub(crate) fn new(verify: TlsVerify, trust: Trust, provider: &CryptoProvider) -> Arc<Self> {
        Arc::new(Self { verify, trust, algorithms: provider.signature_verification_algorithms })
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("verify", &self.verify).finish_non_exhaustive()
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.verify != TlsVerify::Nothing {
            let name = (self.verify == TlsVerify::Name).then_some(name);
            if self.trust.certificates.contains(certificate) {
                verify_trusted(certificate, name, now)?;
            } else {
                let certificate = ParsedCertificate::try_from(certificate)?;
                verify_server_cert_signed_by_trust_anchor(
                    &certificate,
                    &self.trust.authorities,
                    intermediates,
                    now,
                    self.algorithms.all,
                )?;
                name.map_or(Ok(()), |name| verify_server_name(&certificate, name))?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    /// Verifies with the key alone, since webpki does not parse certificates of version 1.
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = public_key(certificate)?;
        verify_tls13_signature_with_raw_key(message, &key, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Checks the dates of a certificate that is trusted without an issuer, and the name in it if
/// `name` is set.
fn verify_trusted(
    certificate: &CertificateDer<'_>,
    name: Option<&ServerName<'_>>,
    now: UnixTime,
) -> Result<(), Error> {
    let parsed = parse(certificate)?;
    let subject = parsed.tbs_certificate();
    let validity = subject.validity();
    let time = |time: Time| UnixTime::since_unix_epoch(time.to_unix_duration());
    let (not_before, not_after) = (time(validity.not_before), time(validity.not_after));
    if now < not_before {
        return Err(CertificateError::NotValidYetContext { time: now, not_before }.into());
    }
    if now > not_after {
        return Err(CertificateError::ExpiredContext { time: now, not_after }.into());
    }
    let Some(name) = name else { return Ok(()) };
    let mut extensions = subject.extensions().into_iter().flatten();
    if extensions.any(|extension| extension.extn_id == ID_CE_SUBJECT_ALT_NAME) {
        return verify_server_name(&ParsedCertificate::try_from(certificate)?, name);
    }
    // Without subject alternative names, the certificate is old, or was made by hand.
    let parts = subject.subject().iter().filter(|part| part.oid == COMMON_NAME);
    let names: Vec<_> = parts.filter_map(|part| text(&part.value)).collect();
    if names.iter().any(|common_name| common_name.eq_ignore_ascii_case(&name.to_str())) {
        Ok(())
    } else {
        let presented = names.into_iter().map(Into::into).collect();
        Err(CertificateError::NotValidForNameContext { expected: name.to_owned(), presented }
            .into())
    }
}

/// Decodes a string of any of the types that names may have (RFC 5280, DirectoryString).
fn text(value: &Any) -> Option<&str> {
    let utf8 = value.decode_as::<Utf8StringRef<'_>>().map(|string| string.as_str());
    let printable = || value.decode_as::<PrintableStringRef<'_>>().map(|string| string.as_str());
    let teletex = || value.decode_as::<TeletexStringRef<'_>>().map(|string| string.as_str());
    let ia5 = || value.decode_as::<Ia5StringRef<'_>>().map(|string| string.as_str());
    utf8.or_else(|_| printable()).or_else(|_| teletex()).or_else(|_| ia5()).ok()
}

/// Returns the public key of a certificate of any version.
pub(super) fn public_key(
    certificate: &CertificateDer<'_>,
) -> Result<SubjectPublicKeyInfoDer<'static>, Error> {
    let certificate = parse(certificate)?;
    let key = certificate.tbs_certificate().subject_public_key_info().to_der();
    key.map(Into::into).map_err(|_| CertificateError::BadEncoding.into())
}

/// Returns the validity period of a certificate.
pub(super) fn validity(
    certificate: &CertificateDer<'_>,
) -> Result<(SystemTime, SystemTime), Error> {
    let parsed = parse(certificate)?;
    let validity = parsed.tbs_certificate().validity();
    let time = |time: Time| SystemTime::UNIX_EPOCH + time.to_unix_duration();
    Ok((time(validity.not_before), time(validity.not_after)))
}

fn parse(certificate: &CertificateDer<'_>) -> Result<Certificate, Error> {
    Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding.into())
}
