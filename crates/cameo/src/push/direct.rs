//! Sending files to the bucket itself with AWS keys of the client's own, where a server hands out no addresses or none are wanted.
//!
//! The same PUT as to an address of the server's, signed here: for one key and one MD5. What S3 answers is read by its code. Faults that
//! no other file would fare better with end the push at once, each as an error of the kind that the caller acts by.

use std::time::Duration;

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use super::failed::Failed;
use crate::{
    aws::profile::Profile,
    client::{Answer, wire::UploadBucket},
    model::{
        cause::Cause,
        error::{Error, Kind, Place, Result},
        key::{PhotoId, Vertical},
    },
    presign::{PutSigner, SignedPut, SigningKeys},
};

/// How long a signature holds: longer than a file may take.
const HOLDS: Duration = Duration::from_mins(15);
/// S3 refuses what was signed by a clock that is further off. A bit less, since the answer took its time.
const CLOCK_OFF_MAX: SignedDuration = SignedDuration::from_mins(14);
/// Where a service that is not Amazon's is said to be, where nobody says it.
const DEFAULT_REGION: &str = "us-east-1";

/// The bucket that originals go to, and the keys that sign.
#[derive(Debug)]
pub struct Direct {
    signer: PutSigner,
    bucket: String,
    /// Where it is, for people.
    at: String,
}

impl Direct {
    /// For the bucket that a server names. What the owner of the keys has set of the service goes over what the server says of it.
    pub fn new(of_server: UploadBucket, profile: Profile) -> Result<Self> {
        let endpoint = profile.endpoint.or(of_server.endpoint).map(|url| url.trim_end_matches('/').to_owned());
        if let Some(url) = endpoint.as_deref().filter(|url| !url.starts_with("http://") && !url.starts_with("https://"))
        {
            let doing =
                format!("read the S3 endpoint {url:?} (AWS_ENDPOINT_URL): it must begin with http:// or https://");
            let korean = format!(
                "S3 엔드포인트 주소 {url:?} 를 읽을 수 없습니다. AWS_ENDPOINT_URL 을 https://s3.example.com 처럼 적어 주세요"
            );
            return Err(Error::new(Place::System, Kind::Misconfigured, doing).in_korean(korean));
        }
        let region = profile.region.or(of_server.region).unwrap_or_else(|| DEFAULT_REGION.to_owned());
        let keys = SigningKeys::Pair {
            id: profile.keys.id,
            secret: profile.keys.secret,
            token: profile.token.map(|token| token.0),
        };
        let signer = PutSigner::new(endpoint.as_deref(), &region, &of_server.bucket, keys)?;
        let at = endpoint.unwrap_or_else(|| format!("Amazon S3 in {region}"));
        Ok(Self { signer, bucket: of_server.bucket, at })
    }

    /// The request that brings a file with this MD5 to its place.
    pub(super) async fn address(&self, vertical: &Vertical, name: &str, md5: &[u8]) -> Result<SignedPut> {
        let photo = PhotoId::parse(vertical, name).map_err(|_| {
            Error::new(Place::System, Kind::Unlisted, format!("send {name}: it is not the name of an original"))
        })?;
        self.signer.put(&photo.origin_key(), md5, HOLDS).await
    }

    /// Why a file that was answered so is not there, and whether the push ends with it.
    pub(super) fn failed(&self, answer: &Answer, now: Timestamp) -> Failed {
        let why = self.why(answer);
        if let Some(off) = clock_off(answer, now) {
            return Failed::for_all(self.wrong_clock(off, why));
        }
        let code = answer.code.as_deref().unwrap_or_default();
        match (code, answer.status) {
            ("QuotaExceeded", _) => {
                Failed::for_all(self.error(Kind::Unavailable, why, "오늘 올릴 수 있는 양을 다 썼습니다"))
            }
            ("NoSuchBucket", _) => Failed::for_all(self.no_bucket(why)),
            ("AuthorizationHeaderMalformed" | "IllegalLocationConstraintException", _)
            | (_, StatusCode::MOVED_PERMANENTLY | StatusCode::TEMPORARY_REDIRECT) => {
                Failed::for_all(self.other_region(answer, why))
            }
            ("ExpiredToken" | "InvalidToken" | "TokenRefreshRequired", _)
            | (_, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => Failed::for_all(self.denied(code, why)),
            // A store answers so to a client that is too fast; what no wait helps against ends the push.
            (_, status) if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                let korean = "S3 엔드포인트가 요청을 처리하지 못합니다. 잠시 후 다시 실행하면 이어서 합니다";
                Failed { then: Some(self.error(Kind::Unavailable, why.clone(), korean)), why, may_pass: true }
            }
            ("BadDigest" | "RequestTimeout" | "IncompleteBody", _) => Failed { why, may_pass: true, then: None },
            (_, StatusCode::NOT_FOUND) => Failed::for_all(self.no_bucket(why)),
            _ => Failed { why, may_pass: false, then: None },
        }
    }

    /// Why a file could not be sent at all; where no try helps, the push ends.
    pub(super) fn unreachable(&self, error: &Error) -> Failed {
        let cause = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
        let why = format!("the S3 endpoint {} does not answer: {cause}", self.at);
        let doing = format!(
            "send a file to the S3 endpoint {}; see that it can be reached from here, or name another in AWS_ENDPOINT_URL",
            self.at
        );
        let korean = format!(
            "S3 엔드포인트({})에 연결할 수 없습니다. 주소(AWS_ENDPOINT_URL)와 네트워크를 확인하고 다시 실행해 주세요",
            self.at
        );
        let then = Error::new(Place::Store, Kind::Unavailable, doing).in_korean(korean).because(cause);
        Failed { why, may_pass: true, then: Some(then) }
    }

    /// Why, with its Korean: who answered what, without the words of a store.
    fn cause(&self, why: String) -> Cause {
        let answered = why.split_once("answered ").map_or("", |(_, answered)| answered);
        let code: Vec<&str> = answered.split(':').next().unwrap_or_default().split_whitespace().collect();
        let korean = format!("{} 의 응답: {}", self.at.replace("Amazon S3 in", "Amazon S3"), code.join(" "));
        Cause::new(why, korean)
    }

    fn why(&self, answer: &Answer) -> String {
        let code = answer.code.as_deref().map(|code| format!(" {code}")).unwrap_or_default();
        let message = answer.message.as_deref().map(|message| format!(": {message}")).unwrap_or_default();
        format!("the S3 endpoint {} answered {}{code}{message}", self.at, answer.status.as_u16())
    }

    fn error(&self, kind: Kind, why: String, korean: &str) -> Error {
        Error::new(Place::Store, kind, format!("send a file to the bucket {}", self.bucket))
            .in_korean(korean)
            .because(self.cause(why))
    }

    fn no_bucket(&self, why: String) -> Error {
        let doing = format!(
            "send a file: the bucket {} does not exist at {}; name the right endpoint in AWS_ENDPOINT_URL",
            self.bucket, self.at
        );
        let korean =
            format!("{} 에 버킷 {} 이 없습니다. AWS_ENDPOINT_URL 이 맞는지 확인해 주세요", self.at, self.bucket);
        Error::new(Place::Store, Kind::Misconfigured, doing).in_korean(korean).because(self.cause(why))
    }

    fn other_region(&self, answer: &Answer, why: String) -> Error {
        let region = answer.region.as_deref().unwrap_or("the bucket's region");
        let doing = format!("send a file: the bucket {} is in another region; set AWS_REGION={region}", self.bucket);
        let korean = format!("버킷 {} 은 다른 리전에 있습니다. AWS_REGION={region} 로 설정해 주세요", self.bucket);
        Error::new(Place::Store, Kind::Misconfigured, doing).in_korean(korean).because(self.cause(why))
    }

    fn denied(&self, code: &str, why: String) -> Error {
        let (english, korean) = match code {
            "ExpiredToken" | "TokenRefreshRequired" | "InvalidToken" => {
                ("the temporary AWS keys have ended; get new ones", "임시 AWS 키가 만료되었습니다. 새 키를 받아 주세요")
            }
            "InvalidAccessKeyId" => (
                "the access key id is not known there; check AWS_ACCESS_KEY_ID or the profile",
                "그곳에서 모르는 접근 키입니다. AWS_ACCESS_KEY_ID 나 프로필을 확인해 주세요",
            ),
            "SignatureDoesNotMatch" => (
                "the secret does not belong to the access key id; check AWS_SECRET_ACCESS_KEY or the profile",
                "비밀 키가 접근 키와 맞지 않습니다. AWS_SECRET_ACCESS_KEY 나 프로필을 확인해 주세요",
            ),
            _ => (
                "these AWS keys may not upload originals there; ask for the right, or leave out --s3",
                "이 AWS 키로는 올릴 수 없습니다. 권한을 요청하거나 --s3 없이 실행해 주세요",
            ),
        };
        let doing = format!("send a file to the bucket {}: {english}", self.bucket);
        Error::new(Place::Store, Kind::Denied, doing).in_korean(korean).because(self.cause(why))
    }

    fn wrong_clock(&self, off: SignedDuration, why: String) -> Error {
        let (minutes, side) = (off.abs().as_mins(), if off.is_negative() { "behind" } else { "ahead of" });
        let doing = format!(
            "send a file: the clock of this computer is {minutes} minutes {side} that of {}, and signatures carry the time; set it right",
            self.at
        );
        let korean = format!(
            "이 컴퓨터의 시계가 {minutes}분 틀려서 S3 가 서명을 받지 않습니다. 시계를 맞추고 다시 실행해 주세요"
        );
        Error::new(Place::Store, Kind::Misconfigured, doing).in_korean(korean).because(self.cause(why))
    }
}

/// How far this computer's clock is ahead of that of whoever refused a signature, where that is too far.
fn clock_off(answer: &Answer, now: Timestamp) -> Option<SignedDuration> {
    let is_of_signature = matches!(answer.status, StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST);
    let off = now.duration_since(answer.date.filter(|_| is_of_signature)?);
    (off.abs() > CLOCK_OFF_MAX).then_some(off)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::AccessKeys;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn direct_at(endpoint: &str) -> Result<Direct> {
        let keys = AccessKeys { id: "id".into(), secret: "hidden".into() };
        let profile = Profile { keys, token: None, region: None, endpoint: Some(endpoint.into()) };
        Direct::new(UploadBucket { bucket: "uploads".into(), endpoint: None, region: None }, profile)
    }

    fn direct() -> Direct {
        direct_at("http://s3.example:1/").unwrap()
    }

    #[test]
    fn an_endpoint_that_is_no_url_is_the_users_to_correct() {
        let error = direct_at("localhost:9000").unwrap_err();
        assert_eq!(error.kind(), Kind::Misconfigured);
        assert!(error.to_string().contains("AWS_ENDPOINT_URL"), "{error}");
    }

    fn answer(status: u16, code: &str) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            code: (!code.is_empty()).then(|| code.to_owned()),
            message: Some("message".into()),
            region: Some("eu-1".into()),
            date: Some(NOW),
        }
    }

    #[test]
    fn a_refusal_says_what_to_do_and_how_the_push_ends() {
        for (status, code, kind, what) in [
            (403, "InvalidAccessKeyId", Kind::Denied, "AWS_ACCESS_KEY_ID"),
            (403, "SignatureDoesNotMatch", Kind::Denied, "AWS_SECRET_ACCESS_KEY"),
            (403, "AccessDenied", Kind::Denied, "may not upload"),
            (403, "", Kind::Denied, "may not upload"),
            (400, "ExpiredToken", Kind::Denied, "get new ones"),
            (404, "NoSuchBucket", Kind::Misconfigured, "bucket uploads does not exist at http://s3.example:1"),
            (301, "PermanentRedirect", Kind::Misconfigured, "AWS_REGION=eu-1"),
            (403, "QuotaExceeded", Kind::Unavailable, "QuotaExceeded"),
        ] {
            let failed = direct().failed(&answer(status, code), NOW);
            let error = failed.then.unwrap();
            assert_eq!((error.kind(), failed.may_pass), (kind, false), "{status} {code}");
            let text = error.text(crate::model::lang::Lang::En);
            let whole = format!("{text} {}", std::error::Error::source(&error).unwrap());
            assert!(whole.contains(what), "{whole}");
        }
        let slow = direct().failed(&answer(503, "SlowDown"), NOW);
        assert!(slow.may_pass && slow.then.is_some_and(|error| error.kind() == Kind::Unavailable));
        let damaged = direct().failed(&answer(400, "BadDigest"), NOW);
        assert!(damaged.may_pass && damaged.then.is_none());
        let long = direct().failed(&answer(400, "EntityTooLarge"), NOW);
        assert!(!long.may_pass && long.then.is_none(), "one file's fault ends no push");
    }

    #[test]
    fn a_clock_that_is_off_is_found_by_the_answer_whatever_its_code() {
        for (off, code, side) in [(20, "RequestTimeTooSkewed", "ahead of"), (-90, "AccessDenied", "behind")] {
            let now = NOW + SignedDuration::from_mins(off);
            let error = direct().failed(&answer(403, code), now).then.unwrap();
            assert_eq!(error.kind(), Kind::Misconfigured);
            let text = error.to_string();
            assert!(text.contains(&format!("{} minutes {side}", off.abs())), "{text}");
        }
        let close = direct().failed(&answer(403, "AccessDenied"), NOW + SignedDuration::from_mins(10));
        assert_eq!(close.then.unwrap().kind(), Kind::Denied);
    }

    #[tokio::test]
    async fn a_file_is_signed_for_its_place_and_content() {
        let vertical: Vertical = "눈".parse().unwrap();
        let signed = direct().address(&vertical, "1_0.jpg", &[0; 16]).await.unwrap();
        assert!(signed.url.starts_with("http://s3.example:1/uploads/origin/%EB%88%88/1_0.jpg?"), "{}", signed.url);
        assert!(signed.url.contains("content-md5%3Bhost") && !signed.url.contains("hidden"));
        assert!(direct().address(&vertical, "1.jpg", &[0; 16]).await.is_err());
    }
}
