//! Signed tokens (JWS in its compact form, RFC 7515), and the keys of a provider (JWK, RFC 7517), read strictly.
//!
//! The signatures that count are those of a list, all of them made with a key that the provider alone has: neither `none` nor one with a
//! shared secret is among them. What a key is for, the key says, and the token cannot change it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Bytes of a token, at most.
const TOKEN_MAX_BYTES: usize = 64 << 10;
/// Keys of a provider that are looked at, at most.
const KEYS_MAX: usize = 64;

/// What a token claims.
pub(super) type Claims = Map<String, Value>;

/// How a signature is checked.
enum Check {
    Rsa(&'static RsaParameters),
    /// On this curve, coordinates of so many bytes.
    Ec(&'static str, usize, &'static dyn VerificationAlgorithm),
    Ed25519,
}

/// The list: the name of each in a token, and how it is checked.
fn check_of(algorithm: &str) -> Option<Check> {
    Some(match algorithm {
        "RS256" => Check::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
        "RS384" => Check::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
        "RS512" => Check::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
        "PS256" => Check::Rsa(&signature::RSA_PSS_2048_8192_SHA256),
        "PS384" => Check::Rsa(&signature::RSA_PSS_2048_8192_SHA384),
        "PS512" => Check::Rsa(&signature::RSA_PSS_2048_8192_SHA512),
        "ES256" => Check::Ec("P-256", 32, &signature::ECDSA_P256_SHA256_FIXED),
        "ES384" => Check::Ec("P-384", 48, &signature::ECDSA_P384_SHA384_FIXED),
        "EdDSA" => Check::Ed25519,
        _ => return None,
    })
}

/// The keys of a provider.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Keys {
    keys: Vec<Value>,
}

/// One of them, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Key {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    is_for: Option<String>,
    #[serde(rename = "key_ops")]
    operations: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<Value>,
    b64: Option<Value>,
}

/// What is wrong with a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// No key of the provider is the one that it names: they may be newer ones by now.
    UnknownKey,
    /// It is not a token that counts, and why.
    Wrong(String),
}

fn wrong(why: impl Into<String>) -> Fault {
    Fault::Wrong(why.into())
}

/// The claims of a token that one of these keys has signed.
pub(super) fn verified(token: &str, keys: &Keys) -> Result<Claims, Fault> {
    if token.len() > TOKEN_MAX_BYTES {
        return Err(wrong("it is too long"));
    }
    let (signed, signature) = token.rsplit_once('.').ok_or_else(|| wrong("it is not a signed token"))?;
    let (header, payload) = signed.split_once('.').ok_or_else(|| wrong("it is not a signed token"))?;
    let header: Header = parsed(header, "header")?;
    if header.crit.is_some() || header.b64.is_some() {
        return Err(wrong("its header demands what is not known here"));
    }
    if header.typ.as_deref().is_some_and(|kind| !kind.eq_ignore_ascii_case("JWT")) {
        return Err(wrong("its header says that it is for something else"));
    }
    let check = check_of(&header.alg)
        .ok_or_else(|| wrong(format!("it is signed with {:?}, which does not count", header.alg)))?;
    let signature = decoded(signature, "signature")?;
    let fitting = keys.keys.iter().take(KEYS_MAX).filter_map(|key| Key::deserialize(key).ok());
    let fitting: Vec<Key> = fitting.filter(|key| key.fits(&header, &check)).collect();
    if fitting.is_empty() {
        return Err(Fault::UnknownKey);
    }
    if !fitting.iter().any(|key| key.has_signed(signed.as_bytes(), &signature, &check)) {
        return Err(wrong("no key of the provider has signed it"));
    }
    parsed(payload, "payload")
}

fn decoded(part: &str, what: &str) -> Result<Vec<u8>, Fault> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| wrong(format!("its {what} cannot be read")))
}

fn parsed<T: serde::de::DeserializeOwned>(part: &str, what: &str) -> Result<T, Fault> {
    serde_json::from_slice(&decoded(part, what)?).map_err(|_| wrong(format!("its {what} cannot be read")))
}

impl Key {
    /// Whether it may have made such a signature: by its own word, not the token's.
    fn fits(&self, header: &Header, check: &Check) -> bool {
        let is_of_kind = match check {
            Check::Rsa(_) => self.kty == "RSA",
            Check::Ec(curve, ..) => self.kty == "EC" && self.crv.as_deref() == Some(curve),
            Check::Ed25519 => self.kty == "OKP" && self.crv.as_deref() == Some("Ed25519"),
        };
        let is_named = header.kid.is_none() || header.kid == self.kid;
        let signs = self.is_for.as_deref().is_none_or(|is_for| is_for == "sig")
            && self
                .operations
                .as_ref()
                .is_none_or(|operations| operations.iter().any(|operation| operation == "verify"))
            && self.alg.as_ref().is_none_or(|algorithm| *algorithm == header.alg);
        is_of_kind && is_named && signs
    }

    fn has_signed(&self, message: &[u8], signature: &[u8], check: &Check) -> bool {
        self.verify(message, signature, check).is_some()
    }

    fn verify(&self, message: &[u8], signature: &[u8], check: &Check) -> Option<()> {
        let number = |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_ref()?).ok();
        match check {
            Check::Rsa(parameters) => {
                let (n, e) = (number(&self.n)?, number(&self.e)?);
                // Some write a sign before it, which the checker takes for an error.
                let plain = |number: &[u8]| number[number.iter().take_while(|byte| **byte == 0).count()..].to_vec();
                RsaPublicKeyComponents { n: plain(&n), e: plain(&e) }.verify(parameters, message, signature).ok()
            }
            Check::Ec(_, length, algorithm) => {
                let (x, y) = (number(&self.x)?, number(&self.y)?);
                let is_whole = x.len() == *length && y.len() == *length;
                // A point without compression (SEC 1, 2.3.3).
                let point = [&[4][..], &x, &y].concat();
                is_whole.then(|| UnparsedPublicKey::new(*algorithm, point).verify(message, signature).ok())?
            }
            Check::Ed25519 => {
                UnparsedPublicKey::new(&signature::ED25519, number(&self.x)?).verify(message, signature).ok()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ring::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
    };
    use serde_json::json;

    use super::*;

    /// Made by `openssl dgst -sha256 -sign`, of a key that nobody has any more.
    const MODULUS: &str = "m845fFU6T2jmauosNQ9tNWgPJgWO3IcULF9DAFRmsoPRca6lF8xX8Lkrfja6pB6YnNWoiNDr1kN9YVB5YsRSnewhvhZO0wsAwPqEKmTKkti2t_\
         3XZjcXNfyY0tPIlQUZn8-PCp9MlVm5YvQaXYKk6s-asUdCgzNHa7nELvgHtaAnYzJDlYorGhNx7CR1YvhnLfAzAdZFOpuk_92ErZCbb6TWTC-H\
         Jk3qz1REDPV9_KIaTJzTUmSD6lhhreoxUh4VUnMwyBpap326byeHsG9jKbNxhMZy8M8YbaplwPgTIufjmmR9uqQu9lvL2m4hmoPmhbqquz1oSw\
         S7v0DpVDbexQ";
    const RS256: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6InIiLCJ0eXAiOiJKV1QifQ.eyJzdWIiOiI0MiJ9.GZgb8xpgd-HaBuiGonCzn5748c_yu2La2bzZgOPQIE\
         9SXLE2nv5b5wL_INEfm-ejf9GV2LSgDExjtHiaBqMc0qE-0_tT70Z-IVsNbJaEbTotW5TXZD2j5n9QqYeTAU0t12MS2BXmowmcciANKOtsCKnO\
         0utYAoyTOWuASZUNKNL7zJ8w9gUOu8l5iHHfxESxpBNctVG29rv9DCoFokTwJPXfgBlmXVM6QoiwARL2J40vx8cF1MQNaP0lrog68tuDhXH34K\
         i0hgx1kKP-aOZJ0n8baY5R8mlBq_bq1mU236tNNGwO2VOIBzUV-b_kj7hGb6dh7IvZDvmo_vdtb4N9Lw";
    const PS256: &str = "eyJhbGciOiJQUzI1NiIsImtpZCI6InIiLCJ0eXAiOiJKV1QifQ.eyJzdWIiOiI0MiJ9.NrFw306xy73XKStw669qnFz5sMsLpj4dg3ctT1pDvj\
         LVYzsGvnape3nIuagTuVHmhoxitAhDCy652ckrmzggm3OACRugI8dX4YHcTgrIjtolf6nbcHIs4QbsnQuE9TQ8QSV62bbTyFHubabG6GByt-VO\
         CvvT_m8yrV5l5MqoNoa2b9beOnc-v-xwd_T0Gk9vsExzjT8QY7oyPH_GIHABgAlCG5CweRa0wLLDWo26vmEyOkuVLrPjqx09S_gEuxd30mFpFX\
         IrwNcKURuoVBAv83usQcCv2rPWC4lNLAlY29RzrLc3_SKPfDmaoxG8PYG0Lz43SO4msKBPEQA7GvqW0w";

    fn keys(keys: Value) -> Keys {
        serde_json::from_value(json!({"keys": keys})).unwrap()
    }

    fn encoded(value: &Value) -> String {
        URL_SAFE_NO_PAD.encode(value.to_string())
    }

    fn signed(header: Value, claims: Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
        let signed = format!("{}.{}", encoded(&header), encoded(&claims));
        let signature = URL_SAFE_NO_PAD.encode(sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    fn rsa(more: &Value) -> Value {
        let mut key = json!({"kty": "RSA", "kid": "r", "n": MODULUS, "e": "AQAB"});
        key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        key
    }

    fn is_wrong(verified: Result<Claims, Fault>, what: &str) {
        assert!(matches!(verified, Err(Fault::Wrong(_))), "{what}: {verified:?}");
    }

    #[test]
    fn signatures_of_the_list_count_and_only_with_a_key_that_is_for_them() {
        for token in [RS256, PS256] {
            assert_eq!(verified(token, &keys(json!([rsa(&json!({}))]))).unwrap()["sub"], "42");
            let leading_zero = URL_SAFE_NO_PAD.encode([&[0][..], &URL_SAFE_NO_PAD.decode(MODULUS).unwrap()].concat());
            assert!(verified(token, &keys(json!([rsa(&json!({"n": leading_zero, "use": "sig"}))]))).is_ok());
            for other in [
                json!({"kid": "other"}),
                json!({"use": "enc"}),
                json!({"alg": "RS512"}),
                json!({"key_ops": ["encrypt"]}),
                json!({"kty": "oct"}),
            ] {
                assert_eq!(verified(token, &keys(json!([rsa(&other)]))), Err(Fault::UnknownKey), "{other}");
            }
            is_wrong(verified(token, &keys(json!([rsa(&json!({"e": "Aw"}))]))), "another exponent");
        }
        assert_eq!(verified(RS256, &keys(json!([]))), Err(Fault::UnknownKey));
        assert_eq!(verified(RS256, &keys(json!([1, "x", {"kty": 3}]))), Err(Fault::UnknownKey));
        let (random, b64) = (SystemRandom::new(), |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes));
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
        let point = pair.public_key().as_ref();
        let ec = json!({"kty": "EC", "crv": "P-256", "x": b64(&point[1..33]), "y": b64(&point[33..])});
        let by_ec = |header: Value| {
            signed(header, json!({"sub": "1"}), |text| pair.sign(&random, text).unwrap().as_ref().to_vec())
        };
        let token = by_ec(json!({"alg": "ES256"}));
        assert_eq!(
            verified(&token, &keys(json!([rsa(&json!({})), ec]))).unwrap()["sub"],
            "1",
            "no kid: the one that fits"
        );
        let short = json!({"kty": "EC", "crv": "P-256", "x": b64(&point[1..32]), "y": b64(&point[33..])});
        is_wrong(verified(&token, &keys(json!([short]))), "half a point");
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        let ed = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        let key = json!({"kty": "OKP", "crv": "Ed25519", "x": b64(ed.public_key().as_ref())});
        let token = signed(json!({"alg": "EdDSA"}), json!({"sub": "2"}), |text| ed.sign(text).as_ref().to_vec());
        assert_eq!(verified(&token, &keys(json!([key]))).unwrap()["sub"], "2");
        // What is demanded and not known here (RFC 7515, 4.1.11), and tokens for something else (RFC 8725, 3.11).
        for header in [
            json!({"alg": "ES256", "crit": ["x"]}),
            json!({"alg": "ES256", "b64": false, "crit": ["b64"]}),
            json!({"alg": "ES256", "typ": "at+jwt"}),
            json!({"alg": "ES384"}),
        ] {
            assert!(verified(&by_ec(header.clone()), &keys(json!([ec]))).is_err(), "{header}");
        }
    }

    /// RFC 8725, 2.1: no signature, and one made with the public key as a shared secret.
    #[test]
    fn neither_none_nor_a_shared_secret_counts() {
        let known = keys(json!([rsa(&json!({})), {"kty": "oct", "kid": "r", "k": "c2VjcmV0"}]));
        for algorithm in ["none", "None", "HS256", "HS512", "rs256", "", "RSA-OAEP"] {
            let header = json!({"alg": algorithm, "kid": "r"});
            let by_modulus = |text: &[u8]| {
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, MODULUS.as_bytes());
                ring::hmac::sign(&key, text).as_ref().to_vec()
            };
            is_wrong(verified(&signed(header.clone(), json!({"sub": "1"}), by_modulus), &known), algorithm);
            is_wrong(verified(&signed(header, json!({"sub": "1"}), |_| Vec::new()), &known), algorithm);
        }
    }

    #[test]
    fn what_was_changed_on_the_way_does_not_count() {
        let known = keys(json!([rsa(&json!({}))]));
        let parts: Vec<&str> = RS256.split('.').collect();
        let other = encoded(&json!({"sub": "43"}));
        for token in [
            String::new(),
            "a".to_owned(),
            "a.b.c".to_owned(),
            format!("{}.{}", parts[0], parts[1]),
            format!("{RS256}.x"),
            format!("{}.{other}.{}", parts[0], parts[2]),
            format!("{}.{}.", parts[0], parts[1]),
            format!("{}.{}.{}=", parts[0], parts[1], parts[2]),
            format!("{}.{}.{}", parts[0], parts[1], &parts[2][2..]),
            format!("{} .{}.{}", parts[0], parts[1], parts[2]),
            "x".repeat(TOKEN_MAX_BYTES + 1),
        ] {
            is_wrong(verified(&token, &known), &token[..token.len().min(80)]);
        }
    }
}
