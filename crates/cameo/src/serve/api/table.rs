//! A table as an answer: browsers save it under its name, and spreadsheets open it.
//!
//! The text is made elsewhere (`proof/deliveries/table.rs`), with the mark that Excel needs and nothing that a cell would run.

use axum::{
    http::{HeaderName, header},
    response::{IntoResponse, Response},
};

/// The table, to be saved under this name of ours.
pub(super) fn attached(file_name: &str, csv: String) -> Response {
    let headers: [(HeaderName, String); 2] = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{file_name}\"")),
    ];
    (headers, csv).into_response()
}
