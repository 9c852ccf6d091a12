//! The changes that commands ask a running server for: it has the queues and the database of its data folder to itself.

use super::{
    Client,
    wire::{Dismissals, DismissedLines, KEYS_MAX, Keys, Letters, Redriven, Relocations, Restores, Rewritten, Stages},
};
use crate::{
    flow::requeue::Requeued,
    model::{error::Result, key::DeliveryKey},
    proof::{
        deliveries::dismissed_lines::{DismissedLine, LINES_MAX},
        relocate::{Relocation, Staged},
        repair::Acted,
        restore::Restore,
    },
};

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

    /// Moves objects of the image bucket to quarantine that nobody owns.
    pub async fn take_down(&self, keys: &[String]) -> Result<Acted> {
        self.act("/api/take-down", keys).await
    }

    async fn act(&self, path: &str, keys: &[String]) -> Result<Acted> {
        let mut all = Acted::default();
        for batch in keys.chunks(KEYS_MAX) {
            all.add(self.post(path, &Keys { keys: batch.to_vec() }).await?);
        }
        Ok(all)
    }

    /// Brings back what is in quarantine.
    pub async fn restore(&self, restores: &[Restore]) -> Result<Acted> {
        let mut all = Acted::default();
        for batch in restores.chunks(KEYS_MAX) {
            all.add(self.post("/api/restore", &Restores { restores: batch.to_vec() }).await?);
        }
        Ok(all)
    }

    /// Moves rejected files to quarantine.
    pub async fn dismiss(&self, keys: &[String], note: Option<&str>) -> Result<Acted> {
        let mut all = Acted::default();
        for batch in keys.chunks(KEYS_MAX) {
            let asked = Dismissals { keys: batch.to_vec(), note: note.map(str::to_owned) };
            all.add(self.post("/api/dismiss", &asked).await?);
        }
        Ok(all)
    }

    /// Notes that lines of the report of a delivery are settled.
    pub async fn dismiss_lines(
        &self,
        delivery: &DeliveryKey,
        lines: &[DismissedLine],
        note: Option<&str>,
    ) -> Result<()> {
        let (delivery, note) = (format!("{}/{}", delivery.vertical, delivery.id), note.map(str::to_owned));
        for some in lines.chunks(LINES_MAX) {
            let asked = DismissedLines { delivery: delivery.clone(), lines: some.to_vec(), note: note.clone() };
            self.post::<Acted>("/api/dismiss-lines", &asked).await?;
        }
        Ok(())
    }

    /// Takes one step with each photo that moves; how far each is then.
    pub async fn relocate(&self, photos: &[Relocation]) -> Result<Vec<Staged>> {
        let mut all = Vec::with_capacity(photos.len());
        for batch in photos.chunks(KEYS_MAX) {
            let stages: Stages = self.post("/api/move", &Relocations { photos: batch.to_vec() }).await?;
            all.extend(stages.photos);
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
