//! Whether the s3s crate reads a request as the front does: for tests and the fuzz target `request`.
//!
//! A request that the front lets in is given to s3s twice, as the front hands it over and as the client sent it. s3s must
//! see the operation, the bucket, the key and the parameters that the front saw, or refuse the request.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use http::{Method, Request, request::Parts};
use s3s::{
    Body, S3, S3Result,
    access::{S3Access, S3AccessContext},
    auth::{S3Auth, SimpleAuth},
    config::{S3Config, StaticConfigProvider},
    path::S3Path,
    s3_error,
    service::{S3Service, S3ServiceBuilder},
};

use super::{
    AccessKey, Cors, KeyRing, S3Limits, Watch,
    access::Access,
    front::{FrontSettings, admit},
    handover::{self, InternalSecret},
    hosts::Hosts,
    reading::{ALGORITHM, Proof},
    routes::Admitted,
    signature::{SigningKey, canonical_query, encode_path},
};
use crate::{
    clock::{Clock, SystemClock},
    serve::audit::AuditTrail,
};

/// The key pair of all requests.
pub const KEY: (&str, &str) = ("ALIKE", "alike-secret-0123456789");
/// A domain of buckets.
pub const DOMAIN: &str = "s3.example.com";

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meaning {
    /// The operation, by S3's name.
    pub operation: String,
    /// The bucket and the key; empty where there is none.
    pub at: (String, String),
    /// The parameters that ask for something.
    pub query: BTreeMap<String, String>,
    /// The headers that ask for something.
    pub headers: BTreeMap<String, String>,
}

impl Meaning {
    fn of(admitted: &Admitted) -> Self {
        let Admitted { reading, route } = admitted;
        let own = ["x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "x-amz-user-agent"];
        let asks = |name: &&str| (name.starts_with("x-amz-") || *name == "content-md5") && !own.contains(name);
        let names = reading.headers.keys().map(http::HeaderName::as_str).filter(asks);
        let at = (reading.target.bucket().to_owned(), reading.target.key().to_owned());
        let headers = names.map(|name| (name.to_owned(), reading.header(name).unwrap_or_default().to_owned()));
        let query = reading.query.iter().cloned().collect();
        Self { operation: route.operation.to_owned(), at, query, headers: headers.collect() }
    }
}

/// What s3s sees.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    operation: String,
    at: (String, String),
    query: BTreeMap<String, String>,
    signer: String,
}

#[derive(Clone, Default)]
struct Recorder {
    seen: Arc<Mutex<Vec<Seen>>>,
    access: Option<Access>,
}

impl Recorder {
    fn take(&self) -> Vec<Seen> {
        mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait::async_trait]
impl S3Access for Recorder {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let at = match cx.s3_path() {
            S3Path::Root => (String::new(), String::new()),
            S3Path::Bucket { bucket } => (bucket.to_string(), String::new()),
            S3Path::Object { bucket, key } => (bucket.to_string(), key.to_string()),
        };
        let query = cx.uri().query().unwrap_or_default();
        let url = reqwest::Url::parse(&format!("http://host/?{query}")).map_err(|_| s3_error!(InvalidURI))?;
        let query = url.query_pairs().into_owned().filter(|(name, _)| !name.starts_with("X-Amz-")).collect();
        let operation = cx.s3_op().name().to_owned();
        let signer = cx.credentials().map(|credentials| credentials.access_key.clone()).unwrap_or_default();
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(Seen { operation, at, query, signer });
        match &self.access {
            Some(access) => access.check(cx).await,
            None => Err(s3_error!(AccessDenied, "It was seen.")),
        }
    }
}

/// Answers nothing.
struct Nothing;

impl S3 for Nothing {}

/// The front and s3s, side by side.
pub struct Alike {
    settings: FrontSettings,
    handed: (S3Service, Recorder),
    plain: (S3Service, Recorder),
}

impl Default for Alike {
    fn default() -> Self {
        let keys = Arc::new(KeyRing::fixed(vec![AccessKey::all(KEY.0, KEY.1)]));
        let (internal, limits) = (InternalSecret::random(), Arc::new(S3Limits::default()));
        let access = Access { keys: keys.clone(), internal: internal.clone() };
        let recorder = Recorder { access: Some(access.clone()), ..Recorder::default() };
        let handed = (service(access, recorder.clone()), recorder);
        let recorder = Recorder::default();
        let plain = (service(SimpleAuth::from_single(KEY.0, KEY.1), recorder.clone()), recorder);
        let (hosts, cors) = (Hosts::new(&[DOMAIN.to_owned()]), Cors::default());
        let watch = Watch::new(Arc::new(SystemClock), AuditTrail::off());
        let settings = FrontSettings { hosts, keys, watch, cors, internal, limits };
        Self { settings, handed, plain }
    }
}

fn service(auth: impl S3Auth, access: impl S3Access) -> S3Service {
    let mut builder = S3ServiceBuilder::new(Nothing);
    builder.set_auth(auth);
    builder.set_access(access);
    builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(S3Config::default()))));
    builder.build()
}

fn call((service, recorder): &(S3Service, Recorder), parts: Parts) -> Vec<Seen> {
    drop(futures::executor::block_on(service.call(Request::from_parts(parts, Body::empty()))));
    recorder.take()
}

impl Alike {
    /// What a request means to the front, if it lets it in.
    ///
    /// # Panics
    /// Where s3s reads it as another request.
    pub fn meaning(&self, request: &Request<()>) -> Option<Meaning> {
        let (parts, ()) = request.clone().into_parts();
        let (admitted, signer) = admit(&parts, &self.settings, &SystemClock).ok()?;
        let meaning = Meaning::of(&admitted);
        let (operation, at) = (meaning.operation.clone(), meaning.at.clone());
        let expected = Seen { operation, at, query: meaning.query.clone(), signer: signer.key.id.clone() };
        let (reading, internal) = (&admitted.reading, &self.settings.internal);
        let handed = handover::parts(reading, &signer.key.id, Some(0), internal, SystemClock.now());
        let Ok(mut handed) = handed else { panic!("it cannot be handed over: {meaning:?}") };
        let is_plain = is_plain(&admitted, &parts);
        handed.extensions.insert(Arc::new(admitted));
        assert_eq!(call(&self.handed, handed), std::slice::from_ref(&expected), "as handed over");
        if is_plain {
            for seen in call(&self.plain, parts) {
                assert_eq!(seen, expected, "as sent");
            }
        }
        Some(meaning)
    }

    /// Signs a request in its headers as it stands, whatever stands there; none where that cannot be.
    pub fn sign(&self, mut request: Request<()>) -> Option<Request<()>> {
        let time = SystemClock.now().strftime("%Y%m%dT%H%M%SZ").to_string();
        let headers = request.headers_mut();
        headers.insert("x-amz-date", time.parse().ok()?);
        headers.entry("x-amz-content-sha256").or_insert(http::HeaderValue::from_static("UNSIGNED-PAYLOAD"));
        let (mut names, mut lines) = (Vec::new(), String::new());
        let keys: std::collections::BTreeSet<String> = headers.keys().map(|name| name.as_str().to_owned()).collect();
        for name in keys.iter().filter(|name| *name != "authorization") {
            let values = headers.get_all(name.as_str()).iter().map(http::HeaderValue::to_str);
            let words = |value: &str| value.split_whitespace().collect::<Vec<_>>().join(" ");
            let values: Vec<String> = values.map(|value| value.map(words)).collect::<Result<_, _>>().ok()?;
            lines.push_str(&format!("{name}:{}\n", values.join(",")));
            names.push(name.as_str());
        }
        let path = percent_encoding::percent_decode_str(request.uri().path()).decode_utf8().ok()?.into_owned();
        let url = reqwest::Url::parse(&format!("http://host/?{}", request.uri().query().unwrap_or_default())).ok()?;
        let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let payload = request.headers().get("x-amz-content-sha256")?.to_str().ok()?;
        let (method, path, query) = (request.method(), encode_path(&path), canonical_query(&query));
        let signed = names.join(";");
        let canonical = format!("{method}\n{path}\n{query}\n{lines}\n{signed}\n{payload}");
        let signature = SigningKey::new(KEY.1, &time, "us-east-1").sign(&canonical);
        let scope = format!("{}/{}/us-east-1/s3/aws4_request", KEY.0, &time[..8]);
        let value = format!("{ALGORITHM} Credential={scope}, SignedHeaders={signed}, Signature={signature}");
        request.headers_mut().insert(http::header::AUTHORIZATION, value.parse().ok()?);
        Some(request)
    }

    /// The request of a text such as a client sends; none where it is none.
    pub fn request(text: &[u8]) -> Option<Request<()>> {
        let mut lines = text.split(|byte| *byte == b'\n');
        let mut words = lines.next()?.splitn(2, |byte| *byte == b' ');
        let method = Method::from_bytes(words.next()?).ok()?;
        let mut request = Request::builder().method(method).uri(words.next()?);
        for line in lines.filter(|line| !line.is_empty()) {
            let colon = line.iter().position(|byte| *byte == b':')?;
            request = request.header(&line[..colon], line[colon + 1..].trim_ascii());
        }
        request.body(()).ok()
    }
}

/// Whether s3s could read what the client sent as it was meant: it knows neither our domains nor headers in a query.
fn is_plain(admitted: &Admitted, parts: &Parts) -> bool {
    let host =
        parts.headers.get(http::header::HOST).map(|host| host.as_bytes().to_ascii_lowercase()).unwrap_or_default();
    let reading = &admitted.reading;
    let moved = |(name, _): &(String, String)| name.to_ascii_lowercase().starts_with("x-amz-");
    let in_query = reading.parameters.iter().filter(|pair| moved(pair)).count();
    let own = if matches!(reading.proof, Proof::Presigned(..)) { 6 } else { 0 };
    !host.windows(DOMAIN.len()).any(|part| part == DOMAIN.as_bytes()) && in_query == own
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_credential_types::Credentials;
    use aws_sigv4::{
        http_request::{
            PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
            SigningSettings, UriPathNormalizationMode, sign,
        },
        sign::v4,
    };
    use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
    use std::time::Duration;

    /// Signs by the AWS SDK's signer, in headers or in the query.
    fn signed(request: Request<()>, presigned: bool) -> Request<()> {
        let identity = Credentials::new(KEY.0, KEY.1, None, None, "test").into();
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        if presigned {
            settings.signature_location = SignatureLocation::QueryParams;
            settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
            settings.expires_in = Some(Duration::from_mins(1));
        }
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region("eu-west-1")
            .name("s3")
            .time(SystemClock.now().into())
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let headers: Vec<_> = request.headers().iter().map(|(n, v)| (n.as_str(), v.to_str().unwrap())).collect();
        let host = request.headers()["host"].to_str().unwrap();
        let uri = format!("http://{host}{}", request.uri());
        let signable =
            SignableRequest::new(request.method().as_str(), uri, headers.into_iter(), SignableBody::UnsignedPayload);
        let (instructions, _) = sign(signable.unwrap(), &params).unwrap().into_parts();
        let mut request = request;
        instructions.apply_to_request_http1x(&mut request);
        // What a client sends has no host in its first line.
        let target = request.uri().path_and_query().unwrap().as_str().parse().unwrap();
        *request.uri_mut() = target;
        request
    }

    const ALL: [(&str, &str, &str); 19] = [
        ("GET", "service", ""),
        ("GET", "service", "prefix=a&max-buckets=3"),
        ("HEAD", "bucket", ""),
        ("GET", "bucket", "list-type=2&prefix=a%2Fb&delimiter=%2F&encoding-type=url"),
        ("GET", "bucket", "prefix=%EA%B0%80%20b&marker=x%2By"),
        ("GET", "bucket", "versions="),
        ("GET", "bucket", "uploads=&max-uploads=7"),
        ("GET", "bucket", "location="),
        ("PUT", "bucket", ""),
        ("DELETE", "bucket", ""),
        ("POST", "bucket", "delete="),
        ("GET", "object", "response-content-type=image%2Fjpeg&x-id=GetObject"),
        ("HEAD", "object", "partNumber=1"),
        ("PUT", "object", "x-id=PutObject"),
        ("PUT", "object", "partNumber=1&uploadId=abc"),
        ("POST", "object", "uploads="),
        ("POST", "object", "uploadId=a%2Fb"),
        ("DELETE", "object", "uploadId=abc"),
        ("DELETE", "object", ""),
    ];
    const KEYS: [&str; 7] = ["k", "a/b.jpg", "%EA%B0%80.jpg", "a%20b%2Bc", "//x", "%F0%9F%93%B7", "a%25b/"];

    fn drawn(random: &mut StdRng) -> Request<()> {
        let (method, resource, query) = *ALL.choose(random).unwrap();
        let key = KEYS.choose(random).unwrap();
        let virtual_host = resource != "service" && random.random_bool(0.3);
        let (bucket, host) = if virtual_host {
            (String::new(), format!("uploads.{DOMAIN}"))
        } else {
            ("/uploads".to_owned(), (*["127.0.0.1:9000", "localhost", DOMAIN].choose(random).unwrap()).to_owned())
        };
        let path = match resource {
            "service" => "/".to_owned(),
            "bucket" if virtual_host => "/".to_owned(),
            "bucket" => bucket,
            _ => format!("{bucket}/{key}"),
        };
        let target = if query.is_empty() { path } else { format!("{path}?{query}") };
        let mut request = Request::builder().method(method).uri(target).header("host", host);
        if method == "PUT" && resource == "object" {
            if !query.contains("x-id") && random.random_bool(0.3) {
                request = request.header("x-amz-copy-source", "uploads/other");
            } else if random.random_bool(0.5) {
                request = request.header("x-amz-meta-colour", "green  and   blue");
            }
        }
        request.body(()).unwrap()
    }

    /// One change that an attacker could make to a request that somebody else signed.
    fn changed(mut request: Request<()>, random: &mut StdRng) -> Request<()> {
        let target = request.uri().to_string();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let pairs: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty()).collect();
        let target_of = |path: &str, pairs: &[String]| {
            if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
        };
        let mut own: Vec<String> = pairs.iter().map(|pair| (*pair).to_owned()).collect();
        let names = [
            "x-amz-copy-source",
            "X-Amz-SignedHeaders",
            "X-Amz-Expires",
            "acl",
            "delete",
            "tagging",
            "prefix",
            "uploadId",
            "x-amz-meta-a",
            "X-Amz-Content-Sha256",
            "list-type",
            "versionId",
            "x-id",
            "x-amz-signature",
        ];
        match random.random_range(0..12) {
            0 if !own.is_empty() => {
                let at = random.random_range(0..own.len());
                let pair = own[at].clone();
                own.push(pair);
            }
            1 if !own.is_empty() => {
                // Any character of a name or value may be sent encoded.
                let at = random.random_range(0..own.len());
                let letters: Vec<usize> =
                    own[at].bytes().enumerate().filter(|(_, b)| b.is_ascii_alphabetic()).map(|(i, _)| i).collect();
                if let Some(&letter) = letters.choose(random) {
                    let byte = own[at].as_bytes()[letter];
                    own[at].replace_range(letter..=letter, &format!("%{byte:02X}"));
                }
            }
            2 => own.push(format!("{}=uploads/secret", names.choose(random).unwrap())),
            3 => own.insert(0, format!("{}=1", names.choose(random).unwrap())),
            4 if !own.is_empty() => drop(own.remove(random.random_range(0..own.len()))),
            5 if !own.is_empty() => {
                let at = random.random_range(0..own.len());
                own[at] = if random.random() { own[at].to_ascii_lowercase() } else { own[at].to_ascii_uppercase() };
            }
            6 => {
                let name =
                    ["x-amz-copy-source", "x-amz-meta-evil", "x-amz-acl", "content-md5", "x-amz-date"].choose(random);
                request.headers_mut().append(*name.unwrap(), "uploads/secret".parse().unwrap());
            }
            7 => {
                let decoys = [
                    "x SignedHeaders=host;x-amz-copy-source,",
                    "AWS id:signature",
                    "Bearer x",
                    "AWS4-HMAC-SHA256 Credential=ALIKE/20260101/r/s3/aws4_request, SignedHeaders=host, Signature=00",
                ];
                let decoy = decoys.choose(random).unwrap().parse().unwrap();
                request.headers_mut().append("authorization", decoy);
            }
            8 => {
                if let Some(value) = request.headers().get("authorization") {
                    let other = value.to_str().unwrap().replacen("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA257", 1);
                    request.headers_mut().insert("authorization", other.parse().unwrap());
                    request.headers_mut().insert("x-amz-copy-source", "uploads/secret".parse().unwrap());
                }
            }
            9 => {
                let host = ["evil.s3.example.com", "s3.example.com", "127.0.0.1", "localhost"].choose(random).unwrap();
                request.headers_mut().insert("host", host.parse().unwrap());
            }
            10 => {
                let other =
                    [http::Method::GET, http::Method::PUT, http::Method::DELETE, http::Method::HEAD].choose(random);
                *request.method_mut() = other.unwrap().clone();
            }
            _ => {
                let path = if random.random() { format!("{path}/") } else { path.replacen("uploads", "%75ploads", 1) };
                *request.uri_mut() = target_of(&path, &own).parse().unwrap();
                return request;
            }
        }
        *request.uri_mut() = target_of(path, &own).parse().unwrap();
        request
    }

    /// security.md A1, A8, A9: what a signature does not bind changes nothing.
    #[test]
    fn no_change_of_a_signed_request_that_is_let_in_changes_its_meaning() {
        let alike = Alike::default();
        for seed in 0..3000 {
            let mut random = StdRng::seed_from_u64(seed);
            let asked = drawn(&mut random);
            let request = signed(asked.clone(), random.random());
            let meaning = alike.meaning(&request);
            let meaning = meaning.unwrap_or_else(|| panic!("seed {seed}: the SDK's signature is refused: {request:?}"));
            let mut other = request;
            for _ in 0..random.random_range(1..3) {
                other = changed(other, &mut random);
            }
            if let Some(now) = alike.meaning(&other) {
                assert_eq!(now, meaning, "seed {seed}: {other:?}");
            }
        }
    }

    /// Whatever the text, signed or not: s3s reads what is let in alike, and our signer's word is s3s' too.
    #[test]
    fn texts_that_are_let_in_are_read_alike() {
        let alike = Alike::default();
        let pieces = [
            "/",
            "uploads",
            "/k",
            "?",
            "&",
            "=",
            "%2F",
            "%",
            "+",
            "acl",
            "tagging",
            "uploadId=1",
            "partNumber=1",
            "delete",
            "list-type=2",
            "prefix=a",
            "X-Amz-Signature=1",
            "versionId=null",
            "%EA%B0%80",
            "%00",
            "..",
            "uploads=",
            "\nhost:localhost",
            "\nhost:b.s3.example.com",
            "\nx-amz-copy-source:uploads/o",
            "\nx-amz-acl:private",
            "\nrange:bytes=0-1",
            "\ncontent-type:multipart/form-data; boundary=x",
        ];
        let mut accepted = 0;
        for seed in 0..20_000 {
            let mut random = StdRng::seed_from_u64(seed);
            let method = ["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH"].choose(&mut random).unwrap();
            let mut text = format!("{method} /");
            if random.random_bool(0.8) {
                text.push_str("uploads");
            }
            let count = random.random_range(0..7);
            text.extend((0..count).map(|_| *pieces.choose(&mut random).unwrap()));
            if !text.contains("\nhost:") {
                text.push_str("\nhost:127.0.0.1:9000");
            }
            let Some(request) = Alike::request(text.as_bytes()) else { continue };
            assert_eq!(alike.meaning(&request), None, "unsigned: {text}");
            let Some(request) = alike.sign(request) else { continue };
            accepted += u32::from(alike.meaning(&request).is_some());
        }
        assert!(accepted > 1000, "only {accepted} were let in: the test tries nothing");
    }
}
