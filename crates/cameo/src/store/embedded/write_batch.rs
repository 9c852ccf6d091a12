//! Several objects written together: their content in one file, their rows in one transaction.
//!
//! The renditions of an original come together and go together. Written apart, most of what they cost is files and
//! commits; written together, they share one of each. Each keeps a condition and a generation of its own, and one that is refused leaves the
//! others alone.

use std::io::Write;

use bytes::Bytes;
use jiff::Timestamp;

use super::{
    Embedded,
    checksum::{Checksums, Hasher},
    condition::WriteConditions,
    copy::Copy,
    files::{Files, Placed},
    generations::InFlight,
    object::{Description, Position, StoredObject},
    record::Record,
    refusal::{Refusal, StoreResult},
    run_blocking::run_blocking,
    staging::write_pieces,
    transaction::Commit,
};
use crate::{
    failpoint::{Point, reached},
    model::error::Result,
};

/// An object of content that is at hand.
#[derive(Debug, Clone)]
pub struct SmallObject {
    /// The key.
    pub key: String,
    /// The content.
    pub body: Bytes,
    /// What is said of it.
    pub description: Description,
    /// What must hold.
    pub conditions: WriteConditions,
}

/// The outcomes of objects written together, each as if it had been written alone.
type Answers = Vec<StoreResult<StoredObject>>;

impl Embedded {
    /// Writes objects of one bucket together; no two may have the same key.
    pub async fn put_together(&self, bucket: &str, objects: Vec<SmallObject>) -> StoreResult<Answers> {
        if objects.is_empty() {
            return Ok(Vec::new());
        }
        let locks = self.inner.locks.lock_all(bucket, objects.iter().map(|object| object.key.as_str())).await;
        let (store, bucket) = (self.clone(), bucket.to_owned());
        self.detached(async move {
            let result = store.place_and_commit_together(bucket, objects).await;
            drop(locks);
            result
        })
        .await
    }

    async fn place_and_commit_together(&self, bucket: String, objects: Vec<SmallObject>) -> StoreResult<Answers> {
        self.bound_doubts().await?;
        let generations = self.inner.generations()?;
        let in_flight = generations.next();
        // The file is named by the first one's generation; the others name no file, and need not be waited for.
        let others = (1..objects.len()).map(|_| generations.next().number());
        let numbers: Vec<u64> = std::iter::once(in_flight.number()).chain(others).collect();
        self.reserve(numbers.iter().copied().max().unwrap_or_default()).await?;
        let (files, now) = (self.inner.files.clone(), self.now());
        let (placed, rows) = run_blocking(move || place(&files, in_flight, &bucket, objects, &numbers, now)).await?;
        self.commit_together(placed, rows, now).await
    }

    async fn commit_together(
        &self,
        mut placed: Placed,
        rows: Vec<(StoredObject, WriteConditions)>,
        now: Timestamp,
    ) -> StoreResult<Answers> {
        let job = self.change("record objects", now, Commit::InBatch, move |transaction| {
            let mut answers = Vec::with_capacity(rows.len());
            for (object, conditions) in rows {
                answers.push(transaction.write(&object, &conditions)?.map(|()| object));
            }
            Ok(answers)
        });
        let answers = match job.await {
            Ok(answers) => answers,
            Err(error) => {
                placed.doubt();
                return Err(error.into());
            }
        };
        // Where all were refused, the file is removed as the guard is dropped.
        if answers.iter().any(Result::is_ok) {
            placed.keep();
            reached(Point::ObjectCommitted);
        }
        self.tell_of(&answers);
        Ok(answers)
    }

    /// Gives content further keys in one bucket; no two may be the same. In the image bucket they are one transaction, and nothing is
    /// copied.
    pub async fn copy_together(&self, bucket: &str, copies: Vec<Copy>) -> StoreResult<Answers> {
        if copies.is_empty() {
            return Ok(Vec::new());
        }
        if self.inner.is_kept(bucket) {
            let mut answers = Vec::with_capacity(copies.len());
            for copy in copies {
                answers.push(self.copy_content(copy).await);
            }
            return Ok(answers);
        }
        let locks = self.inner.locks.lock_all(bucket, copies.iter().map(|copy| copy.to.1.as_str())).await;
        let store = self.clone();
        self.detached(async move {
            let result = store.commit_copies(copies).await;
            drop(locks);
            result
        })
        .await
    }

    async fn commit_copies(&self, copies: Vec<Copy>) -> StoreResult<Answers> {
        let generations = self.inner.generations()?;
        let numbered: Vec<(Copy, u64)> = copies.into_iter().map(|copy| (copy, generations.next().number())).collect();
        self.reserve(numbered.last().map_or(0, |(_, number)| *number)).await?;
        let job = self.change("record copies of objects", self.now(), Commit::InBatch, move |transaction| {
            numbered.into_iter().map(|(copy, generation)| transaction.copy(copy, generation)).collect()
        });
        let answers: Answers = job.await?;
        reached(Point::CopyCommitted);
        self.tell_of(&answers);
        Ok(answers)
    }

    /// What follows a commit.
    fn tell_of(&self, answers: &Answers) {
        for object in answers.iter().flatten() {
            self.inner.files.watermark().raise(object.generation);
            self.wake_events(&object.bucket, &object.key);
        }
    }
}

/// Writes content one behind the other to a file, durably, and makes the rows that name it.
fn place(
    files: &Files,
    in_flight: InFlight,
    bucket: &str,
    objects: Vec<SmallObject>,
    generations: &[u64],
    modified_at: Timestamp,
) -> StoreResult<(Placed, Vec<(StoredObject, WriteConditions)>)> {
    let mut position = Position { file: in_flight.number(), offset: 0 };
    let (mut file, placed) = files.create_in_place(in_flight)?;
    write_pieces(&mut file, &objects.iter().map(|object| object.body.clone()).collect::<Vec<_>>())?;
    let mut rows = Vec::with_capacity(objects.len());
    for (SmallObject { key, body, description, conditions }, &generation) in objects.into_iter().zip(generations) {
        let mut hasher = Hasher::new(&[]);
        hasher.update(&body);
        let digests = hasher.finish();
        let row = StoredObject {
            bucket: bucket.to_owned(),
            key,
            generation,
            position,
            size: digests.size,
            etag: hex::encode(digests.md5),
            modified_at,
            description,
            checksums: Checksums::default(),
            parts: Vec::new(),
        };
        position.offset += row.size;
        rows.push((row, conditions));
    }
    let record = Record::of(rows.iter().map(|(row, _)| row)).to_bytes()?;
    file.write_all(&record).map_err(|error| Refusal::io("write a record", error))?;
    reached(Point::ContentWritten);
    files.make_durable(&file, &placed)?;
    Ok((placed, rows))
}
