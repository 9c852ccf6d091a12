//! What any operation of the API may be answered with instead of what it is for, as the document lists it.

use std::collections::BTreeMap;

use utoipa::{
    IntoResponses,
    openapi::{self, ContentBuilder, Ref, RefOr, ResponseBuilder},
};

use crate::client::wire::PROBLEM_JSON;

/// What any operation may be answered with instead of what it is for.
pub(super) struct Problems;

/// Each status, and when it is answered.
const PROBLEMS: [(&str, &str); 14] = [
    ("400", "The request cannot be read."),
    ("401", "A token or a log-in is needed, or what was sent is not known, revoked or expired."),
    (
        "403",
        "The role, or the verticals that it is limited to, do not allow it, or it was not asked for by a page of the console.",
    ),
    ("404", "There is none of it, or the token may not see it."),
    ("405", "The path has other methods."),
    ("409", "Something is in the way, such as a name that is taken, or a position of the feed is of another history."),
    ("410", "It was there, and is not kept any more."),
    ("412", "A condition of the request did not hold."),
    ("413", "The body is too long."),
    ("415", "The body must be application/json."),
    ("422", "The request can be read, and something in it is wrong."),
    ("429", "Too many wrong tokens or passwords came from this address."),
    ("502", "The OpenID provider answered what does not count."),
    ("503", "A place that the server works with is away, or it has too much to do: try again."),
];

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let answer = |description: &str| {
            let schema = Ref::from_schema_name("ProblemBody");
            let content = ContentBuilder::new().schema(Some(schema)).build();
            ResponseBuilder::new().description(description).content(PROBLEM_JSON, content).build().into()
        };
        PROBLEMS.iter().map(|(status, description)| ((*status).to_owned(), answer(description))).collect()
    }
}
