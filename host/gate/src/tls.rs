//! The TLS configuration of the process: made once, when the first https request is sent.

use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, RootCertStore};

/// Trusts what the system trusts (`SSL_CERT_FILE` and `SSL_CERT_DIR` name other roots), or, on a system that has no
/// roots, those of Mozilla. HTTP/2 is offered before HTTP/1.1.
///
/// # Errors
/// What the TLS library says against its own defaults.
pub(crate) fn config() -> Result<Arc<ClientConfig>, String> {
    static CONFIG: OnceLock<Result<Arc<ClientConfig>, String>> = OnceLock::new();
    CONFIG.get_or_init(build).clone()
}

fn build() -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    // Certificates that the library cannot read are left out: systems carry odd ones.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
