//! The listeners: what the outside sees of Cameo. Each can be turned off.

pub mod s3_api;
