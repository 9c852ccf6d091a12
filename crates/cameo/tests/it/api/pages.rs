//! Pages beside the API: they get what is no path of the API, from this host alone, and ask the API as the browser would.

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
    routing::get,
};
use cameo::{
    admission::ConsoleAccess,
    serve::{
        Api, Door,
        http::{ClientAddress, Peer},
        operator::{router, with_pages},
        site::Site,
    },
};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::Api as Server;

/// A page that shows what the API says of whoever asks for it.
fn pages(api: Api) -> Router {
    let page = move |request: axum::extract::Request| {
        let api = api.clone();
        async move {
            let mut asked = Request::get("/api/v1/whoami");
            for name in [header::HOST, header::COOKIE] {
                if let Some(value) = request.headers().get(&name) {
                    asked = asked.header(name, value);
                }
            }
            let mut asked = asked.body(Body::empty()).unwrap();
            *asked.extensions_mut() = Api::connection_of(request.extensions());
            api.ask(asked).await
        }
    };
    Router::new().route("/", get(page)).fallback(|| async { (StatusCode::NOT_FOUND, "a page of ours") })
}

async fn ask(routes: Router, path: &str, host: &str, from: &str) -> (StatusCode, axum::http::HeaderMap, String) {
    let mut request = Request::get(path).header(header::HOST, host).body(Body::empty()).unwrap();
    let address = from.parse().unwrap();
    request.extensions_mut().insert(ClientAddress(address));
    request.extensions_mut().insert(Peer::Tcp(address));
    let response = routes.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    (parts.status, parts.headers, text)
}

const HERE: &str = "127.0.0.1:4711";
const HOST: &str = "127.0.0.1:9002";

#[tokio::test]
async fn a_page_is_asked_for_by_whom_its_browser_is() {
    let routes = || async { with_pages(Server::new().await.site, Some(pages)) };
    let (status, _, text) = ask(routes().await, "/", HOST, HERE).await;
    assert!(status == StatusCode::OK && text.contains("loopback"), "{status} {text}");
    let (status, ..) = ask(routes().await, "/", HOST, "192.0.2.7:1").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "a page gives nobody more than the API does");
}

#[tokio::test]
async fn paths_of_the_api_are_the_api_s_and_all_others_the_pages() {
    let routes = || async { with_pages(Server::new().await.site, Some(pages)) };
    let (_, headers, text) = ask(routes().await, "/api/nosuch", HOST, HERE).await;
    assert!(!text.contains("a page of ours") && headers.contains_key("x-request-id"), "{text}");
    assert_eq!(ask(routes().await, "/nosuch", HOST, HERE).await.2, "a page of ours");
    assert_eq!(
        ask(router(Server::new().await.site), "/", HOST, HERE).await.0,
        StatusCode::NOT_FOUND,
        "without pages there is the API alone"
    );
}

#[tokio::test]
async fn foreign_host_names_are_refused() {
    for path in ["/", "/nosuch", "/api/v1/whoami"] {
        let (status, ..) =
            ask(with_pages(Server::new().await.site, Some(pages)), path, "evil.example:9002", HERE).await;
        assert_eq!(status, StatusCode::MISDIRECTED_REQUEST, "{path}");
    }
}

#[tokio::test]
async fn what_is_refused_before_any_page_is_said_in_both_languages() {
    let routes = with_pages(Server::new().await.site, Some(pages));
    let (status, headers, text) = ask(routes, "/attention", "evil.example:9002", HERE).await;
    assert_eq!(status, StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    assert!(text.contains("console.hosts 에 적은") && text.contains("lang=\"en\">The console answers"), "{text}");
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("style-src 'sha256-") && !policy.contains("unsafe") && !policy.contains("script"),
        "{policy}"
    );
    let access = ConsoleAccess { trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()], ..ConsoleAccess::default() };
    let site = Site { door: Door::new(access), ..Server::new().await.site };
    for path in ["/attention", "/api/v1/whoami"] {
        let mut request = Request::get(path)
            .header(header::HOST, HOST)
            .header("x-forwarded-proto", "ftp")
            .body(Body::empty())
            .unwrap();
        request.extensions_mut().insert(Peer::Tcp(HERE.parse().unwrap()));
        let response = with_pages(site.clone(), Some(pages)).oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        let text = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(String::from_utf8_lossy(&text).contains("프록시"), path == "/attention");
    }
}

#[tokio::test]
async fn pages_load_what_is_ours_alone_and_are_not_kept() {
    let (_, headers, _) = ask(with_pages(Server::new().await.site, Some(pages)), "/nosuch", HOST, HERE).await;
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(
        (&headers["referrer-policy"], &headers["cache-control"]),
        (&"no-referrer".parse().unwrap(), &"no-store".parse().unwrap())
    );
}
