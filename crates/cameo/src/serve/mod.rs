//! The listeners on one base: the S3 endpoint, the public images, and that of the operator, with the API and whatever pages it is given.

mod audit;
mod audited;
pub mod certificate;
mod conditions;
mod failures;
pub mod http;
mod open_deliveries;
mod outside;
mod plain_page;
mod policy;
mod problem;
mod range;
mod remembered;
mod request_id;

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
pub use open_deliveries::OpenDeliveries;
pub use outside::Outside;
pub use pages::{Api, Pages};
pub use remembered::Door;
pub use uploads::{Service, UploadAddresses};
