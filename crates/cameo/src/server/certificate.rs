//! The certificate of the listeners: opened at a start, and read again when its files change.

use std::{sync::Arc, time::Duration};

use tracing::{info, warn};

use super::tasks::Tasks;
use crate::{
    clock::Clock,
    config::{Config, TlsListener},
    model::error::Result,
    serve::{
        certificate::{Certificate, CertificateFiles, Reloaded, uncovered},
        http::Tls,
    },
};

/// How often it is looked whether the files changed.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often a certificate that is about to end is warned of.
const WARN_EVERY: Duration = Duration::from_hours(24);

/// The files of the configuration; none where there is no TLS.
pub(super) fn files_of(config: &Config) -> Option<CertificateFiles> {
    let tls = &config.server.tls;
    tls.is_on().then(|| CertificateFiles { chain: tls.cert.clone(), key: tls.key.clone() })
}

/// The certificate, and what listeners speak TLS with.
#[derive(Debug, Clone)]
pub(super) struct Secured {
    pub(super) certificate: Arc<Certificate>,
    pub(super) tls: Tls,
}

/// Reads the pair of the configuration; one that cannot be used is an error.
pub(super) fn open(config: &Config) -> Result<Option<Secured>> {
    let Some(files) = files_of(config) else { return Ok(None) };
    let certificate = Arc::new(Certificate::open(files)?);
    Ok(Some(Secured { tls: Tls::new(certificate.clone())?, certificate }))
}

/// Names that the server is configured to be reached by and that its certificate is not for.
pub(super) fn names_without(config: &Config, certificate: &crate::serve::certificate::Facts) -> Vec<String> {
    let tls = &config.server.tls;
    let domains = config.s3.all_domains();
    let of_console = config.console.hosts.iter().filter(|_| tls.covers(TlsListener::Console));
    let of_s3 = domains.iter().filter(|_| tls.covers(TlsListener::S3));
    let hosts = of_console.chain(of_s3).map(String::as_str);
    uncovered(certificate, hosts).into_iter().map(str::to_owned).collect()
}

/// Warns of what is not as it should be at a start, and from then on uses what is put into the files.
pub(super) fn watch(tasks: &mut Tasks, certificate: Option<Arc<Certificate>>, config: &Config, clock: Arc<dyn Clock>) {
    let Some(certificate) = certificate else { return };
    if let Some(warning) = certificate.files().warning_of_key() {
        warn!("{warning}");
    }
    let facts = certificate.facts();
    info!(names = facts.names.join(", "), until = %facts.ends, "TLS with the certificate of server.tls");
    let without = names_without(config, &facts);
    if !without.is_empty() {
        warn!(
            names = without.join(", "),
            "the certificate (server.tls.cert) is not for these names, so clients that use them refuse it"
        );
    }
    tasks.spawn(|stop| async move {
        let mut warned_at = None;
        loop {
            let now = clock.now();
            match certificate.reload(now) {
                Reloaded::Same => {}
                Reloaded::New(facts) => {
                    info!(names = facts.names.join(", "), until = %facts.ends, "a new certificate is used from now on");
                    warned_at = None;
                }
                Reloaded::Kept(fault) => {
                    warn!(error = fault, "the new certificate cannot be used, and the one before it is kept");
                }
            }
            let is_due = warned_at.is_none_or(|at| now.duration_since(at).unsigned_abs() >= WARN_EVERY);
            if let Some(warning) = certificate.facts().warning(now).filter(|_| is_due) {
                warn!("{warning}");
                warned_at = Some(now);
            }
            if tokio::time::timeout(LOOK_EVERY, stop.cancelled()).await.is_ok() {
                return Ok(());
            }
        }
    });
}
