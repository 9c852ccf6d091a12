//! The cryptography behind TLS, chosen once for the whole process.

/// Makes *ring* the provider of TLS. HTTP clients need it, even for plain addresses; calling it again changes nothing.
pub fn install_crypto_provider() {
    // It fails when a provider is installed already, which is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
