//! The work list: what waits for somebody, by who must act, as JSON in pages and as a table.

use axum::{Json, extract::State, response::Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    super::{
        input::{Paging, Query},
        rights::{Caller, Viewer},
        table,
        work_items::{Cursor, page},
        worklist::{Filter, Letters, Worklist, worklist},
    },
    problems::Problems,
};
use crate::{
    client::wire::{Attention, AttentionGroup, AttentionItem, AttentionKind, Texts},
    model::{lang::Lang, reason::Owner},
    proof::deliveries::table::{push_row, with_headers},
    serve::{
        problem::{Answer, Problem},
        site::Site,
    },
};

/// Lines of the table, at most; it says where there are more.
const TABLE_MAX: usize = 100_000;
/// Items of the table that are read at a time.
const TABLE_AT_ONCE: usize = 1000;
/// Characters of what is looked for.
const Q_MAX_CHARS: usize = 200;

/// Which part of the work list is asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AttentionFilter {
    /// Only of this vertical.
    #[serde(default)]
    vertical: Option<String>,
    /// Only what they must act on: `person_in_charge`, `operator`, `engineer` or `nobody`.
    #[serde(default)]
    owner: Option<String>,
    /// Only what waits for this reason.
    #[serde(default)]
    reason: Option<String>,
    /// Only items whose key contains this, whatever the case; of what has none, those whose file, number, delivery or webhook does.
    #[serde(default)]
    #[param(max_length = 200)]
    q: Option<String>,
}

/// In which language a table is.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct InLanguage {
    /// `ko` or `en`.
    #[serde(default)]
    lang: Lang,
}

impl AttentionFilter {
    fn read(self, caller: &Caller) -> Answer<(Filter, String)> {
        let unknown = |name: &str, value: &str| Problem::invalid(format!("{name}: {value:?} is not known"));
        let owner = self.owner.map(|code| {
            Owner::ALL.into_iter().find(|owner| owner.code() == code).ok_or_else(|| unknown("owner", &code))
        });
        let reason = self.reason.map(|code| code.parse().map_err(|_| unknown("reason", &code)));
        let vertical = self.vertical.map(|name| caller.vertical(&name));
        let q = self.q.unwrap_or_default();
        if q.chars().count() > Q_MAX_CHARS {
            return Err(Problem::invalid(format!("q: at most {Q_MAX_CHARS} characters")));
        }
        let filter = Filter { vertical: vertical.transpose()?, owner: owner.transpose()?, reason: reason.transpose()? };
        Ok((filter, q.trim().to_lowercase()))
    }
}

/// What waits for somebody, by who must act and why, with how much there is of everything.
#[utoipa::path(
    get,
    path = "/api/v1/attention",
    operation_id = "list_attention",
    tag = "console",
    params(AttentionFilter, Paging),
    responses((status = 200, description = "A part of the work list.", body = Attention), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn list(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    Query(asked): Query<AttentionFilter>,
    Query(paging): Query<Paging>,
) -> Answer<Json<Attention>> {
    let (filter, q) = asked.read(&caller)?;
    let (limit, after) = (paging.limit()?, Cursor::parse(paging.after()?)?);
    let kept = site.flow.catalog.kept_counts().await?;
    let work = worklist(&site, &caller, &filter, &kept, Letters::Listed).await?;
    let (items, next) = page(&site, &caller, &filter, &work, &q, (after, limit)).await?;
    let groups = groups(&work);
    let total = groups.iter().map(|group| group.items).sum();
    let next = next.map(|next| next.to_string());
    let (truncated, unknown_deliveries) = (work.truncated, work.unknown_deliveries);
    Ok(Json(Attention { groups, total, items, next, truncated, unknown_deliveries }))
}

/// The work list as a table for spreadsheets.
#[utoipa::path(
    get,
    path = "/api/v1/attention.csv",
    operation_id = "get_attention_table",
    tag = "console",
    params(AttentionFilter, InLanguage),
    responses((status = 200, description = "The table.", body = String, content_type = "text/csv"), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn table(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    Query(asked): Query<AttentionFilter>,
    Query(InLanguage { lang }): Query<InLanguage>,
) -> Answer<Response> {
    let (filter, q) = asked.read(&caller)?;
    let kept = site.flow.catalog.kept_counts().await?;
    let work = worklist(&site, &caller, &filter, &kept, Letters::Listed).await?;
    let mut csv = with_headers(headers(lang));
    let (mut after, mut lines) = (None, 0);
    loop {
        let (items, next) = page(&site, &caller, &filter, &work, &q, (after, TABLE_AT_ONCE)).await?;
        lines += items.len();
        for item in &items {
            push_row(&mut csv, &cells(item, lang));
        }
        if next.is_none() || lines >= TABLE_MAX {
            if next.is_some() || work.truncated || work.unknown_deliveries > 0 {
                let more = lang.pick("… there is more than this table holds", "… 이 표에 담지 못한 것이 더 있습니다");
                push_row(&mut csv, &[more.to_owned()]);
            }
            break;
        }
        after = next;
    }
    Ok(table::attached("attention.csv", csv))
}

fn headers(lang: Lang) -> [&'static str; 11] {
    match lang {
        Lang::Ko => [
            "버티컬",
            "cd_idx",
            "순번",
            "파일",
            "사유 코드",
            "조치할 사람",
            "사유와 조치",
            "상세",
            "시각",
            "올린 사람",
            "전달",
        ],
        Lang::En => [
            "vertical",
            "cd_idx",
            "sequence",
            "file",
            "code",
            "owner",
            "reason and action",
            "detail",
            "when",
            "uploaded by",
            "delivery",
        ],
    }
}

fn cells(item: &AttentionItem, lang: Lang) -> [String; 11] {
    let of = |texts: &Texts| lang.pick(&texts.en, &texts.ko).to_owned();
    let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    let owner = Owner::ALL.into_iter().find(|owner| owner.code() == item.owner).unwrap_or(Owner::Nobody);
    [
        item.vertical.clone().unwrap_or_default(),
        number(item.cd_idx),
        number(item.sequence.map(u64::from)),
        item.key.as_ref().or(item.file.as_ref()).cloned().unwrap_or_else(|| unnamed(item)),
        item.code.clone(),
        lang.pick(owner.english(), owner.korean()).to_owned(),
        format!("{} {}", of(&item.meaning), of(&item.action)),
        of(&item.found),
        item.at.map(|at| at.to_string()).unwrap_or_default(),
        item.actor.clone().unwrap_or_default(),
        item.delivery.clone().unwrap_or_default(),
    ]
}

/// What stands in place of a file where there is none: nothing where a number was promised that has none.
fn unnamed(item: &AttentionItem) -> String {
    if item.kind == AttentionKind::Delivery { String::new() } else { item.id.clone() }
}

/// How much there is of each reason. Codes of a newer version are one here.
fn groups(work: &Worklist) -> Vec<AttentionGroup> {
    let mut groups: Vec<AttentionGroup> = Vec::new();
    for section in &work.sections {
        let (reason, owner) = (section.reason, section.reason.owner());
        match groups.last_mut() {
            Some(last) if last.code == reason.code() => last.items += section.items(),
            _ => groups.push(AttentionGroup {
                owner: owner.code().to_owned(),
                owner_name: Texts::new(owner.korean(), owner.english()),
                code: reason.code().to_owned(),
                meaning: Texts::new(reason.korean(), reason.english()),
                action: Texts::new(reason.action_korean(), reason.action_english()),
                items: section.items(),
            }),
        }
    }
    groups
}
