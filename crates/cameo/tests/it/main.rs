//! The tests that need more than one module: one binary, one module a subject.

mod catalog_contract;
mod queue_contract;
