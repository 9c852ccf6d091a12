//! The tests that need more than one module: one binary, one module a subject.

mod catalog_contract;
mod console_pages;
mod flow_crash;
mod operators_page;
mod queue_contract;
#[cfg(target_os = "linux")]
mod render_children;
mod tidy;
