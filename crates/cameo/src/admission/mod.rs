//! What listeners admit, as the configuration says it: connections, networks, sizes, and the names that clients may use.
//!
//! Only values and their checks are here, and they need no server: a build without the feature `embedded` reads the same configuration,
//! refuses what the others refuse, and compiles nothing that listens.

mod clients;
mod connections;
mod console;
mod names;
mod oidc;
mod s3;

pub use clients::ClientNetwork;
pub use connections::ConnectionLimits;
pub use console::ConsoleAccess;
pub use names::{covers, fault_of_domain, fault_of_origin, is_bucket_name};
pub use oidc::{ClientSecret, EVERYBODY, GroupGrant, OidcAccess};
pub use s3::S3Limits;
