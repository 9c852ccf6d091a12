//! Whether an entity's aliases show its primary photo, that of the lowest sequence, at every image size.
//!
//! Aliases that should not exist are found where the image bucket is listed (`unowned`).

use super::{
    Look,
    cells::{self, MayShow, Primaries},
    repair::Repair,
    report::{EntityReport, EntityState, PlaceState},
    view::View,
    words,
};
use crate::{
    flow::publish::JPEG,
    model::{error::Result, key::EntityId, lang::Text},
    store::{ContentState, ObjectInfo},
};

/// Judges the aliases of an entity. While one of its photos is in work they may be behind.
pub(super) async fn judge(
    view: View<'_>,
    entity: &EntityId,
    primaries: &Primaries,
    in_work: bool,
    report: &mut EntityReport,
) -> Result<()> {
    let settings = view.places.settings;
    if !settings.publish_alias {
        return Ok(());
    }
    let set = settings.size_sets.of(&entity.vertical).sizes.sizes();
    let sizes = || set.iter().filter_map(|size| primaries.get_key_value(&size.name));
    let keys: Vec<String> = sizes().map(|(size, _)| entity.alias_key(size)).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let aliases = view.places.store.head_all(&settings.image_bucket, &keys).await?;
    let contents = view.places.store.check_content(&settings.image_bucket, &keys).await?;
    for (n, (_, (photo, may_show))) in sizes().enumerate() {
        let alias = Alias { key: keys[n], info: aliases[n].as_ref(), content: contents[n], may_show };
        let Some(judged) = alias.judge(view).await? else { continue };
        let state = judged.as_ref().map_or(PlaceState::Present, |(state, _)| *state);
        if report.alias == PlaceState::Unexpected || state != PlaceState::Present {
            report.alias = state;
        }
        match judged {
            Some(_) if in_work => {
                report.alias = PlaceState::Pending;
                report.note(EntityState::Pending, words::pending(keys[n]));
            }
            Some((_, why)) => {
                let damaged = alias.is_present().then(|| Repair::DamagedAlias(keys[n].to_owned()));
                let finding = words::alias(keys[n], &why);
                match damaged {
                    // What repairs the rendition writes the alias again; where nothing does, writing it would only copy the damage.
                    Some(damaged) if may_show.etags.is_empty() => report.differs(finding, damaged),
                    damaged => {
                        if let Some(damaged) = damaged {
                            report.repair(damaged);
                        }
                        report.differs(finding, Repair::Alias(photo.clone()));
                    }
                }
            }
            None => {}
        }
    }
    Ok(())
}

/// One alias and what it may show.
struct Alias<'a> {
    key: &'a str,
    info: Option<&'a ObjectInfo>,
    content: ContentState,
    /// No `ETag` where the primary rendition is not as it should be: its repair brings the alias along.
    may_show: &'a MayShow,
}

impl Alias<'_> {
    /// Whether it shows the right photo by its `ETag`, so that what is wrong must be its content.
    fn is_present(&self) -> bool {
        let MayShow { etags, .. } = self.may_show;
        self.info.is_some_and(|info| etags.is_empty() || etags.contains(&info.etag))
    }

    /// How it stands: none where nobody can say, and no more where it is right.
    async fn judge(&self, view: View<'_>) -> Result<Option<Option<(PlaceState, Text)>>> {
        let MayShow { etags, .. } = self.may_show;
        Ok(match self.info {
            Some(_) if self.content.is_damaged() => Some(Some((PlaceState::Different, words::lost_content_or_part()))),
            // It shares the content of a rendition that may be what is damaged, and keeps it when that is written again.
            Some(info) if self.is_present() && (view.look == Look::Deep || etags.is_empty()) => {
                let bucket = &view.places.settings.image_bucket;
                let rotted = cells::rotted(view.places, bucket, self.key, info).await?.or_else(|| self.mismatch(info));
                match rotted {
                    Some(why) => Some(Some((PlaceState::Different, why))),
                    None => (!etags.is_empty()).then_some(None),
                }
            }
            _ if etags.is_empty() => None,
            None => Some(Some((PlaceState::Missing, words::not_found()))),
            Some(info) if !etags.contains(&info.etag) => Some(Some((PlaceState::Different, words::other_photo()))),
            Some(info) => Some(self.mismatch(info).map(|why| (PlaceState::Different, why))),
        })
    }

    /// What the object itself shows to be wrong, although its `ETag` is right.
    fn mismatch(&self, info: &ObjectInfo) -> Option<Text> {
        let MayShow { etags, bytes } = self.may_show;
        if etags.first() == Some(&info.etag) && info.size != *bytes {
            return Some(words::other_length(info.size, *bytes));
        }
        let kind = info.content_type.as_deref().filter(|kind| *kind != JPEG)?;
        Some(words::media_type(kind, JPEG))
    }
}
