//! The changes that commands ask a running server for: it has the queues and the database of its data folder to itself.

use super::{
    Client,
    wire::{KEYS_MAX, Keys, Letters, Redriven, Rewritten},
};
use crate::{flow::requeue::Requeued, model::error::Result, proof::repair::Acted};

impl Client {
    /// Sends originals through the flow again.
    pub async fn requeue(&self, keys: &[String]) -> Result<Requeued> {
        let mut all = Requeued::default();
        for batch in keys.chunks(KEYS_MAX) {
            let done: Requeued = self.post("/api/requeue", &Keys { keys: batch.to_vec() }).await?;
            all.requeued += done.requeued;
            all.gone.extend(done.gone);
        }
        Ok(all)
    }

    /// Sends dead letters of a queue again; returns how many there were.
    pub async fn redrive(&self, queue: &str, ids: &[String]) -> Result<u64> {
        let mut redriven = 0;
        for batch in ids.chunks(KEYS_MAX) {
            let letters = Letters { queue: queue.to_owned(), ids: batch.to_vec() };
            redriven += self.post::<Redriven>("/api/redrive", &letters).await?.redriven;
        }
        Ok(redriven)
    }

    /// Tells the flow of originals that are gone.
    pub async fn remove_absent(&self, keys: &[String]) -> Result<Acted> {
        self.act("/api/remove-absent", keys).await
    }

    /// Deletes objects of the image bucket that nobody owns.
    pub async fn take_down(&self, keys: &[String]) -> Result<Acted> {
        self.act("/api/take-down", keys).await
    }

    async fn act(&self, path: &str, keys: &[String]) -> Result<Acted> {
        let mut all = Acted::default();
        for batch in keys.chunks(KEYS_MAX) {
            let acted: Acted = self.post(path, &Keys { keys: batch.to_vec() }).await?;
            all.done += acted.done;
            all.passed_over += acted.passed_over;
        }
        Ok(all)
    }

    /// Rewrites the addresses of rows of these originals that are not under the server's public address.
    pub async fn rewrite_urls(&self, keys: &[String]) -> Result<u64> {
        let mut all = 0;
        for batch in keys.chunks(KEYS_MAX) {
            let done: Rewritten = self.post("/api/rewrite-urls", &Keys { keys: batch.to_vec() }).await?;
            all += done.rewritten;
        }
        Ok(all)
    }
}
