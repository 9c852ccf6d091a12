//! The listeners on one base: the S3 endpoint, the public images, and that of the operator, with console and API.

mod audit;
mod audited;
mod conditions;
mod failures;
pub mod http;
mod range;

pub mod api;
pub mod console;
pub mod images;
pub mod operator;
pub mod s3_api;
pub mod site;
mod uploads;

pub use audit::{AuditLine, AuditLines, AuditTrail};
pub use uploads::UploadAddresses;
