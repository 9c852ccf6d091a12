//! `cameo keys`: access keys for whoever uploads or reads, in the file that the server reads again by itself.

use std::path::PathBuf;

use bytesize::ByteSize;
use cameo::{
    config,
    model::{
        error::{Error, Kind, Place},
        key::ORIGIN_PREFIX,
    },
    serve::s3_api::{AccessKey, Grant, Keys, Quota, Rights},
    server::{
        backends::key_file_of,
        data_folder::{Credentials, generate, read_credentials},
    },
};
use clap::ArgGroup;
use serde::Serialize;

use super::{Context, json_line, line, lines, note};
use crate::exit::Exit;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cameo keys add --upload origin/ssgdfm_eye/\n  cameo keys add --id reports --read \"\" --bucket celebtide\n  \
cameo keys add --upload origin/shop/ --bytes-per-day 20GiB --objects-per-day 50000\n  cameo keys list\n  cameo keys remove CAMEO0123456789ABCDEF\n\n\
A running server knows a change at once. Run it as the user that the server runs as. The first key pair, which `cameo serve` makes, \
is the administrator's and is not in this file."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make a key pair; its secret is shown once and never again
    Add(AddArgs),
    /// List the keys and what they may do, without their secrets
    List(FileArgs),
    /// Remove a key: whoever has it is let in no more
    Remove(RemoveArgs),
}

#[derive(Debug, clap::Args)]
struct FileArgs {
    /// Data folder of the server [default: ./cameo-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The file of keys [default: that of `s3.key_file`, or keys.toml in the data folder]
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("may").required(true).multiple(true).args(["upload", "read", "all", "administrator"]))]
struct AddArgs {
    /// It may upload keys that begin with this, such as `origin/ssgdfm_eye/`, and neither read, list nor delete; "" for all
    #[arg(long, value_name = "PREFIX", value_parser = prefix)]
    upload: Vec<String>,
    /// It may read and list keys that begin with this
    #[arg(long, value_name = "PREFIX", value_parser = prefix)]
    read: Vec<String>,
    /// It may do everything with keys that begin with this, delete them too
    #[arg(long, value_name = "PREFIX", value_parser = prefix)]
    all: Vec<String>,
    /// It may do everything, everywhere
    #[arg(long, conflicts_with_all = ["upload", "read", "all", "bucket"])]
    administrator: bool,
    /// The bucket that this is about [default: the upload bucket]
    #[arg(long, value_name = "BUCKET")]
    bucket: Option<String>,
    /// Its access key id [default: a new one]
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// What it may upload in 24 hours, such as 20GiB
    #[arg(long, value_name = "SIZE")]
    bytes_per_day: Option<ByteSize>,
    /// How many objects it may upload in 24 hours
    #[arg(long, value_name = "N")]
    objects_per_day: Option<u64>,
    #[command(flatten)]
    file: FileArgs,
}

#[derive(Debug, clap::Args)]
struct RemoveArgs {
    /// Its access key id
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    file: FileArgs,
}

/// A key as it is listed.
#[derive(Debug, Serialize)]
struct Listed<'k> {
    access_key_id: &'k str,
    administrator: bool,
    quota: &'k Quota,
    grants: &'k [Grant],
}

/// A key as it is shown once.
#[derive(Debug, Serialize)]
struct Added<'k> {
    #[serde(flatten)]
    key: Listed<'k>,
    secret_access_key: &'k str,
    /// What the key was perhaps not meant to be.
    warnings: &'k [String],
}

#[derive(Debug, Serialize)]
struct Removed<'k> {
    removed: &'k str,
}

/// A prefix ends where a name does: `origin/shop` would cover `origin/shop2/` too.
fn prefix(text: &str) -> Result<String, String> {
    if text.is_empty() || text.ends_with('/') {
        return Ok(text.to_owned());
    }
    Err(format!(
        "a prefix ends with a slash: write {text}/, since {text} covers every name that goes on differently, too"
    ))
}

pub(crate) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    match &args.action {
        Action::Add(args) => add(context, args),
        Action::List(args) => list(context, args),
        Action::Remove(args) => remove(context, args),
    }
}

impl FileArgs {
    fn path(&self, context: &Context) -> PathBuf {
        let data = context.data(self.data.as_deref());
        self.key_file.clone().unwrap_or_else(|| key_file_of(&context.config, data))
    }

    /// The first key pair, which the file must not name again by mistake.
    fn first(&self, context: &Context) -> anyhow::Result<Option<Credentials>> {
        Ok(read_credentials(context.data(self.data.as_deref()))?)
    }
}

fn add(context: &Context, args: &AddArgs) -> anyhow::Result<Exit> {
    let Credentials { access_key_id, secret_access_key } = generate();
    let id = args.id.clone().unwrap_or(access_key_id);
    if args.file.first(context)?.is_some_and(|first| first.access_key_id == id) {
        return Err(usage(format!("add the key {id}: that is the id of the administrator's first key pair")).into());
    }
    let bucket = args.bucket.as_ref().unwrap_or(&context.config.store.upload_bucket);
    let grants = |prefixes: &[String], rights: Rights| {
        let grant = |prefix: &String| Grant { bucket: bucket.clone(), prefix: prefix.clone(), rights };
        prefixes.iter().map(grant).collect::<Vec<_>>()
    };
    let given =
        [grants(&args.upload, Rights::Upload), grants(&args.read, Rights::Read), grants(&args.all, Rights::All)];
    let key = AccessKey {
        administrator: args.administrator,
        quota: Quota { bytes_per_day: args.bytes_per_day, objects_per_day: args.objects_per_day },
        ..AccessKey::with(&id, &secret_access_key, given.concat())
    };
    let path = args.file.path(context);
    Keys(&path).insert(&key)?;
    let warnings = warnings(&context.config.store, &key);
    if context.json {
        json_line(&Added { key: Listed::of(&key), secret_access_key: &key.secret, warnings: &warnings })?;
    } else {
        lines([
            format!("A key pair was added to {}. Its secret is shown only now:", path.display()),
            format!("  export AWS_ACCESS_KEY_ID={}", key.id),
            format!("  export AWS_SECRET_ACCESS_KEY={}", key.secret),
            "  export AWS_DEFAULT_REGION=us-east-1".to_owned(),
            format!("It may {}.", rights_of(&key)),
        ])?;
        lines(clients_of(&key))?;
        for warning in &warnings {
            note(warning);
        }
    }
    Ok(Exit::Complete)
}

/// What a key was perhaps not meant to be: a slip in a bucket or a prefix shows only when the first upload is lost from sight.
fn warnings(store: &config::Store, key: &AccessKey) -> Vec<String> {
    let mut warnings = Vec::new();
    for Grant { bucket, prefix, rights } in &key.grants {
        if ![&store.upload_bucket, &store.image_bucket].contains(&bucket) {
            warnings.push(format!(
                "the bucket {bucket} is neither {} nor {}: nothing in it is rendered or served",
                store.upload_bucket, store.image_bucket
            ));
        } else if *bucket == store.upload_bucket && *rights != Rights::Read && !is_of_originals(prefix) {
            warnings.push(format!(
                "{bucket}/{prefix}* is not under {ORIGIN_PREFIX}: what is uploaded there is kept, and never rendered; \
                 write {ORIGIN_PREFIX}{prefix}"
            ));
        }
    }
    warnings
}

/// Whether originals may be uploaded under a prefix: one of `origin/`, or one that holds it.
fn is_of_originals(prefix: &str) -> bool {
    prefix.starts_with(ORIGIN_PREFIX) || ORIGIN_PREFIX.starts_with(prefix)
}

/// Which clients can work with a key that may only upload.
fn clients_of(key: &AccessKey) -> Vec<String> {
    let only_uploads = !key.administrator && key.grants.iter().all(|grant| grant.rights == Rights::Upload);
    if !only_uploads || key.grants.is_empty() {
        return Vec::new();
    }
    vec![
        "A key that only uploads fits `aws s3 cp` and presigned uploads. `aws s3 sync` lists first: add --read for the same prefix.".to_owned(),
        "rclone asks whether files are there: give it --s3-no-head --s3-no-check-bucket --no-check-dest.".to_owned(),
    ]
}

fn list(context: &Context, args: &FileArgs) -> anyhow::Result<Exit> {
    let keys = Keys(&args.path(context)).list()?;
    for key in &keys {
        if context.json {
            json_line(&Listed::of(key))?;
        } else {
            line(&format!("{}: may {}", key.id, rights_of(key)))?;
        }
    }
    if keys.is_empty() && !context.json {
        line("no keys beside the administrator's first one")?;
    }
    Ok(Exit::Complete)
}

fn remove(context: &Context, args: &RemoveArgs) -> anyhow::Result<Exit> {
    let path = args.file.path(context);
    if !Keys(&path).remove(&args.id)? {
        return Err(usage(format!("remove the key {}: {} has no such key", args.id, path.display())).into());
    }
    if context.json {
        json_line(&Removed { removed: &args.id })?;
    } else {
        line(&format!("{}: removed", args.id))?;
    }
    Ok(Exit::Complete)
}

impl<'k> Listed<'k> {
    fn of(key: &'k AccessKey) -> Self {
        let AccessKey { id, administrator, quota, grants, .. } = key;
        Self { access_key_id: id, administrator: *administrator, quota, grants }
    }
}

fn rights_of(key: &AccessKey) -> String {
    let verb = |rights| match rights {
        Rights::Read => "read",
        Rights::Upload => "upload",
        Rights::All => "do everything with",
    };
    let grants = key.grants.iter().map(|grant| format!("{} {}/{}*", verb(grant.rights), grant.bucket, grant.prefix));
    let may = match (key.administrator, key.grants.is_empty()) {
        (true, _) => "do everything".to_owned(),
        (false, true) => "do nothing: it has no grants".to_owned(),
        (false, false) => grants.collect::<Vec<_>>().join(", "),
    };
    let bytes = key.quota.bytes_per_day.map(|most| format!("; at most {most} in 24 hours"));
    let objects = key.quota.objects_per_day.map(|most| format!("; at most {most} objects in 24 hours"));
    may + &bytes.unwrap_or_default() + &objects.unwrap_or_default()
}

fn usage(doing: String) -> Error {
    Error::new(Place::System, Kind::Misconfigured, doing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_in_a_bucket_or_a_prefix_is_said() {
        let store = config::Store::default();
        let warned = |bucket: &str, prefix: &str, rights| {
            let grant = Grant { bucket: bucket.to_owned(), prefix: prefix.to_owned(), rights };
            warnings(&store, &AccessKey::with("id", "secret", vec![grant])).join("")
        };
        let (uploads, images) = (store.upload_bucket.as_str(), store.image_bucket.as_str());
        for (bucket, prefix, rights) in [
            (uploads, "origin/v/", Rights::Upload),
            (uploads, "", Rights::All),
            (uploads, "v/", Rights::Read),
            (images, "v/", Rights::Read),
        ] {
            assert_eq!(warned(bucket, prefix, rights), "", "{bucket}/{prefix}");
        }
        assert!(warned(uploads, "v/", Rights::Upload).ends_with("write origin/v/"));
        assert!(warned("celebtid", "", Rights::Read).contains("neither"));
    }

    #[test]
    fn a_key_that_only_uploads_says_which_clients_fit() {
        let key = |rights| {
            let grant = Grant { bucket: "b".to_owned(), prefix: "origin/".to_owned(), rights };
            clients_of(&AccessKey::with("id", "secret", vec![grant])).join(" ")
        };
        assert!(key(Rights::Upload).contains("--s3-no-head --s3-no-check-bucket --no-check-dest"));
        assert_eq!(key(Rights::All), "");
    }
}
