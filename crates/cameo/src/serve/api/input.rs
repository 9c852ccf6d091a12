//! What handlers take of a request beside the caller: JSON, queries and paths, whose faults are problems that say what is wrong.

use axum::{
    extract::{FromRequest, FromRequestParts, Request, rejection},
    http::request::Parts,
};
use serde::{Deserialize, de::DeserializeOwned};
use utoipa::IntoParams;

use crate::serve::problem::{Answer, Problem};

/// Items of a page where nobody says how many.
const LIMIT_DEFAULT: usize = 100;
/// Items of a page, at most.
pub(super) const LIMIT_MAX: usize = 1000;

/// A body of JSON.
#[derive(Debug)]
pub(super) struct Json<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Answer<Self> {
        let read = axum::Json::<T>::from_request(request, state).await;
        let axum::Json(body) = read
            .map_err(|refused: rejection::JsonRejection| Problem::of_answer(refused.status(), &refused.body_text()))?;
        Ok(Self(body))
    }
}

macro_rules! parts {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub(super) struct $name<T>(pub(super) T);

            impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for $name<T> {
                type Rejection = Problem;

                async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Self> {
                    let read = axum::extract::$name::<T>::from_request_parts(parts, state).await;
                    let axum::extract::$name(value) =
                        read.map_err(|refused| Problem::of_answer(refused.status(), &refused.body_text()))?;
                    Ok(Self(value))
                }
            }
        )*
    };
}

parts! {
    /// What the query says.
    Query;
    /// What the path names.
    Path;
}

/// Which part of a list is asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Paging {
    /// Items, at most.
    #[serde(default)]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
    /// The `next` of the part before; the beginning where it is left out.
    #[serde(default)]
    after: Option<String>,
}

impl Paging {
    /// How many items to return.
    pub(super) fn limit(&self) -> Answer<usize> {
        match self.limit.unwrap_or(LIMIT_DEFAULT) {
            limit @ 1..=LIMIT_MAX => Ok(limit),
            limit => Err(Problem::invalid(format!("limit is {limit}: it must be from 1 to {LIMIT_MAX}"))),
        }
    }

    /// The text to go on after.
    pub(super) fn after(&self) -> Answer<&str> {
        let after = self.after.as_deref().unwrap_or_default();
        // No name has control characters, and not every database takes them.
        if after.chars().any(char::is_control) {
            return Err(Problem::invalid("after is not the next of a page: there are control characters in it"));
        }
        Ok(after)
    }
}
