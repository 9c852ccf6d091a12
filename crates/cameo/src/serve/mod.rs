//! The listeners on one base: the S3 endpoint, the public images, and that of the operator, with the API and whatever pages it is given.

mod audit;
mod audited;
pub mod certificate;
mod conditions;
mod failures;
pub mod http;
mod plain_page;
mod policy;
mod range;

pub mod api;
pub mod host;
pub mod images;
mod login;
pub mod operator;
pub mod pages;
pub mod reached;
pub mod s3_api;
pub mod site;
mod uploads;

pub use audit::{AuditLine, AuditLines, AuditTrail};
pub use pages::{Api, Pages};
pub use uploads::{Service, UploadAddresses};
