//! What every answer has with it: failures as pages, what is remembered of language and colours, and the rules for the browser.

use axum::{
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};

use crate::{
    failure::Failure,
    failure_page,
    form::Fields,
    layout::Chrome,
    notice,
    preferences::{self, Theme, lang_of},
    words::Here,
};

/// Writes failures out, remembers language and colours, and tells the browser to keep nothing. What a page may load is said by the listener,
/// which knows where images are and where uploads go.
pub(crate) async fn dress(request: Request, next: Next) -> Response {
    let (method, uri, headers) = (request.method().clone(), request.uri().clone(), request.headers().clone());
    let query = Fields::parse(uri.query().unwrap_or_default());
    let (lang, theme) = (lang_of(&query, &headers), Theme::of(&query, &headers));
    let mut response = next.run(request).await;
    // What no handler of ours answered: an address that cannot be read, a method that a page does not have.
    let is_html =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let failure = response.extensions_mut().remove::<Failure>();
    let unanswered = |status: StatusCode| match status {
        StatusCode::METHOD_NOT_ALLOWED => Failure::Method,
        _ => Failure::NotFound,
    };
    let status = response.status();
    let failure = failure.or_else(|| (status.is_client_error() && !is_html).then(|| unanswered(status)));
    if let Some(failure) = failure {
        let allowed = response.headers_mut().remove(header::ALLOW);
        response = failure_page::page(&failure, Chrome::bare(lang, theme, Here::Nowhere, &uri, &query), &method, &uri);
        response.headers_mut().extend(allowed.map(|allowed| (header::ALLOW, allowed)));
    }
    let brought = is_html && notice::is_brought(&headers);
    let headers = response.headers_mut();
    if brought {
        headers.append(header::SET_COOKIE, notice::forgotten());
    }
    // Without one, a browser would not say with a form that it is from a page of ours.
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    preferences::remember(headers, &query, lang, theme);
    response
}
