//! The tests that need more than one module: one binary, one module a subject.

mod queue_contract;
