//! The console over a fake API: what pages ask, what they show of the answers, and what becomes of refusals and garbage.

mod fake;
mod forms;
mod korean;
mod oidc;
mod pages;
mod refusals;
mod webhooks;
