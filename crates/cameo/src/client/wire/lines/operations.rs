//! The parts of what `verify`, `status`, `retry`, `dismiss`, `restore`, `move` and `reconcile` answer.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AbsentView, FileView, ItemView, PromisedView, SkippedFile, Summary, UnknownDelivery, UnmatchedView};

/// A part of what `verify` answers.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum VerifyPart {
    /// An entity that is not complete, or any where all are asked for.
    Entity(EntityPart),
    /// A file of the delivery that is settled, or something that was promised and never came.
    OfDelivery(StatusLinePart),
    /// The counts, last of all.
    Summary(VerifySummaryPart),
    /// Nothing is known of the delivery.
    Unknown(UnknownDelivery),
}

/// The state of an entity, and why.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EntityPart {
    /// The vertical.
    pub vertical: String,
    /// The entity's number.
    pub cd_idx: u64,
    /// `complete`, `rejected`, `pending` or `different`.
    pub state: String,
    /// Its photos at each image size.
    pub cells: Vec<VerifiedCell>,
    /// The alias at all image sizes together, as the places of a cell.
    pub alias: String,
    /// What was found, in English.
    pub findings: Vec<String>,
}

/// One image size of one photo, in four places: `present`, `missing`, `different`, `pending`, `unexpected` or `unknown`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct VerifiedCell {
    /// The photo's sequence.
    pub sequence: u16,
    /// Name of the image size.
    pub image_size: String,
    /// The original in the upload bucket.
    pub original: String,
    /// The rendition in the image bucket.
    pub rendition: String,
    /// The row in the public table.
    pub row: String,
    /// The image as it is served.
    pub served: String,
    /// Why the original is rejected, or why it waits.
    pub reason: Option<String>,
}

/// The counts of `verify`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct VerifySummaryPart {
    /// The counts.
    pub summary: VerifySummary,
}

/// What `verify` counted.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct VerifySummary {
    /// Entities looked at.
    pub entities: u64,
    /// Photos looked at.
    pub photos: u64,
    /// Rows that are as they should be.
    pub rows: u64,
    /// Entities that are complete.
    pub complete: u64,
    /// Entities that are in work, or that could not be looked at in every place.
    pub pending: u64,
    /// Entities with rejected originals that are complete otherwise.
    pub rejected: u64,
    /// Entities with differences.
    pub different: u64,
    /// Numbers that were asked for and are found nowhere.
    pub unknown_ids: Vec<u64>,
    /// Numbers that were asked for and of which everything is deleted.
    pub deleted_ids: Vec<u64>,
    /// Files that belong to no entity: the first 10,000.
    pub strays: Vec<FileView>,
    /// How many of them there are.
    pub unexpected_files: u64,
    /// Files that operating systems left.
    pub ignored: u64,
    /// Objects of the image bucket that nobody owns: the first 1,000.
    pub unowned: Vec<UnownedView>,
    /// How many of them there are.
    pub unowned_objects: u64,
    /// Objects of the image bucket whose photos are in work.
    pub pending_objects: u64,
    /// Photos that were made by other size sets than the current ones.
    pub outdated: Vec<OutdatedView>,
    /// Why images could not be fetched, if they could not.
    pub not_fetched: Option<String>,
    /// The vertical that was asked about and that there is none of.
    pub unmatched: Option<UnmatchedView>,
    /// JPEGs of the image bucket in folders of verticals that nobody knows.
    pub other_images: Option<OtherImagesView>,
    /// How many of the served images were fetched, where it was a sample.
    pub sampled: Option<SampledView>,
    /// How many originals of a delivery were read for their SHA-256; null where none was handed over.
    pub hashes: Option<HashesView>,
}

/// An object of the image bucket that nobody owns.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct UnownedView {
    /// Its key.
    pub key: String,
    /// Why nobody owns it, in English.
    pub why: String,
    /// Whether `cameo reconcile --apply` takes it down.
    pub removable: bool,
}

/// Photos that were made by another size set than the current one.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OutdatedView {
    /// The size set that made them.
    pub made_by: String,
    /// The current one.
    pub size_set: String,
    /// How many photos.
    pub photos: u64,
}

/// JPEGs in folders of verticals that nobody knows.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OtherImagesView {
    /// How many there are.
    pub count: u64,
    /// The key of one.
    pub example: String,
}

/// How many of the served images were fetched.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SampledView {
    /// Images that were fetched.
    pub fetched: u64,
    /// Images that are served.
    pub of: u64,
    /// What the choice followed from.
    pub seed: u64,
}

/// How many originals were read for their SHA-256.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct HashesView {
    /// Originals whose content was read and compared.
    pub checked: u64,
    /// Originals that were handed over with a SHA-256.
    pub of: u64,
}

/// A part of what `status` answers.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum StatusPart {
    /// A count, an original, a dead letter, a queue, or a file of a delivery.
    Line(Box<StatusLinePart>),
    /// The counts of a delivery, last of all.
    Summary(DeliverySummaryPart),
    /// What of the scope is found nowhere, or is deleted.
    Absent(AbsentView),
    /// Nothing is known of the delivery.
    Unknown(UnknownDelivery),
}

/// The counts of a delivery.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DeliverySummaryPart {
    /// The counts.
    pub summary: Summary,
}

/// A line whose `kind` says what it is about.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum StatusLinePart {
    /// How many originals are in a state.
    Count(CountPart),
    /// An original.
    Original(LedgerPart),
    /// A dead letter.
    DeadLetter(LetterPart),
    /// A file that was evidently meant to be an original.
    Unexpected(FileView),
    /// A queue.
    Queue(QueuePart),
    /// A file of a delivery.
    Item(ItemView),
    /// A file that a check refused.
    Skipped(SkippedFile),
    /// What was promised and not handed over.
    Missing(PromisedView),
    /// What was handed over and not promised.
    NotPromised(PromisedView),
}

/// How many originals are in a state.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CountPart {
    /// The vertical; null for keys that name none.
    pub vertical: Option<String>,
    /// `serving`, `rejected`, `ignored` or `removed`.
    pub state: String,
    /// The reason code of rejected ones.
    pub reason: Option<String>,
    /// How many.
    pub originals: u64,
}

/// What is known of an original.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LedgerPart {
    /// Its key in the upload bucket.
    pub key: String,
    /// The newest change that is decided.
    pub generation: String,
    /// The `ETag` of that change; empty for a removal.
    pub etag: String,
    /// `serving`, `rejected`, `ignored` or `removed`.
    pub state: String,
    /// Why it was rejected.
    pub reason: Option<String>,
    /// What was found and where, in English.
    pub detail: Option<String>,
    /// The change that is being served.
    pub serving: Option<String>,
    /// The newest removal.
    pub removed: Option<String>,
    /// Size set and version of what is being served.
    pub size_set: Option<String>,
    /// Digest of that size set.
    pub size_set_digest: Option<String>,
    /// Version of the engine that made what is being served.
    pub engine: Option<String>,
    /// Every image size that was ever published.
    pub published: Vec<String>,
    /// When this last changed.
    pub updated_at: Timestamp,
}

/// A message that nobody tries any more.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LetterPart {
    /// The queue that it failed in.
    pub queue: String,
    /// Names it within its queue.
    pub id: String,
    /// The originals that it is about, as far as they can be read.
    pub keys: Vec<String>,
    /// `system.dead_letter`.
    pub reason: String,
    /// Why nobody tries it any more.
    pub detail: String,
    /// How often it was tried.
    pub receive_count: u32,
    /// When it was given up.
    pub dead_at: Option<String>,
}

/// A queue.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct QueuePart {
    /// Its name.
    pub queue: String,
    /// Messages that wait.
    pub visible: u64,
    /// Messages that somebody works on.
    pub in_flight: u64,
    /// Messages that nobody tries any more.
    pub dead: u64,
    /// When the oldest that waits was sent.
    pub oldest: Option<String>,
    /// The dead ones, each with its cause.
    pub dead_letters: Vec<String>,
    /// Why what waits is not taken: `window.closed`.
    pub waiting: Option<String>,
    /// When it will be.
    pub registers_at: Option<String>,
}

/// A part of what `retry` answers.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum RetryPart {
    /// What is sent through the flow again.
    Plan(PlanPart),
    /// What of the scope is found nowhere, or is deleted.
    Absent(AbsentView),
    /// Nothing is known of the delivery.
    Unknown(UnknownDelivery),
}

/// A part of what `dismiss` answers.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum DismissPart {
    /// A rejected file.
    File(DismissedFilePart),
    /// Something of a delivery that has no file to be put away.
    Line(DismissedLinePart),
    /// The counts, last of all.
    Summary(DismissSummaryPart),
    /// What of the scope is found nowhere, or is deleted.
    Absent(AbsentView),
    /// Nothing is known of the delivery.
    Unknown(UnknownDelivery),
}

/// A rejected file.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DismissedFilePart {
    /// Its key in the upload bucket.
    pub key: String,
    /// Why it is rejected.
    pub reason: String,
    /// Whether an older original of it is being served: then it stays.
    pub serves_older: bool,
    /// Whether it was dismissed.
    pub dismissed: bool,
}

/// A line of the report of a delivery.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DismissedLinePart {
    /// The reason code.
    pub code: String,
    /// The file; left out for an entity that was promised and has none.
    pub file: Option<String>,
    /// The entity; left out where a file is named.
    pub cd_idx: Option<u64>,
    /// Whether it was dismissed.
    pub dismissed: bool,
}

/// The counts of `dismiss`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DismissSummaryPart {
    /// The counts.
    pub summary: DismissSummary,
    /// Whether it only says what it would do.
    pub dry_run: bool,
}

/// What `dismiss` counted.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DismissSummary {
    /// What is rejected or open.
    pub found: u64,
    /// What was dismissed.
    pub dismissed: u64,
    /// What is to be dismissed, as far as nothing changes in between.
    pub to_dismiss: u64,
    /// What had changed when it was looked at again.
    pub passed_over: u64,
    /// Rejected files that stay, since an older original is being served.
    pub serves_older: u64,
}

/// A part of what `restore` answers.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum RestorePart {
    /// Something in quarantine.
    Kept(Box<KeptPart>),
    /// What was named and of which nothing is in quarantine.
    Unmatched(NotKeptPart),
    /// The counts, last of all.
    Summary(RestoreSummaryPart),
    /// There is no such vertical.
    Absent(AbsentView),
}

/// Something in quarantine, and what becomes of it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct KeptPart {
    /// The bucket that it was removed from: `originals` or `images`.
    pub bucket: String,
    /// Its id in quarantine.
    pub id: String,
    /// The key that it had.
    pub key: String,
    /// When it was removed.
    pub removed_at: Timestamp,
    /// `deleted`, `replaced`, `superfluous`, `moved`, `dismissed` or `unpublished`.
    pub why: String,
    /// Which upload of the key it was.
    pub generation: String,
    /// Length in bytes.
    pub size: u64,
    /// Its `ETag`.
    pub etag: String,
    /// What somebody noted.
    pub note: Option<String>,
    /// `restore`, `occupied`, `newer` or `on_demand`: whether it comes back, and why not.
    pub verdict: String,
}

/// What was named and of which nothing is in quarantine.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct NotKeptPart {
    /// Numbers of entities.
    pub unknown_ids: Vec<u64>,
    /// Keys.
    pub unknown_keys: Vec<String>,
}

/// The counts of `restore`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RestoreSummaryPart {
    /// The counts.
    pub summary: RestoreSummary,
}

/// What `restore` counted.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RestoreSummary {
    /// What is in quarantine of what was asked for.
    pub found: u64,
    /// What came back.
    pub restored: u64,
    /// What had changed when it was looked at again.
    pub passed_over: u64,
    /// Whether there is more in quarantine than is listed.
    pub more: bool,
    /// What was left out because its key names no vertical, where one was asked for.
    pub without_vertical: u64,
}

/// A part of what `move` answers.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum MovePart {
    /// A photo.
    Photo(MovedPhotoPart),
    /// The counts, last of all.
    Summary(MoveSummaryPart),
    /// Numbers without a photo in the vertical, or that there is no such vertical.
    Absent(AbsentView),
    /// Nothing is known of the delivery.
    Unknown(UnknownDelivery),
}

/// A photo that moves, and how far it is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct MovedPhotoPart {
    /// The key that it has.
    pub from: String,
    /// The key that it gets.
    pub to: String,
    /// `to_copy`, `copied`, `registered`, `moved`, `conflict`, `rejected` or `gone`.
    pub stage: String,
}

/// The counts of `move`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct MoveSummaryPart {
    /// How many photos are at each stage.
    pub summary: MoveSummary,
    /// Whether it was done.
    pub applied: bool,
    /// The file for the way back, as it was named in the request.
    pub saved: Option<String>,
}

/// How many photos are at each stage of a move; a stage without any is left out.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct MoveSummary {
    /// Under their old key alone.
    pub to_copy: Option<u64>,
    /// Under both keys, and not registered under the new one yet.
    pub copied: Option<u64>,
    /// Registered under the new key, and not yet removed from the old one.
    pub registered: Option<u64>,
    /// Under their new key alone.
    pub moved: Option<u64>,
    /// There is another photo under the new key.
    pub conflict: Option<u64>,
    /// Rejected under the new key, while the old one is served.
    pub rejected: Option<u64>,
    /// Under neither key.
    pub gone: Option<u64>,
}

/// A part of what `reconcile` answers.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ReconcilePart {
    /// What is to be repaired, or was.
    Plan(PlanPart),
    /// What of the scope is found nowhere, or is deleted.
    Absent(AbsentView),
}

/// What is to be done, or was.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct PlanPart {
    /// Whether it was done.
    pub applied: bool,
    /// Originals that go through the flow again.
    pub keys: Vec<String>,
    /// Those of them that are gone.
    pub gone: Vec<String>,
    /// Rows whose addresses were rewritten.
    pub rewritten_urls: u64,
    /// Messages of the dead-letter queues.
    pub dead_letters: Vec<LetterPart>,
    /// Rows whose addresses are to be rewritten.
    pub urls_to_rewrite: u64,
    /// One of them.
    pub url_example: Option<RewriteView>,
    /// Entities whose aliases are to be written again.
    pub aliases: Vec<String>,
    /// Originals that are gone, and whose rows and renditions are to be taken down.
    pub removals: Vec<String>,
    /// What became of those.
    pub removed: ActedView,
    /// Objects of the image bucket that are to be moved to quarantine.
    pub take_down: Vec<String>,
    /// What became of those.
    pub taken_down: ActedView,
    /// Photos in work.
    pub waiting: u64,
    /// What is not Cameo's to repair, with who must act, in English: the first 1,000.
    pub left: Vec<String>,
    /// How much of that there is.
    pub left_total: u64,
}

/// A row's address: that which it has, and that which it gets.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RewriteView {
    /// That which it has.
    pub from: String,
    /// That which it gets.
    pub to: String,
}

/// What an act came to.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ActedView {
    /// How much was done.
    pub done: u64,
    /// How much was found in order, or changed, when it was looked at again.
    pub passed_over: u64,
}
