//! How a message is signed, exactly as Standard Webhooks has it: HMAC-SHA256 over `id.timestamp.payload`, in base64 behind `v1,`; where two
//! secrets count, both signatures with a space between them.

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use ring::hmac;

use crate::model::webhook::WebhookSecret;

/// The header with the message's id.
pub const ID: &str = "webhook-id";
/// The header with the time of the attempt, seconds since 1970-01-01T00:00:00Z.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// The header with the signatures.
pub const SIGNATURE: &str = "webhook-signature";

/// The value of [`SIGNATURE`]; none where no secret is one.
pub fn sign(secrets: &[&WebhookSecret], id: &str, at: Timestamp, payload: &str) -> Option<String> {
    let content = format!("{id}.{}.{payload}", at.as_second());
    let of_key = |key: Vec<u8>| {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), content.as_bytes());
        format!("v1,{}", STANDARD.encode(tag))
    };
    let signatures: Vec<_> = secrets.iter().filter_map(|secret| secret.key()).map(of_key).collect();
    (!signatures.is_empty()).then(|| signatures.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the reference implementations (standard-webhooks/standard-webhooks, libraries).
    #[test]
    fn the_example_of_the_convention_is_signed_as_it_says() {
        let secret = WebhookSecret::stored("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
        let at = Timestamp::from_second(1_614_265_330).unwrap();
        let payload = r#"{"test": 2432232314}"#;
        let signed = sign(&[&secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, payload).unwrap();
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let other = WebhookSecret::generate();
        let both = sign(&[&other, &secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, payload).unwrap();
        assert!(both.ends_with(&format!(" {signed}")) && both.matches("v1,").count() == 2, "{both}");
        assert_eq!(sign(&[&WebhookSecret::stored("lost".to_owned())], "msg_x", at, payload), None);
    }
}
