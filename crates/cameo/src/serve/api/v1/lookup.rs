//! A list of ids as somebody pasted it, and how each entity is; as JSON, and as a table.

use axum::{Json, extract::State, response::Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    super::{
        input::{self, Query},
        looked_up::{MISSING, STALE, look_up},
        rights::{Caller, Viewer},
        table,
    },
    problems::Problems,
};
use crate::{
    client::wire::{LookedUp, LookupAnswer, LookupProblem, LookupRequest, LookupState, UnreadableId},
    model::{
        ids::{self, IdsError, ReadIds},
        lang::Lang,
        reason::{Owner, ReasonCode},
    },
    proof::deliveries::{
        report::text_of,
        table::{push_row, with_headers},
    },
    serve::{
        problem::{Answer, Problem},
        site::Site,
    },
};

/// Ids in one list, at most.
const IDS_MAX: usize = 20_000;
/// Words that are no ids that are listed.
const UNREADABLE_MAX: usize = 1000;

/// In which language a table is.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct InLanguage {
    /// `ko` or `en`.
    #[serde(default)]
    lang: Lang,
}

/// How the entities of a pasted list are: complete, or which cells are missing and why; and which words are no ids.
#[utoipa::path(
    post,
    path = "/api/v1/lookup",
    operation_id = "look_up",
    tag = "console",
    request_body = LookupRequest,
    responses((status = 200, description = "An item an id.", body = LookupAnswer), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn lookup(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    input::Json(asked): input::Json<LookupRequest>,
) -> Answer<Json<LookupAnswer>> {
    answer(&site, &caller, asked).await.map(Json)
}

/// The same as a table for spreadsheets: a line a problem, or an id without one.
#[utoipa::path(
    post,
    path = "/api/v1/lookup.csv",
    operation_id = "look_up_table",
    tag = "console",
    params(InLanguage),
    request_body = LookupRequest,
    responses((status = 200, description = "The table.", body = String, content_type = "text/csv"), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn table(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    Query(InLanguage { lang }): Query<InLanguage>,
    input::Json(asked): input::Json<LookupRequest>,
) -> Answer<Response> {
    let answer = answer(&site, &caller, asked).await?;
    Ok(table::attached("lookup.csv", csv(&answer, lang)))
}

async fn answer(site: &Site, caller: &Caller, asked: LookupRequest) -> Answer<LookupAnswer> {
    let vertical = asked.vertical.map(|name| caller.vertical(&name)).transpose()?;
    let ReadIds { ids, ignored_header, column, unreadable } =
        ids::read_ids_text(&asked.text).map_err(|error: IdsError| Problem::invalid(format!("text: {error}")))?;
    if ids.len() > IDS_MAX {
        return Err(Problem::invalid(format!("text: {} ids: at most {IDS_MAX} at a time", ids.len())));
    }
    let (items, mut summary) = look_up(site, caller, vertical, &ids).await?;
    summary.unreadable = unreadable.len() as u64;
    let unreadable = unreadable.into_iter().take(UNREADABLE_MAX);
    let unreadable = unreadable.map(|word| UnreadableId { line: word.line, column: word.column, text: word.text });
    Ok(LookupAnswer { summary, items, unreadable: unreadable.collect(), ignored_header, column })
}

fn csv(answer: &LookupAnswer, lang: Lang) -> String {
    let headers = match lang {
        Lang::Ko => ["cd_idx", "버티컬", "상태", "순번", "규격", "사유 코드", "조치할 사람", "사유와 조치", "상세"],
        Lang::En => {
            ["cd_idx", "vertical", "state", "sequence", "image size", "code", "owner", "reason and action", "detail"]
        }
    };
    let mut csv = with_headers(headers);
    for item in &answer.items {
        if item.problems.is_empty() {
            push_row(&mut csv, &cells(item, None, lang));
        }
        for problem in &item.problems {
            push_row(&mut csv, &cells(item, Some(problem), lang));
        }
    }
    for word in &answer.unreadable {
        let mut cells: [String; 9] = Default::default();
        cells[0].clone_from(&word.text);
        lang.pick("unreadable", "읽을 수 없음").clone_into(&mut cells[2]);
        push_row(&mut csv, &cells);
    }
    csv
}

fn cells(item: &LookedUp, problem: Option<&LookupProblem>, lang: Lang) -> [String; 9] {
    let of = |text: fn(&LookupProblem) -> String| problem.map(text).unwrap_or_default();
    [
        item.cd_idx.to_string(),
        item.vertical.clone().unwrap_or_default(),
        state(item.state, lang).to_owned(),
        of(|problem| problem.sequence.map(|sequence| sequence.to_string()).unwrap_or_default()),
        of(|problem| problem.image_size.clone().unwrap_or_default()),
        of(|problem| problem.code.clone()),
        problem.map(|problem| owner(problem, lang).to_owned()).unwrap_or_default(),
        problem.map(|problem| text(problem, lang)).unwrap_or_default(),
        of(|problem| problem.detail.clone().unwrap_or_default()),
    ]
}

fn state(state: LookupState, lang: Lang) -> &'static str {
    match state {
        LookupState::Complete => lang.pick("complete", "완료"),
        LookupState::Incomplete => lang.pick("incomplete", "미완료"),
        LookupState::Pending => lang.pick("pending", "처리 중"),
        LookupState::Unknown => lang.pick("unknown", "없음"),
    }
}

fn owner(problem: &LookupProblem, lang: Lang) -> &'static str {
    let owner = Owner::ALL.into_iter().find(|owner| owner.code() == problem.owner).unwrap_or(Owner::Nobody);
    lang.pick(owner.english(), owner.korean())
}

fn text(problem: &LookupProblem, lang: Lang) -> String {
    match problem.code.as_str() {
        MISSING => lang
            .pick(
                "The photo has no row of this image size. The engineer on call: cameo reconcile",
                "이 규격의 행이 없습니다. 당직 엔지니어: cameo reconcile 을 실행하세요.",
            )
            .to_owned(),
        STALE => lang
            .pick(
                "Another version of the size set made this. The engineer on call: cameo reconcile",
                "다른 버전의 규격으로 만들어진 이미지입니다. 당직 엔지니어: cameo reconcile 을 실행하세요.",
            )
            .to_owned(),
        code => code.parse::<ReasonCode>().map(|reason| text_of(reason, lang)).unwrap_or_default(),
    }
}
