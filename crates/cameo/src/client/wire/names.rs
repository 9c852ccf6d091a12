//! Names of files, and what the server would make of them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Names to be checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NamesToCheck {
    /// The vertical that they would be uploaded to.
    pub vertical: String,
    /// The names of files, as they are: 1,000 at most.
    #[schema(max_items = 1000)]
    pub names: Vec<String>,
}

/// What a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NameState {
    /// That of an original.
    Photo,
    /// That of a file which operating systems leave in folders: it is kept and never processed.
    Ignored,
    /// Something else: it would be rejected with `name.unparseable`.
    Unparseable,
}

/// A name that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckedName {
    /// The name.
    pub name: String,
    /// What it is.
    pub state: NameState,
    /// The entity; of a name that is none of an original the number that it begins with, if any.
    pub cd_idx: Option<u64>,
    /// The place among the entity's photos.
    pub sequence: Option<u16>,
    /// The key that it would be uploaded to; null where it is not that of an original.
    pub key: Option<String>,
    /// What is wrong and how to name it right.
    pub hint: Option<String>,
    /// The same in Korean.
    #[serde(default)]
    pub hint_korean: Option<String>,
}
