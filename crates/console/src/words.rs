//! Words that several pages use, in both languages at once.

use cameo::model::lang::{Lang, Text};

/// Which page somebody is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Here {
    Home,
    Attention,
    Entities,
    Lookup,
    Upload,
    Activity,
    Health,
    Reconcile,
    People,
    /// None of those that the navigation leads to.
    Nowhere,
}

impl Here {
    /// Those that the navigation leads to: where, and what each is called.
    pub(crate) const ALL: [(Self, &'static str, &'static str, &'static str); 9] = [
        (Self::Home, "/", "Deliveries", "전달 현황"),
        (Self::Attention, "/attention", "Needs attention", "조치 필요"),
        (Self::Entities, "/entities", "Entities", "엔티티"),
        (Self::Lookup, "/lookup", "Paste ids", "번호 조회"),
        (Self::Upload, "/upload", "Upload", "업로드"),
        (Self::Activity, "/activity", "Activity", "활동 기록"),
        (Self::Health, "/health", "Health", "서버 상태"),
        (Self::Reconcile, "/reconcile", "Reconcile", "정합성 맞춤"),
        (Self::People, "/people", "People", "사용자"),
    ];
}

/// Who must act, by the stable name of it; a newer server may have others.
pub(crate) fn owner(code: &str) -> Text {
    use cameo::model::reason::Owner;
    let known = Owner::ALL.into_iter().find(|owner| owner.code() == code);
    known.map_or_else(|| Text::new(code, code), |owner| Text::new(owner.english(), owner.korean()))
}

/// A number of things: `1 photo`, `12,408 photos`, `사진 12,408장`.
pub(crate) fn photos(n: u64, lang: Lang) -> String {
    let number = crate::show::thousands(n);
    match lang {
        Lang::En => format!("{number} photo{}", if n == 1 { "" } else { "s" }),
        Lang::Ko => format!("사진 {number}장"),
    }
}

/// The same of entities.
pub(crate) fn entities(n: u64, lang: Lang) -> String {
    let number = crate::show::thousands(n);
    match lang {
        Lang::En => format!("{number} {}", if n == 1 { "entity" } else { "entities" }),
        Lang::Ko => format!("엔티티 {number}개"),
    }
}

/// The same of deliveries.
pub(crate) fn deliveries(n: u64, lang: Lang) -> String {
    let number = crate::show::thousands(n);
    match lang {
        Lang::En => format!("{number} {}", if n == 1 { "delivery" } else { "deliveries" }),
        Lang::Ko => format!("전달 {number}건"),
    }
}

/// The same of anything in a list.
pub(crate) fn items(n: u64, lang: Lang) -> String {
    let number = crate::show::thousands(n);
    match lang {
        Lang::En => format!("{number} item{}", if n == 1 { "" } else { "s" }),
        Lang::Ko => format!("{number}건"),
    }
}
