//! AWS keys of a user, as the AWS tools find them: the variables, else a profile of `~/.aws/credentials` or `~/.aws/config`.
//!
//! Keys are taken as they are written there. Profiles that get theirs from elsewhere (single sign-on, roles, programs) are not
//! followed: the error names the command of aws-cli that gives keys out. Nothing here prints a secret.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::AccessKeys;
use crate::model::error::{Error, Kind, Place, Result};

/// Length of a file of profiles in bytes, at most.
const FILE_MAX_BYTES: u64 = 1 << 20;
const DEFAULT_PROFILE: &str = "default";

/// Whose keys sign, and what their owner has set of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The keys.
    pub keys: AccessKeys,
    /// The token that temporary keys come with.
    pub token: Option<Token>,
    /// The region.
    pub region: Option<String>,
    /// The address of a service that is not Amazon's.
    pub endpoint: Option<String>,
}

/// The session token of temporary keys; never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(pub String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The settings of one profile.
type Settings = BTreeMap<String, String>;

impl Profile {
    /// The keys of these variables, or of the profile that they name. `variable` gives a variable that is set and not empty.
    pub fn find<'v>(variable: impl Fn(&str) -> Option<&'v str>) -> Result<Self> {
        let name = variable("AWS_PROFILE").unwrap_or(DEFAULT_PROFILE);
        let home = |file: &str| variable("HOME").map(|home| Path::new(home).join(".aws").join(file));
        let path = |named: &str, file: &str| variable(named).map(PathBuf::from).or_else(|| home(file));
        let credentials = path("AWS_SHARED_CREDENTIALS_FILE", "credentials");
        let secrets = settings_of(credentials.as_deref(), |section| section == name)?;
        let of_config = format!("profile {name}");
        let is_ours = |section: &str| section == of_config || (name == DEFAULT_PROFILE && section == DEFAULT_PROFILE);
        let config = settings_of(path("AWS_CONFIG_FILE", "config").as_deref(), is_ours)?;
        let setting = |key: &str| secrets.get(key).or_else(|| config.get(key)).cloned();
        let first_of = |names: [&str; 2]| names.into_iter().find_map(|name| variable(name).map(str::to_owned));
        let (keys, token) = match of_variables(&variable)? {
            Some(found) => found,
            None => of_settings(name, credentials.as_deref(), setting)?,
        };
        Ok(Self {
            keys,
            token,
            region: first_of(["AWS_REGION", "AWS_DEFAULT_REGION"]).or_else(|| setting("region")),
            endpoint: first_of(["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]).or_else(|| setting("endpoint_url")),
        })
    }
}

/// The keys of the variables; none where neither half is set.
fn of_variables<'v>(variable: impl Fn(&str) -> Option<&'v str>) -> Result<Option<(AccessKeys, Option<Token>)>> {
    match (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
        (None, None) => Ok(None),
        (Some(id), Some(secret)) => {
            let keys = AccessKeys { id: id.to_owned(), secret: secret.to_owned() };
            Ok(Some((keys, variable("AWS_SESSION_TOKEN").map(|token| Token(token.to_owned())))))
        }
        (id, _) => {
            let (set, missing) = match id {
                Some(_) => ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
                None => ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
            };
            Err(missing_keys(
                &format!("{set} is set and {missing} is not"),
                &format!("{set} 만 있고 {missing} 가 없습니다"),
            ))
        }
    }
}

/// The keys of a profile.
fn of_settings(
    name: &str,
    credentials: Option<&Path>,
    setting: impl Fn(&str) -> Option<String>,
) -> Result<(AccessKeys, Option<Token>)> {
    match (setting("aws_access_key_id"), setting("aws_secret_access_key")) {
        (Some(id), Some(secret)) => Ok((AccessKeys { id, secret }, setting("aws_session_token").map(Token))),
        _ if ["sso_session", "sso_start_url", "role_arn", "credential_process", "web_identity_token_file"]
            .iter()
            .any(|key| setting(key).is_some()) =>
        {
            Err(missing_keys(
                &format!(
                    "the profile {name} gets its keys from elsewhere; run `eval \"$(aws configure export-credentials --profile {name} \
                     --format env)\"` first"
                ),
                &format!(
                    "프로필 {name} 은 키를 다른 곳에서 받습니다. 먼저 `eval \"$(aws configure export-credentials --profile {name} --format \
                     env)\"` 를 실행해 주세요"
                ),
            ))
        }
        _ => {
            let file = credentials.map_or_else(|| "~/.aws/credentials".to_owned(), |path| path.display().to_string());
            Err(missing_keys(
                &format!(
                    "neither AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are set, nor has the profile {name} keys in {file}; set them, \
                     name a profile in AWS_PROFILE, or leave out --s3"
                ),
                &format!(
                    "AWS_ACCESS_KEY_ID 와 AWS_SECRET_ACCESS_KEY 가 없고, {file} 의 프로필 {name} 에도 키가 없습니다. 키를 설정하거나, AWS_PROFILE \
                     로 프로필을 정하거나, --s3 없이 실행해 주세요"
                ),
            ))
        }
    }
}

fn missing_keys(why: &str, korean: &str) -> Error {
    let korean = format!("AWS 키를 찾을 수 없습니다. {korean}");
    Error::new(Place::System, Kind::Denied, format!("find AWS keys: {why}")).in_korean(korean)
}

/// The settings of the section that is ours, of a file that may be missing.
fn settings_of(path: Option<&Path>, is_ours: impl Fn(&str) -> bool) -> Result<Settings> {
    let Some(path) = path else { return Ok(Settings::new()) };
    match fs::metadata(path) {
        Ok(file) if file.is_file() && file.len() <= FILE_MAX_BYTES => {}
        Ok(_) => return Err(unreadable(path, "it is not a regular file of 1 MiB at most".into())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Settings::new()),
        Err(error) => return Err(unreadable(path, error.into())),
    }
    let text = fs::read_to_string(path).map_err(|error| unreadable(path, error.into()))?;
    Ok(section_of(&text, is_ours))
}

fn unreadable(path: &Path, error: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::new(Place::System, Kind::Misconfigured, format!("read {}", path.display())).because(error)
}

/// `key = value` below `[section]`, as the AWS tools write it. Indented lines belong to the setting above them and are none of ours.
fn section_of(text: &str, is_ours: impl Fn(&str) -> bool) -> Settings {
    let (mut settings, mut ours) = (Settings::new(), false);
    for line in text.lines() {
        if let Some(section) = line.trim().strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            ours = is_ours(section.0.split_whitespace().collect::<Vec<_>>().join(" ").as_str());
        } else if ours
            && !line.starts_with([' ', '\t', '#', ';'])
            && let Some((key, value)) = line.split_once('=')
            && !value.trim().is_empty()
        {
            settings.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREDENTIALS: &str = "# mine\n[default]\naws_access_key_id = AKID\naws_secret_access_key=se=cret\n\n\
        [ photos ]\naws_access_key_id=PHOTOS\naws_secret_access_key = hidden\naws_session_token = once\n[half]\naws_access_key_id = H\n";
    const CONFIG: &str = "[default]\nregion = eu-1\n[profile photos]\nregion = ap-northeast-2\nendpoint_url = https://s3.example\n\
        s3 =\n  endpoint_url = https://nested.example\n[profile sso]\nsso_session = work\n[photos]\nregion = wrong\n";

    /// A home with both files, and what a user with these variables finds there.
    fn found(variables: &[(&'static str, &'static str)]) -> Result<Profile> {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".aws")).unwrap();
        fs::write(home.path().join(".aws/credentials"), CREDENTIALS).unwrap();
        fs::write(home.path().join(".aws/config"), CONFIG).unwrap();
        let path = home.path().to_str().unwrap().to_owned();
        let variable = |name: &str| match name {
            "HOME" => Some(path.as_str()),
            _ => variables.iter().find(|(set, _)| *set == name).map(|(_, value)| *value),
        };
        Profile::find(variable)
    }

    #[test]
    fn variables_go_over_profiles_and_a_profile_has_its_own_settings() {
        let default = found(&[]).unwrap();
        assert_eq!((default.keys.id.as_str(), default.keys.secret.as_str()), ("AKID", "se=cret"));
        assert_eq!((default.token, default.region.as_deref(), default.endpoint), (None, Some("eu-1"), None));
        let named = found(&[("AWS_PROFILE", "photos")]).unwrap();
        assert_eq!((named.keys.id.as_str(), named.token), ("PHOTOS", Some(Token("once".into()))));
        assert_eq!(named.region.as_deref(), Some("ap-northeast-2"));
        assert_eq!(named.endpoint.as_deref(), Some("https://s3.example"));
        let set = [
            ("AWS_ACCESS_KEY_ID", "SET"),
            ("AWS_SECRET_ACCESS_KEY", "s"),
            ("AWS_SESSION_TOKEN", "t"),
            ("AWS_DEFAULT_REGION", "r"),
            ("AWS_ENDPOINT_URL", "http://all"),
            ("AWS_ENDPOINT_URL_S3", "http://s3"),
        ];
        let of_variables = found(&set).unwrap();
        assert_eq!((of_variables.keys.id.as_str(), of_variables.token), ("SET", Some(Token("t".into()))));
        assert_eq!((of_variables.region.as_deref(), of_variables.endpoint.as_deref()), (Some("r"), Some("http://s3")));
    }

    #[test]
    fn whoever_has_no_keys_is_told_where_they_belong() {
        for (variables, why) in [
            (&[("AWS_PROFILE", "none")][..], "the profile none"),
            (&[("AWS_PROFILE", "half")], "the profile half"),
            (&[("AWS_PROFILE", "sso")], "aws configure export-credentials --profile sso"),
            (&[("AWS_ACCESS_KEY_ID", "A")], "AWS_SECRET_ACCESS_KEY is not"),
            (&[("AWS_SECRET_ACCESS_KEY", "hidden")], "AWS_ACCESS_KEY_ID is not"),
        ] {
            let error = found(variables).unwrap_err();
            assert_eq!(error.kind(), Kind::Denied, "{variables:?}");
            assert!(error.to_string().contains(why) && !error.to_string().contains("hidden"), "{error}");
        }
        assert!(Profile::find(|_| None).unwrap_err().to_string().contains("~/.aws/credentials"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let error = Profile::find(|name| (name == "AWS_SHARED_CREDENTIALS_FILE").then_some(path)).unwrap_err();
        assert_eq!(error.kind(), Kind::Misconfigured, "{error}");
    }

    #[test]
    fn secrets_are_not_printed() {
        let text = format!("{:?}", found(&[("AWS_PROFILE", "photos")]).unwrap());
        assert!(!text.contains("hidden") && !text.contains("once"), "{text}");
    }
}
