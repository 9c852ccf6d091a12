//! Whose certificates count, beside those that the system trusts: those of the file that `--ca`, `CAMEO_CA` or the login names.

use std::path::Path;

use cameo::{
    model::error::{Error, Kind, Place, Result},
    private_file::read_settings,
    tls,
};

/// Bytes of the file, at most: more than all the roots of a system have.
const FILE_MAX_BYTES: u64 = 4 << 20;

/// Trusts the certificates of a file from now on.
pub(crate) fn trust(path: &Path) -> Result<()> {
    let refused = |why: String| {
        let doing = format!("read the certificates of {} (--ca, CAMEO_CA)", path.display());
        let korean = format!(
            "CA 인증서 파일 {} 을 읽을 수 없습니다. PEM 파일이 맞는지 확인해 주세요 (--ca, CAMEO_CA)",
            path.display()
        );
        Error::new(Place::System, Kind::Misconfigured, doing).in_korean(korean).because(why)
    };
    let pem = read_settings(path, FILE_MAX_BYTES).map_err(|error| refused(error.to_string()))?;
    tls::trust(pem.as_bytes()).map_err(refused)
}
