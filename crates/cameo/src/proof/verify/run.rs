//! One run of verifying: the entities, the files that are no photos, and what else the image bucket holds.

use std::collections::BTreeSet;

use super::{
    Listen, Look, Places, Progress, Question, Step,
    collect::{self, Facts},
    files,
    hashes::Hashed,
    in_work::InWork,
    judge::judge_all,
    known,
    report::{EntityReport, EntityState, Summary, UnexpectedFile},
    sample::{Draw, Nothing, Only},
    settle, unowned,
    view::View,
    walk::{self, CHUNK, Walk},
};
use crate::{
    catalog::RowPages,
    ledger::Scope,
    model::{
        error::Result,
        key::{EntityId, ImageKey, evident},
    },
};

/// Answers a question; `listen` hears of each entity in order, and then of what nobody owns. Of a sample, the entities whose images are
/// not as they should be come at the end, once more.
pub async fn verify(places: Places<'_>, question: &Question, listen: &mut impl Listen) -> Result<Summary> {
    listen.progress(Progress { entities: 0, step: Step::Entities });
    listen.ready().await;
    let draw = question.sample.map(Draw::new);
    let (hashed, hashes) = Hashed::of(question);
    let mut run = Run {
        places,
        question,
        draw: draw.as_ref(),
        in_work: InWork::look(places.queues).await?,
        hashed: &hashed,
        summary: Summary::new(hashes),
        seen: BTreeSet::new(),
        not_fetched: None,
    };
    if question.delivery.is_none() && question.look > Look::Entities {
        run.summary.unmatched = known::unmatched(places, &question.scope).await?;
    }
    if run.summary.unmatched.is_none() {
        run.everything(listen).await?;
        run.sample(listen).await?;
    }
    run.summary.not_fetched = run.not_fetched;
    run.summary.finish();
    Ok(run.summary)
}

struct Run<'r> {
    places: Places<'r>,
    question: &'r Question,
    /// Where only a sample is fetched: which images it is to be of.
    draw: Option<&'r Draw>,
    in_work: InWork,
    /// Of which originals the SHA-256 is compared.
    hashed: &'r Hashed,
    summary: Summary,
    /// Numbers that something was found of, where numbers were asked for.
    seen: BTreeSet<u64>,
    not_fetched: Option<String>,
}

impl Run<'_> {
    async fn everything(&mut self, listen: &mut impl Listen) -> Result<()> {
        match (&self.question.delivery, &self.question.scope) {
            (Some(delivery), _) => {
                let entities: BTreeSet<_> = delivery.originals.keys().map(|photo| photo.entity.clone()).collect();
                let entities: Vec<_> = entities.into_iter().collect();
                self.entities(&entities, listen).await?;
                for stray in &delivery.misnamed {
                    self.summary.add_file(stray.clone());
                }
                self.summary.ignored += delivery.ignored;
                self.unowned(&scope_of(&entities), listen).await
            }
            (None, Scope::Ids { vertical, cd_idx }) => {
                let mut known = BTreeSet::new();
                for some in cd_idx.chunks(CHUNK) {
                    let scope = Scope::Ids { vertical: vertical.clone(), cd_idx: some.to_vec() };
                    let entities: Vec<_> = walk::with_ids(self.places, &scope).await?.into_iter().collect();
                    known.extend(entities.iter().map(|entity| entity.cd_idx));
                    self.entities(&entities, listen).await?;
                }
                self.misnamed_with_ids(&self.question.scope).await?;
                self.whatever_else(listen).await?;
                let absent = cd_idx.iter().copied().filter(|id| !self.seen.contains(id));
                (self.summary.deleted_ids, self.summary.unknown_ids) = absent.partition(|id| known.contains(id));
                Ok(())
            }
            (None, scope) => {
                self.walk(scope, listen).await?;
                self.rows_alone(scope, listen).await?;
                self.whatever_else(listen).await
            }
        }
    }

    /// Upload bucket and ledger, side by side.
    async fn walk(&mut self, scope: &Scope, listen: &mut impl Listen) -> Result<()> {
        let mut walk = Walk::new(self.places, scope).await?;
        loop {
            let chunk = walk.next().await?;
            for key in std::mem::take(&mut walk.files) {
                self.file(&key).await?;
            }
            let Some(mut facts) = chunk else { return Ok(()) };
            collect::complete(self.places, &mut facts, None).await?;
            self.judge(facts, listen).await?;
        }
    }

    async fn rows_alone(&mut self, scope: &Scope, listen: &mut impl Listen) -> Result<()> {
        let mut rows = RowPages::new(self.places.catalog, scope);
        // An entity's rows may be on two pages.
        let mut last: Option<EntityId> = None;
        while let Some(mut entities) = walk::next_of_rows_alone(self.places, &mut rows).await? {
            entities.retain(|entity| last.as_ref() != Some(entity));
            last = entities.last().cloned().or(last);
            let mut facts = collect::of_entities(self.places, &entities, None).await?;
            // An original without a ledger entry was met in the upload bucket.
            facts.retain(|_, photos| photos.values().all(|photo| photo.original.is_none()));
            self.judge(facts, listen).await?;
        }
        Ok(())
    }

    async fn entities(&mut self, entities: &[EntityId], listen: &mut impl Listen) -> Result<()> {
        for some in entities.chunks(CHUNK) {
            let facts = collect::of_entities(self.places, some, self.question.delivery.as_ref()).await?;
            self.judge(facts, listen).await?;
        }
        Ok(())
    }

    /// Judges a chunk, looks again at what is not as it should be, and reports.
    async fn judge(&mut self, facts: Facts, listen: &mut impl Listen) -> Result<()> {
        let view = View { places: self.places, in_work: &self.in_work, look: self.question.look, hashed: self.hashed };
        let mut first = view;
        if let Some(draw) = self.draw {
            first.places.served = draw;
        }
        let mut reports = judge_all(first, &facts).await?;
        let again: Vec<EntityId> =
            reports.iter().filter(|report| is_to_look_again(report)).map(EntityReport::entity).collect();
        if !again.is_empty() {
            let view = if self.draw.is_some() { without_fetching(view) } else { view };
            reports.retain(|report| !is_to_look_again(report));
            reports.extend(settle::settle(view, &again, self.question.delivery.as_ref()).await?);
            reports.sort_by_key(EntityReport::entity);
        }
        for report in reports {
            self.note_not_fetched(&report);
            self.saw(Some(report.entity().cd_idx));
            self.summary.add(&report);
            listen.entity(&report);
        }
        listen.progress(Progress { entities: self.summary.entities, step: Step::Entities });
        listen.ready().await;
        Ok(())
    }

    fn note_not_fetched(&mut self, report: &EntityReport) {
        if report.not_fetched && self.not_fetched.is_none() {
            self.not_fetched = Some(self.places.served.why_not().unwrap_or_else(|| "nobody answers".to_owned()));
        }
    }

    /// Fetches the images of the sample, and judges their entities with them.
    async fn sample(&mut self, listen: &mut impl Listen) -> Result<()> {
        let Some(draw) = self.draw else { return Ok(()) };
        let (keys, sampled) = draw.finish();
        self.summary.sampled = Some(sampled);
        let entities: BTreeSet<EntityId> = keys.iter().filter_map(|key| ImageKey::parse(key).entity()).collect();
        let entities: Vec<_> = entities.into_iter().collect();
        let only = Only { served: self.places.served, keys: &keys };
        for some in entities.chunks(CHUNK) {
            listen.progress(Progress { entities: self.summary.entities, step: Step::Sample });
            listen.ready().await;
            let facts = collect::of_entities(self.places, some, self.question.delivery.as_ref()).await?;
            // Content was read already.
            let hashed = &Hashed::Nothing;
            let view = View { places: self.places, in_work: &self.in_work, look: Look::Entities, hashed };
            let before = judge_all(without_fetching(view), &facts).await?;
            let mut fetching = view;
            fetching.places.served = &only;
            for report in judge_all(fetching, &facts).await? {
                self.note_not_fetched(&report);
                let entity = report.entity();
                let before = before.iter().find(|report| report.entity() == entity).map(|report| report.state);
                if before.is_some_and(|before| before < report.state) {
                    self.summary.recount(before, report.state);
                    listen.entity(&report);
                }
            }
        }
        Ok(())
    }

    async fn misnamed_with_ids(&mut self, scope: &Scope) -> Result<()> {
        for stray in known::misnamed_with_ids(self.places, scope).await? {
            self.add_file(stray);
        }
        Ok(())
    }

    async fn file(&mut self, key: &str) -> Result<()> {
        if let Some(stray) = files::judged(self.places, &self.in_work, key).await? {
            self.add_file(stray);
        }
        Ok(())
    }

    fn add_file(&mut self, stray: UnexpectedFile) {
        self.saw(evident(&stray.key).0);
        self.summary.add_file(stray);
    }

    fn saw(&mut self, id: Option<u64>) {
        if matches!(self.question.scope, Scope::Ids { .. }) {
            self.seen.extend(id);
        }
    }

    /// Photos outside of `origin/`, and objects of nobody.
    async fn whatever_else(&mut self, listen: &mut impl Listen) -> Result<()> {
        if self.question.look == Look::Entities {
            return Ok(());
        }
        let bucket = &self.places.settings.upload_bucket;
        for stray in files::misplaced(self.places.store, bucket, &self.question.scope, files::OUTSIDE_MAX).await? {
            self.add_file(stray);
        }
        self.unowned(&self.question.scope, listen).await
    }

    async fn unowned(&mut self, scope: &Scope, listen: &mut impl Listen) -> Result<()> {
        if self.question.look == Look::Entities {
            return Ok(());
        }
        let mut objects = Objects { summary: &mut self.summary, listen };
        unowned::find(self.places, scope, &mut objects).await
    }
}

/// Counts what is found in the image bucket, and passes it on.
struct Objects<'o, L> {
    summary: &'o mut Summary,
    listen: &'o mut L,
}

impl<L: Listen> unowned::Hear for Objects<'_, L> {
    fn found(&mut self, found: unowned::Found) {
        match found {
            unowned::Found::Nobodys(object) => {
                self.summary.add_unowned(&object);
                self.listen.unowned(&object);
            }
            unowned::Found::InWork => self.summary.pending_objects += 1,
            unowned::Found::OfUnknownVertical(key) => self.summary.add_other_image(key),
        }
    }

    async fn page(&mut self) {
        self.listen.progress(Progress { entities: self.summary.entities, step: Step::Objects });
        self.listen.ready().await;
    }
}

fn without_fetching(view: View<'_>) -> View<'_> {
    View { places: Places { served: &Nothing, ..view.places }, ..view }
}

fn scope_of(entities: &[EntityId]) -> Scope {
    let vertical = entities.first().map(|entity| entity.vertical.clone());
    Scope::Ids { vertical, cd_idx: entities.iter().map(|entity| entity.cd_idx).collect() }
}

fn is_to_look_again(report: &EntityReport) -> bool {
    report.state == EntityState::Different
}
