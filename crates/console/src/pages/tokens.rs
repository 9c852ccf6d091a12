//! Tokens of commands and programs: made, shown once, revoked.

use axum::{extract::Path, http::Method, response::Response};
use cameo::{
    client::wire::{CreatedToken, NewToken},
    model::lang::Text,
};

use super::people::{Making, Secret, refused, rights, shown};
use crate::{
    address::part,
    ask::{Ask, Sent},
    failure::Answer,
    form::{Fields, Form},
    notice::Done,
};

/// Makes a token, and shows it.
pub(crate) async fn create(ask: Ask, Form(form): Form) -> Answer<Response> {
    let made = match made(&ask, &form).await {
        Ok(made) => made,
        Err(failure) => return refused(&ask, Making::Token, &form, failure).await,
    };
    let what = Text::new(
        format!("The token {}. It is shown only now:", made.of.name),
        format!("토큰 {} 입니다. 지금만 보입니다:", made.of.name),
    );
    shown(&ask, Some(Secret { what: what.of(ask.lang).to_owned(), text: made.token }), None).await
}

async fn made(ask: &Ask, form: &Fields) -> Answer<CreatedToken> {
    let (role, verticals) = rights(form)?;
    let asked = NewToken { name: form.text("name").trim().to_owned(), role, verticals, expires: None };
    ask.send(Method::POST, "/api/v1/tokens", Sent::json(&asked).by(form)).await
}

/// Revokes a token.
pub(crate) async fn revoke(ask: Ask, Path(token): Path<String>, Form(form): Form) -> Answer<Response> {
    ask.response(Method::DELETE, &format!("/api/v1/tokens/{}", part(&token)), Sent::default().by(&form)).await?;
    Ok(ask.lead("/people", Done::People))
}
