//! The embedded store as the flow sees it.

use async_trait::async_trait;
use bytes::Bytes;

use super::{
    BodyError, Checksums, Copy, Description, Embedded, Entry, NewObject, Query, ReadConditions, Refusal, Tag,
    WriteConditions,
};
use crate::{
    error::Result,
    store::{Attributes, Condition, Object, ObjectInfo, Store, Written},
};

/// The answer of a conditional write.
fn written(answer: Result<super::StoredObject, Refusal>, condition: &Condition) -> Result<Written> {
    match answer {
        Ok(object) => Ok(Written::Done(object.info())),
        Err(Refusal::ConditionFailed) => Ok(Written::ConditionFailed),
        Err(Refusal::NoSuchKey) if matches!(condition, Condition::Matches(_)) => Ok(Written::ConditionFailed),
        Err(refusal) => Err(refusal.into()),
    }
}

#[async_trait]
impl Store for Embedded {
    async fn get(&self, bucket: &str, key: &str, max_bytes: u64) -> Result<Option<Object>> {
        let open = match self.open_object(bucket, key).await {
            Ok(open) => open,
            Err(Refusal::NoSuchKey) => return Ok(None),
            Err(refusal) => return Err(refusal.into()),
        };
        if open.object.size > max_bytes {
            return Ok(Some(Object { info: open.object.info(), body: Bytes::new() }));
        }
        let (object, body) = open.read_whole().await?;
        Ok(Some(Object { info: object.info(), body }))
    }

    async fn head(&self, bucket: &str, key: &str) -> Result<Option<ObjectInfo>> {
        match self.look_up(bucket, key).await {
            Ok(object) => Ok(Some(object.info())),
            Err(Refusal::NoSuchKey) => Ok(None),
            Err(refusal) => Err(refusal.into()),
        }
    }

    async fn put(
        &self,
        bucket: &str,
        key: &str,
        body: Bytes,
        attributes: &Attributes,
        condition: Condition,
    ) -> Result<Written> {
        let body = futures::stream::iter([Ok::<_, BodyError>(body)]);
        let staged = self.stage(body, &[], u64::MAX).await?;
        let object = NewObject {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            description: Description::from(attributes),
            checksums: Checksums::default(),
            conditions: condition.clone().into(),
        };
        written(Embedded::put(self, staged, object).await, &condition)
    }

    async fn copy(
        &self,
        bucket: &str,
        from: &str,
        to: &str,
        attributes: &Attributes,
        condition: Condition,
    ) -> Result<Option<Written>> {
        let copy = Copy {
            from: (bucket.to_owned(), from.to_owned()),
            source_conditions: ReadConditions::default(),
            to: (bucket.to_owned(), to.to_owned()),
            description: Some(Description::from(attributes)),
            conditions: condition.clone().into(),
        };
        match self.copy_object(copy).await {
            // The source is the only one that may be absent where nothing is asked of the copy's key.
            Err(Refusal::NoSuchKey) if self.head(bucket, from).await?.is_none() => Ok(None),
            answer => written(answer, &condition).map(Some),
        }
    }

    async fn delete(&self, bucket: &str, key: &str, etag: &str) -> Result<bool> {
        let conditions = WriteConditions { if_match: Some(Tag::Is(etag.to_owned())), ..WriteConditions::default() };
        match self.delete_object(bucket, key, conditions).await {
            Ok(_) | Err(Refusal::NoSuchKey) => Ok(true),
            Err(Refusal::ConditionFailed) => Ok(false),
            Err(refusal) => Err(refusal.into()),
        }
    }

    async fn list(&self, bucket: &str, prefix: &str, after: &str, max: usize) -> Result<Vec<ObjectInfo>> {
        let query = Query { prefix: prefix.to_owned(), after: after.to_owned(), max, ..Query::default() };
        let page = self.list_page(bucket, &query).await?;
        let info = |entry: &Entry| match entry {
            Entry::Object(object) => Some(object.info()),
            Entry::CommonPrefix(_) => None,
        };
        Ok(page.entries.iter().filter_map(info).collect())
    }

    async fn ping(&self) -> Result<()> {
        self.bucket_exists("").await?;
        Ok(())
    }
}
