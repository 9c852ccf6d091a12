//! A batch of messages as Lambda hands it over, and the answer that tells which of them failed.
//!
//! The answer is exactly `{"batchItemFailures":[{"itemIdentifier":"…"}]}`: anything else counts as success of the whole batch,
//! and would lose messages. An empty list is a full success.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use serde_json::Value;

/// The messages of an event of SQS; none where the event is another's: S3's own, `EventBridge`'s, a schedule's.
pub(crate) fn messages(event: &Value) -> anyhow::Result<Option<Vec<SqsMessage>>> {
    let source = event.pointer("/Records/0/eventSource").and_then(Value::as_str);
    if source != Some("aws:sqs") {
        return Ok(None);
    }
    let SqsEvent { records, .. } = serde_json::from_value(event.clone())?;
    Ok(Some(records))
}

/// The body of a message.
pub(crate) fn body(message: &SqsMessage) -> &str {
    message.body.as_deref().unwrap_or("")
}

/// The answer, with the messages that are to come again.
///
/// A message without an id cannot be named, so nothing may count as done.
pub(crate) fn answer<'m>(failed: impl IntoIterator<Item = &'m SqsMessage>) -> anyhow::Result<Value> {
    let mut response = SqsBatchResponse::default();
    for message in failed {
        let id = message.message_id.clone().ok_or_else(|| anyhow::anyhow!("a message has no id"))?;
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = id;
        response.batch_item_failures.push(failure);
    }
    Ok(serde_json::to_value(&response)?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event() -> Value {
        json!({"Records": [
            {"messageId": "a", "body": "one", "eventSource": "aws:sqs", "receiptHandle": "r"},
            {"messageId": "b", "body": "two", "eventSource": "aws:sqs"},
        ]})
    }

    #[test]
    fn the_answer_is_spelt_as_lambda_reads_it() {
        let messages = messages(&event()).unwrap().unwrap();
        assert_eq!(messages.iter().map(body).collect::<Vec<_>>(), ["one", "two"]);
        assert_eq!(answer(&messages[1..]).unwrap(), json!({"batchItemFailures": [{"itemIdentifier": "b"}]}));
        assert_eq!(answer([]).unwrap(), json!({"batchItemFailures": []}));
    }

    #[test]
    fn what_is_no_batch_is_somebody_elses() {
        for event in [
            json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}]}),
            json!({"source": "aws.s3", "detail-type": "Object Created"}),
            json!({"Service": "Amazon S3", "Event": "s3:TestEvent"}),
            json!({"drain": true}),
        ] {
            assert!(messages(&event).unwrap().is_none(), "{event}");
        }
    }
}
