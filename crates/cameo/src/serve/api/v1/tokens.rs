//! Tokens: listed, made and revoked by administrators, each within the verticals of their own token.

use axum::{Extension, extract::State, http::StatusCode, response::IntoResponse};

use super::{
    super::{
        input::{Json, Paging, Path, Query},
        rights::Admin,
    },
    problems::Problems,
};
use crate::{
    client::wire::{CreatedToken, NewToken, Page, Revoked},
    model::token::{Token, TokenSecret, fault_of_name},
    serve::{
        audited::Named,
        problem::{Answer, Problem},
        site::Site,
    },
};

/// What the audit trail calls a token.
fn named(token: &Token) -> Named {
    Named(vec![format!("token {} ({})", token.name, token.id)])
}

/// The tokens, also those that can no longer be used.
#[utoipa::path(
    get,
    path = "/api/v1/tokens",
    operation_id = "list_tokens",
    tag = "tokens",
    params(Paging),
    responses((status = 200, description = "Tokens in the order of their ids.", body = Page<Token>), Problems),
    security(("token" = ["admin"]))
)]
pub(super) async fn list(
    State(site): State<Site>,
    Admin(caller): Admin,
    Query(paging): Query<Paging>,
) -> Answer<axum::Json<Page<Token>>> {
    let limit = paging.limit()?;
    let tokens = site.flow.catalog.tokens(paging.after()?, limit).await?;
    let next = tokens.last().filter(|_| tokens.len() == limit).map(|token| token.id.clone());
    let items = tokens.into_iter().filter(|token| caller.covers(&token.verticals)).collect();
    Ok(axum::Json(Page { items, next }))
}

/// Makes a token. Its secret is in this answer and nowhere else.
#[utoipa::path(
    post,
    path = "/api/v1/tokens",
    operation_id = "create_token",
    tag = "tokens",
    request_body = NewToken,
    responses((status = 201, description = "The token with its secret.", body = CreatedToken), Problems),
    security(("token" = ["admin"]))
)]
pub(super) async fn create(
    State(site): State<Site>,
    Admin(caller): Admin,
    Json(asked): Json<NewToken>,
) -> Answer<impl IntoResponse> {
    let now = site.clock.now();
    let NewToken { name, role, verticals, expires } = asked;
    if let Some(fault) = fault_of_name(&name) {
        return Err(Problem::invalid(fault));
    }
    if expires.is_some_and(|expires| expires <= now) {
        return Err(Problem::invalid("expires is in the past"));
    }
    if !caller.covers(&verticals) {
        let detail = "a token that is limited to verticals makes only tokens that are limited to them too";
        return Err(Problem::new(StatusCode::FORBIDDEN, "auth.vertical", detail));
    }
    let secret = TokenSecret::generate();
    let token = Token { expires, ..Token::new(&name, role, verticals, &caller.name, now) };
    if !site.flow.catalog.add_token(&token, &secret.hash()).await? {
        let detail = format!("there is a token {name} already; revoke it first, or choose another name");
        return Err(Problem::new(StatusCode::CONFLICT, "token.name_taken", detail));
    }
    site.uploads.token_added(&token);
    let body = CreatedToken { token: secret.expose().to_owned(), of: token.clone() };
    Ok((StatusCode::CREATED, Extension(named(&token)), axum::Json(body)))
}

/// Revokes a token, at once and for good.
#[utoipa::path(
    delete,
    path = "/api/v1/tokens/{token}",
    operation_id = "revoke_token",
    tag = "tokens",
    params(("token" = String, Path, description = "Its id, or the name of one that can be used.")),
    responses((status = 200, description = "It is refused from now on.", body = Revoked), Problems),
    security(("token" = ["admin"]))
)]
pub(super) async fn revoke(
    State(site): State<Site>,
    Admin(caller): Admin,
    Path(named_by): Path<String>,
) -> Answer<impl IntoResponse> {
    let none = || Problem::not_found("such token that can be used");
    if fault_of_name(&named_by).is_some() {
        return Err(none());
    }
    let found = site.flow.catalog.find_token(&named_by).await?;
    let token = found.filter(|token| caller.covers(&token.verticals)).ok_or_else(none)?;
    // At once: whoever revokes it may have to hurry.
    site.uploads.token_revoked(&token);
    if !site.flow.catalog.revoke_token(&token.id, site.clock.now()).await? {
        return Err(none());
    }
    Ok((Extension(named(&token)), axum::Json(Revoked { revoked: token.id })))
}
