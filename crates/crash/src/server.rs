//! The server under test: a process of its own, started on free ports, killed without a word.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use cameo_testbed::http_proxy::HttpProxy;
use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use crate::settings::Settings;

/// The first key pair of the server under test.
pub const ACCESS_KEY_ID: &str = "CAMEOCRASH";
/// Its secret half; it protects nothing.
pub const SECRET_ACCESS_KEY: &str = "only-for-crash-tests";
/// Where originals are uploaded.
pub const UPLOAD_BUCKET: &str = "celebtide-image-upload";
/// Where renditions are published.
pub const IMAGE_BUCKET: &str = "celebtide";
/// How long replaced content is kept.
pub const KEEP_OLD: Duration = Duration::from_secs(5);

/// More receives than a message can come to under kills.
const MANY_RECEIVES: u32 = 1000;

/// How long a start may take, a recovery included.
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// How long a command beside the server may take.
const COMMAND_TIMEOUT: Duration = Duration::from_mins(5);
/// How long a server that is told to end may take.
const END_TIMEOUT: Duration = Duration::from_mins(1);

/// Where a running server can be reached.
#[derive(Debug, Clone, Deserialize)]
pub struct Addresses {
    /// The S3 endpoint.
    pub s3: String,
    /// The public images.
    pub images: String,
    /// The process, which may run below a wrapper.
    pid: i32,
}

/// How servers are started.
#[derive(Debug, Clone)]
pub struct Launcher {
    /// The command `cameo`.
    pub program: PathBuf,
    /// The folder of the run: data, configuration and log.
    pub folder: PathBuf,
    /// Variables for the server, beside its credentials.
    pub environment: Vec<(String, String)>,
    /// A command that runs the server, such as `strace -f`.
    pub wrapper: Vec<String>,
    /// Whether the server only accepts and serves.
    pub without_worker: bool,
    /// How often a message is received before it is set aside. A kill counts as a receive.
    pub max_receives: u32,
    /// What the configuration says.
    pub settings: Settings,
    /// Where the world gets images: the same address through all lives of the server.
    public: Arc<HttpProxy>,
}

/// A server process. Dropping it kills it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    pid: Option<i32>,
    output: Lines<BufReader<ChildStdout>>,
}

impl Addresses {
    /// The process.
    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }
}

impl Launcher {
    /// Servers of this program, in a folder that exists. Runs in tokio's runtime.
    pub fn new(program: &Path, folder: &Path) -> Result<Self> {
        let public = HttpProxy::start("http://127.0.0.1:1");
        let settings = Settings::at(&public.url);
        let launcher = Self {
            program: program.to_owned(),
            folder: folder.to_owned(),
            environment: Vec::new(),
            wrapper: Vec::new(),
            without_worker: false,
            max_receives: MANY_RECEIVES,
            settings,
            public: Arc::new(public),
        };
        Ok(launcher)
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.data().join("cameo.db")
    }

    /// What the servers logged.
    pub fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    fn config(&self) -> PathBuf {
        self.folder.join("cameo.toml")
    }

    /// Starts a server; it is not ready yet.
    pub fn spawn(&self, extra: &[(&str, String)]) -> Result<Server> {
        let config = config(self.max_receives, &self.settings);
        fs::write(self.config(), config).context("failed to write the server's configuration")?;
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log());
        let mut words = self.wrapper.iter().map(PathBuf::from).chain([self.program.clone()]);
        let mut command = Command::new(words.next().context("there is no program")?);
        command.args(words).args(["serve", "--json", "--s3-listen", "127.0.0.1:0", "--images-listen", "127.0.0.1:0"]);
        command.args(["--console-listen", "127.0.0.1:0", "--public-url", &self.settings.public_url]);
        command.arg("--data").arg(self.data()).arg("--config").arg(self.config());
        if self.without_worker {
            command.arg("--no-worker");
        }
        command.env_clear().env("PATH", "/usr/bin:/bin").env("CAMEO_ACCESS_KEY_ID", ACCESS_KEY_ID);
        command.env("CAMEO_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY);
        command.envs(self.environment.iter().map(|(name, value)| (name, value))).envs(extra.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        command.stderr(log.context("failed to open the server's log")?).current_dir(&self.folder);
        let mut child = command.spawn().with_context(|| format!("failed to start {}", self.program.display()))?;
        let output = child.stdout.take().context("the server has no output")?;
        Ok(Server { child, pid: None, output: BufReader::new(output).lines() })
    }

    /// A server is ready: the world's images are its images.
    pub(crate) fn publish(&self, addresses: &Addresses) {
        self.public.lead_to(&addresses.images);
    }

    /// A command beside the server: `cameo verify`, for one. Returns its exit code and what it said.
    pub(crate) async fn command(&self, words: &[&str]) -> Result<(Option<i32>, String)> {
        let mut command = Command::new(&self.program);
        command.args(words).arg("--data").arg(self.data()).arg("--config").arg(self.config());
        command.env_clear().env("PATH", "/usr/bin:/bin").env("CAMEO_ACCESS_KEY_ID", ACCESS_KEY_ID);
        command.env("CAMEO_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY);
        command.env("CAMEO_IMAGES_PUBLIC_URL", &self.settings.public_url);
        command.stdin(Stdio::null()).current_dir(&self.folder).kill_on_drop(true);
        let output = timeout(COMMAND_TIMEOUT, command.output()).await;
        let output = output.with_context(|| format!("cameo {words:?} did not end"))??;
        let said = [output.stdout, output.stderr].concat();
        Ok((output.status.code(), String::from_utf8_lossy(&said).into_owned()))
    }

    /// Starts a server and waits until it is ready.
    pub async fn start(&self) -> Result<(Server, Addresses)> {
        let mut server = self.spawn(&[])?;
        let Some(addresses) = server.ready().await? else {
            bail!("the server ended while it started; see {}", self.log().display());
        };
        self.publish(&addresses);
        Ok((server, addresses))
    }
}

impl Server {
    /// Waits until the server is ready; none when it ended before.
    pub async fn ready(&mut self) -> Result<Option<Addresses>> {
        let line = timeout(START_TIMEOUT, self.output.next_line()).await.context("the server did not get ready")??;
        let Some(line) = line else { return Ok(None) };
        let addresses: Addresses = serde_json::from_str(&line).with_context(|| format!("the server said {line:?}"))?;
        self.pid = Some(addresses.pid);
        Ok(Some(addresses))
    }

    /// SIGKILL.
    pub async fn kill(&mut self) -> Result<()> {
        self.child.kill().await.context("failed to kill the server")
    }

    /// Waits until the server has ended by itself.
    pub async fn ended(&mut self) -> Result<()> {
        self.child.wait().await.map(drop).context("failed to wait for the server")
    }

    /// Whether the process still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// SIGTERM, and the end that follows from it.
    pub async fn end(mut self) -> Result<()> {
        let pid = self.pid.and_then(rustix::process::Pid::from_raw).context("the server was never ready")?;
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).context("failed to end the server")?;
        let status = timeout(END_TIMEOUT, self.child.wait()).await.context("the server did not end")??;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }
}

/// The configuration of the server under test: small images and short times.
pub(crate) fn config(max_receives: u32, settings: &Settings) -> String {
    format!(
        "[log]\nlevel = \"warn\"\nformat = \"text\"\n\
        [store]\nupload_bucket = {UPLOAD_BUCKET:?}\nimage_bucket = {IMAGE_BUCKET:?}\n\
        keep_old = \"{0}s\"\nkeep_uploads = \"{0}s\"\nkeep_removed = \"0s\"\n\
        [queue]\nvisibility_timeout = \"3s\"\nmax_receives = {1}\n{2}",
        KEEP_OLD.as_secs(),
        max_receives,
        settings.toml()
    )
}
