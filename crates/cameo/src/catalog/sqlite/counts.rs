//! Counts in the embedded database, which triggers keep (`migrations/sqlite/0010_counts.sql`).

use async_trait::async_trait;
use rusqlite::Connection;

use super::SqliteCatalog;
use crate::{
    catalog::Counts,
    db::Done,
    ledger::counts::{CountKey, KeptCount},
    model::error::{Place, Result},
};

const KEPT: &str = "SELECT nullif(vertical, ''), state, nullif(reason, ''), serves, originals FROM cameo_counts
    WHERE originals <> 0 ORDER BY 1, 2, 3, 4";
const COUNTED: &str = "SELECT vertical, state, reason, serving_generation IS NOT NULL, count(*) FROM cameo_originals
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4";
const RECOUNT: &str = "DELETE FROM cameo_counts;
    INSERT INTO cameo_counts (vertical, state, reason, serves, originals)
        SELECT coalesce(vertical, ''), state, coalesce(reason, ''), serving_generation IS NOT NULL, count(*)
        FROM cameo_originals GROUP BY 1, 2, 3, 4";

fn counts(connection: &Connection, statement: &str) -> Done<Vec<KeptCount>> {
    let mut query = connection.prepare_cached(statement)?;
    let counts = query.query_map((), |row| {
        let key = CountKey { vertical: row.get(0)?, state: row.get(1)?, reason: row.get(2)?, serves: row.get(3)? };
        Ok(KeptCount { key, originals: u64::try_from(row.get::<_, i64>(4)?).unwrap_or(0) })
    })?;
    Ok(counts.collect::<Result<_, _>>()?)
}

#[async_trait]
impl Counts for SqliteCatalog {
    async fn kept_counts(&self) -> Result<Vec<KeptCount>> {
        self.db.read(Place::Catalog, "read the counts", |connection| counts(connection, KEPT)).await
    }

    async fn counted(&self) -> Result<Vec<KeptCount>> {
        self.db.read(Place::Catalog, "count originals", |connection| counts(connection, COUNTED)).await
    }

    async fn counts_drifted(&self) -> Result<bool> {
        let both = |connection: &Connection| {
            let transaction = connection.unchecked_transaction()?;
            Ok(counts(&transaction, KEPT)? != counts(&transaction, COUNTED)?)
        };
        self.db.read(Place::Catalog, "compare the counts with the ledger", both).await
    }

    async fn recount(&self) -> Result<()> {
        let job =
            self.db.write(Place::Catalog, "count originals again", |connection| Ok(connection.execute_batch(RECOUNT)?));
        job.await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        catalog::{
            Registry,
            contract::{rendered, rules},
            table::Table,
        },
        clock::SystemClock,
        db::Sqlite,
    };

    async fn open(path: &std::path::Path) -> SqliteCatalog {
        let db = Sqlite::open(path).await.unwrap();
        SqliteCatalog::open(db, &Table::default(), rules(), Arc::new(SystemClock)).await.unwrap()
    }

    /// A database of before the counts.
    #[tokio::test]
    async fn originals_of_before_the_counts_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cameo.db");
        let catalog = open(&path).await;
        catalog
            .register(&[rendered("origin/v/1_0.jpg", 1, &["sq"]), rendered("origin/v/2_0.jpg", 1, &["sq"])])
            .await
            .unwrap();
        let kept = catalog.kept_counts().await.unwrap();
        assert_eq!((kept.len(), kept[0].originals), (1, 2));
        drop(catalog);
        let before = "DROP TRIGGER cameo_originals_counts_new; DROP TRIGGER cameo_originals_counts_gone;
            DROP TRIGGER cameo_originals_counts_changed; DROP TABLE cameo_counts; DROP INDEX cameo_originals_rejected;
            DROP TABLE cameo_webhooks; DROP TABLE cameo_webhook_messages; DROP TABLE cameo_webhook_attempts;
            DROP TABLE cameo_webhook_watches; DROP TABLE cameo_webhook_lease;
            PRAGMA user_version = 9";
        Connection::open(&path).unwrap().execute_batch(before).unwrap();
        assert_eq!(open(&path).await.kept_counts().await.unwrap(), kept);
    }

    /// Whatever changes the ledger is counted; what changes the counts is not, and found.
    #[tokio::test]
    async fn counts_that_drifted_are_counted_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cameo.db");
        let catalog = open(&path).await;
        catalog.register(&[rendered("origin/v/1_0.jpg", 1, &["sq"])]).await.unwrap();
        let by_hand = Connection::open(&path).unwrap();
        by_hand.execute_batch("UPDATE cameo_originals SET vertical = 'w'").unwrap();
        assert!(!catalog.counts_drifted().await.unwrap());
        by_hand.execute_batch("DELETE FROM cameo_counts").unwrap();
        assert!(catalog.counts_drifted().await.unwrap());
        catalog.recount().await.unwrap();
        assert!(!catalog.counts_drifted().await.unwrap());
        by_hand.execute_batch("DELETE FROM cameo_originals").unwrap();
        assert_eq!(catalog.kept_counts().await.unwrap(), []);
    }
}
