//! Events: an object was created or removed.
//!
//! One form on every side: the notification of Amazon S3 (version 2.1 of its `Records`), which the embedded store writes
//! too, and the object events of `EventBridge`. In `Records` the key is form-encoded (`+` is a space, then percent);
//! `EventBridge`'s is raw. An event may come twice and out of order; its [`Generation`] tells the order.

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};

use crate::model::{
    actor::Actor,
    error::{Error, Kind, Place, Result},
    generation::Generation,
};

/// Bytes of a key that stay as they are in a notification.
const KEY_ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'*');

/// What happened to the object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It was written.
    Created {
        /// The new content's `ETag`, without quotes.
        etag: String,
        /// Its length in bytes.
        size: u64,
    },
    /// It was deleted.
    Removed,
}

/// One accepted change of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The bucket in which it happened.
    pub bucket: String,
    /// The key, byte for byte: notifications write it with `+` and `%`, which are taken off.
    pub key: String,
    /// Which change of the key this is.
    pub generation: Generation,
    /// Whether there is content now.
    pub change: Change,
    /// Who did it, where that is known.
    pub actor: Option<Actor>,
}

impl Event {
    /// The event as a notification of one record.
    pub fn to_notification(&self, at: Timestamp) -> String {
        let (name, object) = match &self.change {
            Change::Created { etag, size } => ("ObjectCreated:Put", json!({"size": size, "eTag": etag})),
            Change::Removed => ("ObjectRemoved:Delete", json!({})),
        };
        let mut object = object;
        object["key"] = Value::String(encode_key(&self.key));
        object["sequencer"] = Value::String(self.generation.as_str().to_owned());
        let mut record = json!({
            "eventVersion": "2.1",
            "eventSource": "cameo:s3",
            "eventTime": at.to_string(),
            "eventName": name,
            "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": self.bucket}, "object": object},
        });
        if let Some(actor) = &self.actor {
            record["userIdentity"] = json!({"principalId": actor});
        }
        json!({"Records": [record]}).to_string()
    }
}

/// Encodes a key as notifications carry it.
fn encode_key(key: &str) -> String {
    utf8_percent_encode(key, KEY_ENCODED).to_string().replace("%20", "+")
}

fn decode_key(encoded: &str) -> Result<String> {
    let spaced = encoded.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded
        .map(std::borrow::Cow::into_owned)
        .map_err(|error| malformed(format!("read the event's key {encoded:?}")).because(error))
}

/// Records that a message is split into, at most; S3 sends one a message.
const RECORDS_MAX: usize = 1000;

/// The notification itself, also where SNS has put it into one of its own.
fn unwrapped(body: &str) -> Result<Value> {
    let json = |text: &str| {
        serde_json::from_str::<Value>(text).map_err(|error| malformed("read an event as JSON").because(error))
    };
    let value = json(body)?;
    let is_of_sns =
        value.get("Type").and_then(Value::as_str) == Some("Notification") && value.get("TopicArn").is_some();
    match value.get("Message").and_then(Value::as_str) {
        Some(inner) if is_of_sns => json(inner),
        _ => Ok(value),
    }
}

/// Cuts a message of several records into messages of one, so that what becomes of one is nothing to the others. None where it has one record
/// or none.
pub fn split(body: &str) -> Option<Vec<String>> {
    let value = unwrapped(body).ok()?;
    let records = value.get("Records").and_then(Value::as_array)?;
    let several = (2..=RECORDS_MAX).contains(&records.len());
    several.then(|| records.iter().map(|record| json!({"Records": [record]}).to_string()).collect())
}

/// The keys that a message names, decoded, whether or not its events can be read.
pub fn keys(body: &str) -> Vec<String> {
    let Ok(value) = unwrapped(body) else { return Vec::new() };
    let records = value.get("Records").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let of_records = records.iter().filter_map(|record| decode_key(text(record, "/s3/object/key").ok()?).ok());
    of_records.chain(text(&value, "/detail/object/key").ok().map(str::to_owned)).collect()
}

/// Reads the events of a message. Empty for a test event and for records that are no object events.
pub fn parse(body: &str) -> Result<Vec<Event>> {
    let value = unwrapped(body)?;
    if let Some(records) = value.get("Records").and_then(Value::as_array) {
        return Ok(records.iter().map(record).collect::<Result<Vec<_>>>()?.into_iter().flatten().collect());
    }
    if value.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
        return Ok(Vec::new());
    }
    if value.get("source").and_then(Value::as_str) == Some("aws.s3") {
        return Ok(event_bridge(&value)?.into_iter().collect());
    }
    Err(malformed("read an event: neither Records, nor s3:TestEvent, nor EventBridge's"))
}

fn record(record: &Value) -> Result<Option<Event>> {
    let name = text(record, "/eventName")?;
    let object = &record["s3"]["object"];
    let created = name.trim_start_matches("s3:").starts_with("ObjectCreated:");
    if !created && !name.trim_start_matches("s3:").starts_with("ObjectRemoved:") {
        return Ok(None);
    }
    let event = Event {
        bucket: text(record, "/s3/bucket/name")?.to_owned(),
        key: decode_key(text(record, "/s3/object/key")?)?,
        generation: generation(object, text(record, "/eventTime").unwrap_or_default()),
        change: if created { created_change(object, "eTag")? } else { Change::Removed },
        actor: actor(record, "/userIdentity/principalId"),
    };
    Ok(Some(event))
}

fn event_bridge(value: &Value) -> Result<Option<Event>> {
    let created = match text(value, "/detail-type")? {
        "Object Created" => true,
        "Object Deleted" => false,
        _ => return Ok(None),
    };
    let object = &value["detail"]["object"];
    let event = Event {
        bucket: text(value, "/detail/bucket/name")?.to_owned(),
        key: text(value, "/detail/object/key")?.to_owned(),
        generation: generation(object, text(value, "/time").unwrap_or_default()),
        change: if created { created_change(object, "etag")? } else { Change::Removed },
        actor: actor(value, "/detail/requester"),
    };
    Ok(Some(event))
}

/// Who made the change. A store may leave it out, and nothing depends on it.
fn actor(value: &Value, pointer: &str) -> Option<Actor> {
    value.pointer(pointer).and_then(Value::as_str).and_then(Actor::new)
}

fn created_change(object: &Value, etag: &str) -> Result<Change> {
    let etag = object.get(etag).and_then(Value::as_str).ok_or_else(|| malformed("read an event: no ETag"))?;
    let size = object.get("size").and_then(Value::as_u64).unwrap_or(0);
    Ok(Change::Created { etag: etag.trim_matches('"').to_owned(), size })
}

/// The sequencer; where a store sends none, the time of the event and the `ETag`, which keep the order of writes that are at least the clock's step apart.
fn generation(object: &Value, time: &str) -> Generation {
    match object.get("sequencer").and_then(Value::as_str) {
        Some(sequencer) if !sequencer.is_empty() => Generation::new(sequencer),
        _ => {
            let etag = object.get("eTag").or_else(|| object.get("etag")).and_then(Value::as_str);
            Generation::new(format!("{time}{}", etag.unwrap_or("")))
        }
    }
}

fn text<'v>(value: &'v Value, pointer: &str) -> Result<&'v str> {
    value.pointer(pointer).and_then(Value::as_str).ok_or_else(|| malformed(format!("read an event: no {pointer}")))
}

fn malformed(doing: impl Into<String>) -> Error {
    Error::new(Place::Queue, Kind::Malformed, doing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn created(key: &str) -> Event {
        Event {
            bucket: "celebtide-image-upload".into(),
            key: key.into(),
            generation: Generation::from_counter(7),
            change: Change::Created { etag: "abc".into(), size: 3 },
            actor: Actor::new("AKIAEXAMPLE"),
        }
    }

    #[test]
    fn notifications_parse_back_whatever_the_key() {
        for key in ["origin/v/1_0.jpg", "origin/a b+c%20/가_0.jpg", "origin/v'; DROP\"\n.jpg"] {
            let event = created(key);
            assert_eq!(parse(&event.to_notification(Timestamp::UNIX_EPOCH)).unwrap(), [event]);
        }
        let removed = Event { change: Change::Removed, actor: None, ..created("origin/v/1_0.jpg") };
        assert_eq!(parse(&removed.to_notification(Timestamp::UNIX_EPOCH)).unwrap(), [removed]);
    }

    #[test]
    fn test_events_are_acknowledged_and_nonsense_is_not() {
        assert_eq!(parse(r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}"#).unwrap(), []);
        assert!(parse("{}").is_err());
        assert!(parse("no json").is_err());
    }

    /// As S3 sends it: a message may hold several records, and records of other kinds are passed over.
    #[test]
    fn a_notification_of_s3_is_read_record_by_record() {
        let record = |name: &str, key: &str, sequencer: &str| {
            format!(
                r#"{{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"ap-northeast-2","eventTime":"2026-11-22T00:00:00.000Z",
                "eventName":"{name}","userIdentity":{{"principalId":"AWS:X"}},"s3":{{"s3SchemaVersion":"1.0",
                "configurationId":"c","bucket":{{"name":"b","arn":"arn:aws:s3:::b"}},
                "object":{{"key":"{key}","size":3,"eTag":"abc","sequencer":"{sequencer}"}}}}}}"#
            )
        };
        let records = [
            record("ObjectCreated:CompleteMultipartUpload", "origin/v/a+b%2B%ED%95%9C_0.jpg", "0055AED6DCD90281E5"),
            record("ObjectRestore:Post", "origin/v/2_0.jpg", "00"),
            record("ObjectRemoved:DeleteMarkerCreated", "origin/v/1_0.jpg", "0055AE"),
        ];
        let events = parse(&format!(r#"{{"Records":[{}]}}"#, records.join(","))).unwrap();
        let told: Vec<_> = events.iter().map(|event| (event.key.as_str(), event.generation.as_str())).collect();
        assert_eq!(told, [("origin/v/a b+한_0.jpg", "0055AED6DCD90281E5"), ("origin/v/1_0.jpg", "0055AE")]);
        assert_eq!(events[1].change, Change::Removed);
        assert_eq!(events[0].actor.as_ref().map(Actor::as_str), Some("AWS:X"));
    }

    /// Not every store sends one: then the time of the event orders the changes of a key.
    #[test]
    fn without_a_sequencer_the_later_event_is_the_newer() {
        let of = |time: &str, etag: &str| {
            let object = format!(r#"{{"key":"origin/v/1_0.jpg","size":3,"{etag}":"abc"}}"#);
            let s3 = format!(r#"{{"bucket":{{"name":"b"}},"object":{object}}}"#);
            let body =
                format!(r#"{{"Records":[{{"eventTime":"{time}","eventName":"ObjectRemoved:Delete","s3":{s3}}}]}}"#);
            parse(&body).unwrap().remove(0).generation
        };
        assert!(of("2026-11-22T00:00:01Z", "eTag") < of("2026-11-22T00:00:02Z", "eTag"));
        assert_eq!(of("2026-11-22T00:00:01Z", "eTag"), of("2026-11-22T00:00:01Z", "etag"));
    }

    /// flow.md, questionable: SNS-wrapped events.
    #[test]
    fn a_notification_that_came_by_sns_is_unwrapped() {
        let event = created("origin/v/a b_0.jpg");
        let inner = event.to_notification(Timestamp::UNIX_EPOCH);
        let wrapped = json!({"Type": "Notification", "TopicArn": "arn:aws:sns:x:1:t", "Message": inner}).to_string();
        assert_eq!(parse(&wrapped).unwrap(), [event]);
        assert_eq!(keys(&wrapped), ["origin/v/a b_0.jpg"]);
    }

    /// flow.md, questionable: a broken record takes its body's neighbours along.
    #[test]
    fn a_message_of_several_records_is_cut_into_messages_of_one() {
        let record =
            |key: &str| serde_json::from_str::<Value>(&created(key).to_notification(Timestamp::UNIX_EPOCH)).unwrap();
        let (first, second) = (record("origin/v/1_0.jpg"), record("origin/v/2_0.jpg"));
        let body = json!({"Records": [first["Records"][0], {"broken": true}, second["Records"][0]]}).to_string();
        assert!(parse(&body).is_err());
        let parts = split(&body).unwrap();
        let read: Vec<_> = parts.iter().map(|part| parse(part).map(|events| events[0].key.clone()).ok()).collect();
        assert_eq!(read, [Some("origin/v/1_0.jpg".to_owned()), None, Some("origin/v/2_0.jpg".to_owned())]);
        assert_eq!(split(&parts[0]), None);
        assert_eq!(split("no json"), None);
    }

    #[test]
    fn event_bridge_keys_are_raw() {
        let body = r#"{"source":"aws.s3","detail-type":"Object Created","time":"2026-01-01T00:00:00Z","detail":
            {"bucket":{"name":"b"},"object":{"key":"origin/v/a+b%20.jpg","size":3,"etag":"abc","sequencer":"00AB"},
            "requester":"444455556666"}}"#;
        let events = parse(body).unwrap();
        assert_eq!(events[0].key, "origin/v/a+b%20.jpg");
        assert_eq!(events[0].generation, Generation::new("00AB"));
        assert_eq!(events[0].actor.as_ref().map(Actor::as_str), Some("444455556666"));
    }
}
