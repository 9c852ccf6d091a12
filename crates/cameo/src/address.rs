//! Addresses of backends: their scheme chooses the backend.

use crate::model::error::{Error, Kind, Place};

/// The scheme of an address, in lower case: what stands before the first colon.
pub fn scheme(url: &str) -> String {
    url.split(':').next().unwrap_or_default().to_ascii_lowercase()
}

/// The error of a scheme that chooses nothing. `known` are those that this place has.
pub fn unknown_scheme(place: Place, key: &str, url: &str, known: &str) -> Error {
    // The address itself may hold a password.
    let doing = format!("read {key}: unsupported URL scheme {:?}; supported: {known}", scheme(url));
    Error::new(place, Kind::Misconfigured, doing)
}

/// The error of an address that leads into a data folder: the process that owns the folder opens it, and nothing else can.
pub fn of_a_data_folder(place: Place, key: &str, url: &str, shared: &str) -> Error {
    let doing = format!(
        "read {key}: {}: is a part of the data folder of `cameo serve`, which nothing else can open; set it to {shared}",
        scheme(url)
    );
    Error::new(place, Kind::Misconfigured, doing)
}

/// The error of a backend that this program was built without.
pub fn not_built_in(place: Place, key: &str, url: &str, feature: &str) -> Error {
    let doing = format!(
        "read {key}: this program was built without {}: addresses; build it with --features {feature}",
        scheme(url)
    );
    Error::new(place, Kind::Misconfigured, doing)
}
