//! The cryptography behind TLS, and whose certificates count, chosen once for the whole process.

use std::sync::OnceLock;

use reqwest::{Certificate, Client, ClientBuilder};

/// Certificates that are trusted beside those of the system.
static TRUSTED: OnceLock<Vec<Certificate>> = OnceLock::new();

/// Makes *ring* the provider of TLS. HTTP clients need it, even for plain addresses; calling it again changes nothing.
pub fn install_crypto_provider() {
    // It fails when a provider is installed already, which is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// From now on clients of this process also trust servers whose certificate comes from one of these, in PEM. Once a process: whose word counts
/// is not to change while connections are kept.
pub fn trust(pem: &[u8]) -> Result<(), String> {
    let certificates = Certificate::from_pem_bundle(pem).map_err(|error| error.to_string())?;
    if certificates.is_empty() {
        return Err("it holds no certificate in PEM (-----BEGIN CERTIFICATE-----)".to_owned());
    }
    // One that cannot be read would be found out when the first server is asked, as a fault of that server's.
    client_with(Some(&certificates)).build().map_err(|error| error.to_string())?;
    let _ = TRUSTED.set(certificates);
    Ok(())
}

/// The beginning of every HTTP client.
pub fn client() -> ClientBuilder {
    client_with(TRUSTED.get())
}

fn client_with(trusted: Option<&Vec<Certificate>>) -> ClientBuilder {
    install_crypto_provider();
    match trusted {
        Some(trusted) => Client::builder().tls_certs_merge(trusted.iter().cloned()),
        None => Client::builder(),
    }
}
