//! The embedded store as the flow sees it.

use std::{
    ops::Range,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;

use super::{
    BodyError, Checksums, Copy, Description, Embedded, Entry, OpenObject, Query, ReadConditions, Refusal, SmallObject,
    StoredObject, Tag, WriteConditions, kept, read::read_failed, run_blocking::run_blocking,
};
use crate::{
    model::{actor::Actor, content::Content, error::Result},
    store::{
        Attributes, Condition, ContentDigest, ContentState, Copied, Located, NewKey, NewObject, Object, ObjectInfo,
        Opened, Reading, Store, Written, bounds,
        quarantine::{KeptId, Removal},
    },
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

/// The answer of a copy.
async fn copied(
    store: &Embedded,
    bucket: &str,
    new: &NewKey,
    answer: Result<super::StoredObject, Refusal>,
) -> Result<Option<Written>> {
    match answer {
        // The source is the only one that may be absent where nothing is asked of the copy's key.
        Err(Refusal::NoSuchKey) if store.head(bucket, &new.from).await?.is_none() => Ok(None),
        answer => written(answer, &new.condition).map(Some),
    }
}

impl NewKey {
    fn within(&self, bucket: &str) -> Copy {
        Copy {
            from: (bucket.to_owned(), self.from.clone()),
            source_conditions: ReadConditions::default(),
            to: (bucket.to_owned(), self.to.clone()),
            description: Some(Description::from(&self.attributes)),
            conditions: self.condition.clone().into(),
        }
    }
}

impl Embedded {
    fn located(&self, object: StoredObject) -> Located {
        let StoredObject { position, size, etag, modified_at, description, .. } = object;
        Located {
            size,
            etag,
            last_modified: modified_at,
            content_type: description.content_type,
            offset: position.offset,
            path: self.inner.files.object_path(position.file),
            prepared: OnceLock::new(),
        }
    }
}

#[async_trait]
impl Store for Embedded {
    async fn get(&self, bucket: &str, key: &str, max_bytes: u64) -> Result<Option<Object>> {
        let Some(Opened { info, content }) = self.open(bucket, key, max_bytes).await? else { return Ok(None) };
        let name = format!("{bucket}/{key}");
        let read = run_blocking(move || content.into_bytes().map_err(|error| read_failed(&name, error)));
        Ok(Some(Object { info, body: read.await? }))
    }

    async fn open(&self, bucket: &str, key: &str, max_bytes: u64) -> Result<Option<Opened>> {
        let OpenObject { object, file } = match self.open_object(bucket, key) {
            Ok(open) => open,
            Err(Refusal::NoSuchKey) => return Ok(None),
            Err(refusal) => return Err(refusal.into()),
        };
        let content = match usize::try_from(object.size) {
            Ok(length) if object.size <= max_bytes => {
                Content::File { file: Arc::new(file), offset: object.position.offset, length }
            }
            _ => Bytes::new().into(),
        };
        Ok(Some(Opened { info: object.info(), content }))
    }

    async fn read(&self, bucket: &str, key: &str, range: Option<Range<u64>>) -> Result<Option<Reading>> {
        let open = match self.open_object(bucket, key) {
            Ok(open) => open,
            Err(Refusal::NoSuchKey) => return Ok(None),
            Err(refusal) => return Err(refusal.into()),
        };
        let (info, name) = (open.object.info(), open.object.name());
        let pieces = open.stream(bounds(range, info.size));
        let pieces = pieces.map(move |piece| piece.map_err(|error| read_failed(&name, error).into()));
        Ok(Some(Reading { info, pieces: pieces.boxed() }))
    }

    fn locate(&self, bucket: &str, key: &str) -> Result<Option<Arc<Located>>> {
        if !self.inner.hot.is_for(bucket) {
            return Ok(self.find(bucket, key)?.map(|object| Arc::new(self.located(object))));
        }
        let version = match self.inner.hot.find(key) {
            Ok(found) => return Ok(Some(found)),
            Err(version) => version,
        };
        let Some(object) = self.find(bucket, key)? else { return Ok(None) };
        let found = Arc::new(self.located(object));
        self.inner.hot.keep(key, found.clone(), version);
        Ok(Some(found))
    }

    async fn head(&self, bucket: &str, key: &str) -> Result<Option<ObjectInfo>> {
        match self.look_up(bucket, key) {
            Ok(object) => Ok(Some(object.info())),
            Err(Refusal::NoSuchKey) => Ok(None),
            Err(refusal) => Err(refusal.into()),
        }
    }

    async fn head_all(&self, bucket: &str, keys: &[&str]) -> Result<Vec<Option<ObjectInfo>>> {
        let found = self.find_all(bucket, keys)?;
        Ok(found.into_iter().map(|object| object.map(|object| object.info())).collect())
    }

    async fn check_content(&self, bucket: &str, keys: &[&str]) -> Result<Vec<ContentState>> {
        self.content_states(bucket, keys).await
    }

    async fn hash(&self, bucket: &str, key: &str) -> Result<Option<ContentDigest>> {
        match self.content_digest(bucket, key).await {
            Ok(digest) => Ok(Some(digest)),
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
        let object = super::NewObject {
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
        let (from, to, attributes) = (from.to_owned(), to.to_owned(), attributes.clone());
        let new = NewKey { from, etag: String::new(), to, attributes, condition };
        let answer = self.copy_object(new.within(bucket)).await;
        copied(self, bucket, &new, answer).await
    }

    async fn put_all(&self, bucket: &str, objects: Vec<NewObject>) -> Result<Vec<Written>> {
        let conditions: Vec<_> = objects.iter().map(|object| object.condition.clone()).collect();
        let small = |NewObject { key, body, attributes, condition }| SmallObject {
            key,
            body,
            description: Description::from(&attributes),
            conditions: condition.into(),
        };
        let answers = self.put_together(bucket, objects.into_iter().map(small).collect()).await?;
        answers.into_iter().zip(&conditions).map(|(answer, condition)| written(answer, condition)).collect()
    }

    async fn copy_all(&self, bucket: &str, copies: Vec<NewKey>) -> Result<Vec<Copied>> {
        let answers = self.copy_together(bucket, copies.iter().map(|new| new.within(bucket)).collect()).await?;
        let mut all = Vec::with_capacity(answers.len());
        for (answer, new) in answers.into_iter().zip(&copies) {
            all.push(copied(self, bucket, new, answer).await?.into());
        }
        Ok(all)
    }

    async fn delete(&self, bucket: &str, key: &str, etag: &str) -> Result<bool> {
        let conditions = WriteConditions { if_match: Some(Tag::Is(etag.to_owned())), ..WriteConditions::default() };
        match self.delete_object(bucket, key, conditions).await {
            Ok(_) | Err(Refusal::NoSuchKey) => Ok(true),
            Err(Refusal::ConditionFailed) => Ok(false),
            Err(refusal) => Err(refusal.into()),
        }
    }

    fn acting_as(&self, actor: &Actor) -> Option<Arc<dyn Store>> {
        Some(Arc::new(self.acting_for(Some(actor.clone()))))
    }

    fn quarantine_of(&self, bucket: &str) -> (String, String) {
        (kept::hidden(bucket), String::new())
    }

    async fn set_aside(&self, bucket: &str, key: &str, validator: &str, removal: &Removal) -> Result<bool> {
        let if_match = Some(Tag::Is(validator.to_owned()));
        let conditions = WriteConditions { if_match, ..WriteConditions::default() };
        match self.move_to_quarantine(bucket, key, conditions, removal).await {
            Ok(moved) => Ok(moved),
            Err(Refusal::NoSuchKey | Refusal::ConditionFailed) => Ok(false),
            Err(refusal) => Err(refusal.into()),
        }
    }

    async fn bring_back(&self, bucket: &str, id: &KeptId, condition: Condition) -> Result<Option<Written>> {
        self.bring_row_back(bucket, id, condition).await
    }

    async fn expire(&self, bucket: &str, ids: &[String]) -> Result<u64> {
        self.drop_kept(bucket, ids.to_vec(), self.now()).await
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
        self.bucket_exists("")?;
        Ok(())
    }

    async fn probe(&self) -> Result<()> {
        self.try_an_upload().await
    }
}
