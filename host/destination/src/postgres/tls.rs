//! Which certificates a database's server may show.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::{PostgresAddress, Tls};

/// How a connection to `address` is encrypted, by libpq's rules for `sslmode` and `sslrootcert`.
///
/// # Errors
/// Certificates that cannot be read, in words.
pub(crate) fn connector(address: &PostgresAddress) -> Result<MakeRustlsConnect, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let trust = match (address.tls, &address.root_certificates) {
        (Tls::Disable | Tls::Prefer, _) | (Tls::Require, None) => Trust::Any(provider),
        (Tls::Require | Tls::VerifyCa, named) => Trust::Signed(verifier(named.as_deref(), provider)?),
        (Tls::VerifyFull, named) => Trust::SignedForHost(verifier(named.as_deref(), provider)?),
    };
    let config = builder.dangerous().with_custom_certificate_verifier(Arc::new(trust)).with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn verifier(
    roots: Option<&Path>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, String> {
    let mut store = RootCertStore::empty();
    match roots {
        Some(path) => {
            let bad = |cause: String| format!("`sslrootcert` {}: {cause}", path.display());
            for certificate in CertificateDer::pem_file_iter(path).map_err(|cause| bad(cause.to_string()))? {
                let certificate = certificate.map_err(|cause| bad(cause.to_string()))?;
                store.add(certificate).map_err(|cause| bad(cause.to_string()))?;
            }
        }
        // Certificates that the library cannot read are left out: systems carry odd ones.
        None => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if store.is_empty() {
        return Err("no root certificates were found; name a file of them with `sslrootcert`".to_owned());
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider)
        .build()
        .map_err(|error| error.to_string())
}

/// What a certificate must be.
#[derive(Debug)]
enum Trust {
    /// Anything: the line is encrypted, who is at its other end stays open.
    Any(Arc<CryptoProvider>),
    /// Signed by whom is trusted, for whatever host.
    Signed(Arc<WebPkiServerVerifier>),
    /// Signed by whom is trusted, for this host.
    SignedForHost(Arc<WebPkiServerVerifier>),
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verify = |verifier: &WebPkiServerVerifier| {
            verifier.verify_server_cert(certificate, intermediates, host, ocsp_response, now)
        };
        match self {
            Self::Any(_) => Ok(ServerCertVerified::assertion()),
            Self::SignedForHost(verifier) => verify(verifier),
            // The name is what is looked at last: all else was found good.
            Self::Signed(verifier) => match verify(verifier) {
                Err(Error::InvalidCertificate(
                    CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
                )) => Ok(ServerCertVerified::assertion()),
                verified => verified,
            },
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match self {
            Self::Any(provider) => {
                let algorithms = &provider.signature_verification_algorithms;
                rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
            }
            Self::Signed(verifier) | Self::SignedForHost(verifier) => {
                verifier.verify_tls12_signature(message, certificate, signature)
            }
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match self {
            Self::Any(provider) => {
                let algorithms = &provider.signature_verification_algorithms;
                rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
            }
            Self::Signed(verifier) | Self::SignedForHost(verifier) => {
                verifier.verify_tls13_signature(message, certificate, signature)
            }
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        match self {
            Self::Any(provider) => provider.signature_verification_algorithms.supported_schemes(),
            Self::Signed(verifier) | Self::SignedForHost(verifier) => verifier.supported_verify_schemes(),
        }
    }
}
