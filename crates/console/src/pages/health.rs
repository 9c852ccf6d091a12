//! How the server is: whether an upload would go all the way now, what waits, what is left of disk and memory.

use askama::Template;
use axum::response::Response;
use cameo::client::wire::{CertificateView, HealthView};

use crate::{
    ask::Ask,
    detail,
    failure::Answer,
    layout::{Chrome, html},
    show::{Badge, Time, Tone, bytes, duration, thousands},
    words::Here,
};

/// Days until the disk is full that are worth a warning.
const DAYS_WARNED: u64 = 14;

#[derive(Template)]
#[template(path = "health.html")]
struct HealthPage {
    c: Chrome,
    h: HealthView,
}

/// The page.
pub(crate) async fn page(ask: Ask) -> Answer<Response> {
    let (c, h) = futures::try_join!(Chrome::of(&ask, Here::Health), ask.get::<HealthView>("/api/v1/health"))?;
    Ok(html(&HealthPage { c, h }))
}

/// How the server is, for pages that say that all is well; none where it cannot be had, and then they say nothing of it.
pub(super) async fn now(ask: &Ask) -> Option<HealthView> {
    ask.find("/api/v1/health").await.ok().flatten()
}

impl HealthPage {
    fn n(&self, n: &u64) -> String {
        thousands(*n)
    }

    fn size(&self, n: &u64) -> String {
        bytes(*n)
    }

    fn time(&self, at: &jiff::Timestamp) -> Time {
        Time(*at)
    }

    fn duration(&self, seconds: &u64) -> String {
        duration(*seconds, self.c.lang)
    }

    /// At what the server failed, in the language of the page.
    fn cause(&self, error: &str) -> String {
        detail::of_server(error, self.c.lang)
    }

    /// The same of sending to a webhook.
    fn failure(&self, error: &str) -> String {
        detail::of_webhook(error, self.c.lang)
    }

    fn check(&self, ok: &bool) -> Badge {
        let lang = self.c.lang;
        if *ok {
            Badge::new(Tone::Good, lang.pick("works", "정상"))
        } else {
            Badge::new(Tone::Bad, lang.pick("fails", "실패"))
        }
    }

    /// How the certificate stands.
    fn certificate(&self, certificate: &CertificateView) -> Badge {
        let lang = self.c.lang;
        if self.h.at >= certificate.ends {
            Badge::new(Tone::Bad, lang.pick("expired", "만료됨"))
        } else if certificate.fault.is_some() {
            Badge::new(Tone::Warns, lang.pick("the new one cannot be used", "새 인증서를 쓸 수 없음"))
        } else if certificate.is_warned_of {
            Badge::new(Tone::Warns, lang.pick("renew it", "갱신 필요"))
        } else {
            Badge::new(Tone::Good, lang.pick("valid", "유효"))
        }
    }

    /// Whether somebody should make room.
    fn fills(&self, days: &u64) -> bool {
        *days <= DAYS_WARNED
    }

    /// A place, in words.
    fn place<'p>(&self, what: &'p str) -> &'p str {
        let lang = self.c.lang;
        match what {
            "store" => lang.pick("Storage takes files", "저장소 쓰기"),
            "catalog" => lang.pick("Database answers", "데이터베이스 응답"),
            "engine" => lang.pick("Images can be made", "이미지 변환"),
            "certificate" => lang.pick("Certificate is valid", "인증서 유효"),
            _ => what,
        }
    }

    /// What a queue leads to, in words.
    fn step<'p>(&self, step: &'p str) -> &'p str {
        let lang = self.c.lang;
        match step {
            "resize" => lang.pick("to be rendered", "변환 대기"),
            "register" => lang.pick("to be registered", "등록 대기"),
            _ => step,
        }
    }
}
