//! The ways in which store, queues and database say no, how each begins, and how it is taken back.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use cameo_testbed::{
    SqlServer,
    http_proxy::{Answer, HttpProxy, Rule},
    process::Session,
};

use super::Database;
use crate::server::IMAGE_BUCKET;

/// Whom the workers are to the database: somebody whose rights can be taken away.
pub(super) const USER: &str = "worker";
/// Connections that MariaDB allows at least, and by default.
const CONNECTIONS: (u16, u16) = (10, 151);
/// How late a slow store answers.
const LATE: Duration = Duration::from_millis(1500);
/// How long a database may refuse the harness itself what takes a refusal back, and how often it is asked.
const END_TIMEOUT: Duration = Duration::from_mins(1);
const END_POLL: Duration = Duration::from_millis(500);
const TABLE: &str = "celeb_image_url";
/// Photos from this `cd_idx` on are those that the harness makes impossible.
const IMPOSSIBLE: &str = "cd_idx >= 999000000";

/// A way in which a place says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The database is there to be read.
    ReadOnly,
    /// The workers may no longer write.
    RightsRevoked,
    /// The table has another name.
    TableRenamed,
    /// Somebody locked the table.
    TableLocked,
    /// A trigger refuses the rows of one photo.
    RowRefused,
    /// A constraint refuses them.
    RowConstrained,
    /// The database takes no more connections.
    TooManyConnections,
    /// The store denies writes.
    StoreDenied,
    /// The store asks everybody to slow down.
    StoreBusy,
    /// The key that the store encrypts with may not be used.
    StoreKeyDenied,
    /// The store answers late.
    StoreSlow,
    /// The store says yes to the renditions of one photo and drops them.
    StoreLies,
    /// The queues deny everything.
    QueueDenied,
    /// The queues are unavailable.
    QueueUnavailable,
}

impl Refusal {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::ReadOnly,
        Self::RightsRevoked,
        Self::TableRenamed,
        Self::TableLocked,
        Self::RowRefused,
        Self::RowConstrained,
        Self::TooManyConnections,
        Self::StoreDenied,
        Self::StoreBusy,
        Self::StoreKeyDenied,
        Self::StoreSlow,
        Self::StoreLies,
        Self::QueueDenied,
        Self::QueueUnavailable,
    ];

    /// The refusal of a name as it is on the command line: `read-only`.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|refusal| refusal.name() == name)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::RightsRevoked => "rights-revoked",
            Self::TableRenamed => "table-renamed",
            Self::TableLocked => "table-locked",
            Self::RowRefused => "row-refused",
            Self::RowConstrained => "row-constrained",
            Self::TooManyConnections => "too-many-connections",
            Self::StoreDenied => "store-denied",
            Self::StoreBusy => "store-busy",
            Self::StoreKeyDenied => "store-key-denied",
            Self::StoreSlow => "store-slow",
            Self::StoreLies => "store-lies",
            Self::QueueDenied => "queue-denied",
            Self::QueueUnavailable => "queue-unavailable",
        }
    }

    /// Whether it is about one photo, which it makes impossible.
    pub(super) fn is_of_a_photo(self) -> bool {
        matches!(self, Self::RowRefused | Self::RowConstrained | Self::StoreLies)
    }

    /// What the proxy in front of store and queues answers.
    fn rules(self) -> Vec<Rule> {
        let status = |status, code: &str| Answer::Status(status, format!("<Error><Code>{code}</Code></Error>"));
        let queue = |status, code: &str| {
            let body = format!("{{\"__type\":\"com.amazonaws.sqs#{code}\",\"message\":\"refused by the harness\"}}");
            Answer::Status(status, body)
        };
        let of_the_store = |methods, contains: &str, answer| {
            let (contains, lacks) = (contains.to_owned(), "x-amz-target".to_owned());
            vec![Rule { methods, contains, lacks, answer }]
        };
        let of_the_queues =
            |answer| vec![Rule { methods: &[], contains: "x-amz-target".to_owned(), lacks: String::new(), answer }];
        let images = format!("/{IMAGE_BUCKET}/");
        match self {
            Self::StoreDenied => of_the_store(&["PUT", "DELETE", "POST"], &images, status(403, "AccessDenied")),
            Self::StoreBusy => of_the_store(&[], "", status(503, "SlowDown")),
            Self::StoreKeyDenied => of_the_store(&["PUT"], &images, status(400, "KMS.DisabledException")),
            Self::StoreSlow => of_the_store(&[], "", Answer::Late(LATE)),
            // Not the copies that aliases are made by: their success has a body.
            Self::StoreLies => vec![Rule {
                methods: &["PUT"],
                contains: format!("{images}crash/sq/999"),
                lacks: "x-amz-copy-source".to_owned(),
                answer: Answer::Status(200, String::new()),
            }],
            Self::QueueDenied => of_the_queues(queue(403, "AccessDeniedException")),
            Self::QueueUnavailable => of_the_queues(queue(503, "ServiceUnavailable")),
            _ => Vec::new(),
        }
    }
}

/// A refusal that has begun.
#[derive(Debug)]
pub(super) struct Begun {
    refusal: Refusal,
    sessions: Vec<Session>,
}

/// What refusals are made with.
pub(super) struct Tools<'r> {
    pub(super) database: Database,
    pub(super) server: &'r dyn SqlServer,
    pub(super) proxy: &'r HttpProxy,
}

/// Makes the user that the workers are.
pub(super) fn make_user(database: Database, server: &dyn SqlServer) -> Result<()> {
    let statements = match database {
        Database::MariaDb => format!(
            "CREATE USER {USER}@localhost; GRANT ALL ON {}.* TO {USER}@localhost; FLUSH PRIVILEGES;",
            server.database()
        ),
        Database::Postgres => format!("CREATE ROLE {USER} LOGIN; GRANT ALL ON SCHEMA public TO {USER};"),
    };
    server.run(&statements).map(drop).map_err(|error| anyhow!("failed to make the user of the workers: {error}"))
}

impl Tools<'_> {
    /// Begins a refusal.
    pub(super) fn begin(&self, refusal: Refusal) -> Result<Begun> {
        let mut begun = Begun { refusal, sessions: Vec::new() };
        self.proxy.answer(refusal.rules());
        if let Some(statements) = self.beginning(refusal) {
            self.run(&statements)?;
        }
        match refusal {
            Refusal::TableLocked => begun.sessions.push(self.server.session(&self.lock())),
            Refusal::TooManyConnections if self.database == Database::MariaDb => {
                begun.sessions = (0..CONNECTIONS.0).map(|_| self.server.session("SELECT SLEEP(600);\n")).collect();
            }
            _ => {}
        }
        Ok(begun)
    }

    /// Takes it back. Returns what was found to be wrong then.
    pub(super) fn end(&self, begun: Begun) -> Result<Option<String>> {
        let Begun { refusal, sessions } = begun;
        drop(sessions);
        self.proxy.answer(Vec::new());
        let mut wrong = None;
        if refusal == Refusal::TableRenamed && self.stands()? {
            wrong = Some("a table was made in the place of one that was renamed".to_owned());
            self.run(&format!("DROP TABLE {TABLE};"))?;
        }
        if let Some(statements) = self.ending(refusal) {
            self.run_until_done(&statements)?;
        }
        Ok(wrong)
    }

    fn run(&self, statements: &str) -> Result<String> {
        self.server.run(statements).map_err(|error| anyhow!("the database refused {statements:?}: {error}"))
    }

    /// Runs statements again until they are taken: where the harness took all connections, it may get none itself until the server has seen
    /// that they are gone.
    fn run_until_done(&self, statements: &str) -> Result<()> {
        let begun = Instant::now();
        loop {
            match self.run(statements) {
                Err(_) if begun.elapsed() < END_TIMEOUT => std::thread::sleep(END_POLL),
                done => return done.map(drop),
            }
        }
    }

    /// Whether there is a table of the public table's name.
    fn stands(&self) -> Result<bool> {
        let found =
            self.run(&format!("SELECT count(*) FROM information_schema.tables WHERE table_name = '{TABLE}';"))?;
        let found = found.trim();
        ensure!(found == "0" || found == "1", "{found:?} tables of one name");
        Ok(found == "1")
    }

    fn lock(&self) -> String {
        match self.database {
            Database::MariaDb => format!("LOCK TABLES {TABLE} WRITE;\n"),
            Database::Postgres => format!("BEGIN; LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE;\n"),
        }
    }

    fn beginning(&self, refusal: Refusal) -> Option<String> {
        match self.database {
            Database::MariaDb => self.beginning_of_mariadb(refusal),
            Database::Postgres => beginning_of_postgres(refusal),
        }
    }

    fn beginning_of_mariadb(&self, refusal: Refusal) -> Option<String> {
        let cut = format!("KILL USER {USER}@localhost;");
        Some(match refusal {
            Refusal::ReadOnly => "SET GLOBAL read_only = 1;".to_owned(),
            // Rights in a database are looked at when a session begins.
            Refusal::RightsRevoked => {
                let database = self.server.database();
                format!("REVOKE INSERT, UPDATE, DELETE ON {database}.* FROM {USER}@localhost; {cut}")
            }
            Refusal::TableRenamed => format!("RENAME TABLE {TABLE} TO {TABLE}_away;"),
            Refusal::RowRefused => format!(
                "DELIMITER //\nCREATE TRIGGER harness_refuses BEFORE INSERT ON {TABLE} FOR EACH ROW IF NEW.{IMPOSSIBLE} THEN \
                SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'refused by the harness'; END IF//\nDELIMITER ;\n"
            ),
            Refusal::RowConstrained => {
                format!("ALTER TABLE {TABLE} ADD CONSTRAINT harness_refuses CHECK (NOT {IMPOSSIBLE});")
            }
            Refusal::TooManyConnections => format!("SET GLOBAL max_connections = {}; {cut}", CONNECTIONS.0),
            _ => return None,
        })
    }

    fn ending(&self, refusal: Refusal) -> Option<String> {
        Some(match (self.database, refusal) {
            (Database::MariaDb, Refusal::ReadOnly) => "SET GLOBAL read_only = 0;".to_owned(),
            (Database::MariaDb, Refusal::RightsRevoked) => {
                format!("GRANT ALL ON {}.* TO {USER}@localhost;", self.server.database())
            }
            (Database::MariaDb, Refusal::TableRenamed) => format!("RENAME TABLE {TABLE}_away TO {TABLE};"),
            (Database::MariaDb, Refusal::RowRefused) => "DROP TRIGGER harness_refuses;".to_owned(),
            (_, Refusal::RowConstrained) => format!("ALTER TABLE {TABLE} DROP CONSTRAINT harness_refuses;"),
            (Database::MariaDb, Refusal::TooManyConnections) => {
                format!("SET GLOBAL max_connections = {};", CONNECTIONS.1)
            }
            (Database::Postgres, Refusal::ReadOnly) => {
                format!("ALTER ROLE {USER} RESET default_transaction_read_only;")
            }
            (Database::Postgres, Refusal::RightsRevoked) => {
                format!("GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {USER};")
            }
            (Database::Postgres, Refusal::TableRenamed) => format!("ALTER TABLE {TABLE}_away RENAME TO {TABLE};"),
            (Database::Postgres, Refusal::RowRefused) => {
                format!("DROP TRIGGER harness_refuses ON {TABLE}; DROP FUNCTION harness_refuses();")
            }
            (Database::Postgres, Refusal::TooManyConnections) => format!("ALTER ROLE {USER} CONNECTION LIMIT -1;"),
            _ => return None,
        })
    }
}

fn beginning_of_postgres(refusal: Refusal) -> Option<String> {
    let cut = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{USER}';");
    Some(match refusal {
        // Sessions look at it when they begin, and keep it: as after a failover.
        Refusal::ReadOnly => format!("ALTER ROLE {USER} SET default_transaction_read_only = on; {cut}"),
        Refusal::RightsRevoked => {
            format!("REVOKE INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public FROM {USER};")
        }
        Refusal::TableRenamed => format!("ALTER TABLE {TABLE} RENAME TO {TABLE}_away;"),
        Refusal::RowRefused => format!(
            "CREATE FUNCTION harness_refuses() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.{IMPOSSIBLE} THEN \
            RAISE EXCEPTION 'refused by the harness'; END IF; RETURN NEW; END $$; \
            CREATE TRIGGER harness_refuses BEFORE INSERT ON {TABLE} FOR EACH ROW EXECUTE FUNCTION harness_refuses();"
        ),
        Refusal::RowConstrained => {
            format!("ALTER TABLE {TABLE} ADD CONSTRAINT harness_refuses CHECK (NOT {IMPOSSIBLE});")
        }
        Refusal::TooManyConnections => format!("ALTER ROLE {USER} CONNECTION LIMIT 0; {cut}"),
        _ => return None,
    })
}
