//! The table in MariaDB and PostgreSQL as others made it: what could let one entity's row take another's is refused, by
//! opening and `doctor` alike, and what `doctor` prints mends it on filled tables without a loss; rows of others are left
//! alone; a server's own settings do not matter.

use std::collections::BTreeMap;

use cameo::{
    catalog::{
        self, Catalog, CatalogSettings,
        contract::{rendered, rules},
        limits::ServerLimits,
        table::Table,
        table_check::Mismatch,
    },
    ledger::{EntityRows, Scope},
    model::{
        error::{Error, Kind},
        key::EntityId,
    },
};
use cameo_testbed::{SqlServer as _, mariadb::MariaDb, postgres::Postgres};

use crate::servers::CatalogServer;

fn entity(cd_idx: u64) -> EntityId {
    EntityId { vertical: "v".parse().unwrap(), cd_idx }
}

fn is_mysql(server: &dyn CatalogServer) -> bool {
    server.url("", "").starts_with("mysql")
}

async fn check_as(server: &dyn CatalogServer, user: &str, name: &str, table: &Table) -> Result<Vec<Mismatch>, Error> {
    let settings = CatalogSettings { table: table.clone(), rules: rules(), limits: ServerLimits::default() };
    catalog::check(&server.url(user, name), &settings).await
}

/// A database whose table has rows of two photos.
async fn filled(server: &dyn CatalogServer, name: &str) -> Box<dyn Catalog> {
    server.create_database(name).await;
    let catalog = server.open(name, &Table::default()).await.unwrap();
    let two = [rendered("origin/v/1_0.jpg", 1, &["sq", "ve"]), rendered("origin/v/2_0.jpg", 1, &["sq", "ve"])];
    catalog.register(&two).await.unwrap();
    catalog
}

/// Everything in the table as text, with a further column.
async fn content(server: &dyn CatalogServer, name: &str, further: &str) -> String {
    let columns = "idx, vertical, cd_idx, image_size, sequence, image_url, width, height, bytes, etag";
    let sql = if is_mysql(server) {
        format!(
            "SELECT GROUP_CONCAT(CONCAT_WS('|', {columns}, {further}) ORDER BY idx SEPARATOR ';') FROM celeb_image_url"
        )
    } else {
        format!("SELECT string_agg(concat_ws('|', {columns}, {further}), ';' ORDER BY idx) FROM celeb_image_url")
    };
    // The blanks with which `CHAR` pads are no part of a value.
    server.scalar(name, &sql).await.split('|').map(str::trim_end).collect::<Vec<_>>().join("|")
}

/// A change of the table, a column to compare, and what of it is still declared afterwards.
type Case = (&'static str, &'static str, &'static str);

const IN_MARIADB: &[Case] = &[
    ("ALTER TABLE celeb_image_url ADD UNIQUE KEY u (cd_idx, image_size, sequence)", "1", ""),
    ("ALTER TABLE celeb_image_url ADD UNIQUE KEY u (image_url(70))", "1", ""),
    (
        "ALTER TABLE celeb_image_url DROP INDEX celeb_image_url_photo,
            ADD UNIQUE KEY celeb_image_url_photo (vertical(2), cd_idx, image_size, sequence)",
        "1",
        "",
    ),
    (
        "ALTER TABLE celeb_image_url MODIFY vertical VARCHAR(80) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci
            NOT NULL DEFAULT 'v' COMMENT 'it''s NOT NULL'",
        "1",
        "`vertical` varchar(80) NOT NULL DEFAULT 'v' COMMENT 'it''s NOT NULL'",
    ),
    (
        "ALTER TABLE celeb_image_url MODIFY vertical VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL",
        "1",
        "",
    ),
    ("ALTER TABLE celeb_image_url MODIFY image_size ENUM('ve', 'sq') NOT NULL", "1", ""),
    (
        "UPDATE celeb_image_url SET width = 200, height = 100, bytes = 65535; ALTER TABLE celeb_image_url
            MODIFY width TINYINT UNSIGNED NOT NULL DEFAULT 7 COMMENT 'px', MODIFY height TINYINT ZEROFILL, MODIFY bytes SMALLINT UNSIGNED",
        "1",
        "`width` int(11) NOT NULL DEFAULT 7 COMMENT 'px'",
    ),
    ("ALTER TABLE celeb_image_url ENGINE = MyISAM", "1", ""),
    ("ALTER TABLE celeb_image_url ENGINE = Aria", "1", ""),
    (
        "ALTER TABLE celeb_image_url ADD price DECIMAL(10,2) UNSIGNED NOT NULL COMMENT 'won';
            UPDATE celeb_image_url SET price = 12.34",
        "price",
        "`price` decimal(10,2) unsigned",
    ),
    (
        "ALTER TABLE celeb_image_url ADD taken DATETIME(6) NOT NULL;
            UPDATE celeb_image_url SET taken = '2020-01-02 03:04:05.678901'",
        "taken",
        "`taken` datetime(6)",
    ),
    (
        "ALTER TABLE celeb_image_url ADD kind ENUM('a b','NOT NULL') CHARACTER SET latin1 COLLATE latin1_bin NOT NULL;
            UPDATE celeb_image_url SET kind = 'NOT NULL'",
        "kind",
        "`kind` enum('a b','NOT NULL') CHARACTER SET latin1 COLLATE latin1_bin",
    ),
    (
        "ALTER TABLE celeb_image_url ADD flags SET('x','y') NOT NULL; UPDATE celeb_image_url SET flags = 'x,y'",
        "flags",
        "`flags` set('x','y')",
    ),
    ("ALTER TABLE celeb_image_url ADD `odd ``name` VARCHAR(5) NOT NULL", "1", "`odd ``name` varchar(5)"),
    (
        "ALTER TABLE celeb_image_url MODIFY idx INT UNSIGNED NOT NULL COMMENT 'no';
            UPDATE celeb_image_url SET idx = 1000 - idx; UPDATE celeb_image_url SET idx = 0 LIMIT 1",
        "1",
        "int(10) unsigned NOT NULL AUTO_INCREMENT COMMENT 'no'",
    ),
    (
        "ALTER TABLE celeb_image_url MODIFY idx INT NOT NULL, DROP PRIMARY KEY, ADD PRIMARY KEY
            (vertical, cd_idx, image_size, sequence)",
        "1",
        "",
    ),
    (
        "ALTER TABLE celeb_image_url MODIFY image_url VARCHAR(80) CHARACTER SET latin1 NOT NULL DEFAULT 'x' COMMENT 'y'",
        "1",
        "`image_url` varchar(2048) CHARACTER SET latin1 COLLATE latin1_swedish_ci NOT NULL DEFAULT 'x' COMMENT 'y'",
    ),
    ("ALTER TABLE celeb_image_url MODIFY regist_date DATE NOT NULL", "DATE(regist_date)", ""),
    ("ALTER TABLE celeb_image_url DROP etag", "1", ""),
];

const IN_POSTGRES: &[Case] = &[
    ("ALTER TABLE celeb_image_url ADD CONSTRAINT u UNIQUE (cd_idx, image_size, sequence)", "1", ""),
    ("CREATE UNIQUE INDEX u ON celeb_image_url (lower(vertical), cd_idx, image_size, sequence)", "1", ""),
    (
        "ALTER TABLE celeb_image_url ADD CONSTRAINT x EXCLUDE USING btree (cd_idx WITH =, image_size WITH =, sequence WITH =)",
        "1",
        "",
    ),
    (
        "ALTER TABLE celeb_image_url DROP CONSTRAINT celeb_image_url_vertical_cd_idx_image_size_sequence_key;
            CREATE UNIQUE INDEX p ON celeb_image_url (vertical, cd_idx, image_size, sequence) WHERE sequence = 0",
        "1",
        "",
    ),
    (
        "CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
            ALTER TABLE celeb_image_url ALTER vertical TYPE TEXT COLLATE ci",
        "1",
        "",
    ),
    ("ALTER TABLE celeb_image_url ALTER image_size TYPE CHAR(16)", "1", ""),
    ("ALTER TABLE celeb_image_url ALTER etag TYPE CHAR(40)", "1", ""),
    ("ALTER TABLE celeb_image_url ALTER image_url TYPE VARCHAR(80)", "1", ""),
    ("ALTER TABLE celeb_image_url ALTER bytes TYPE SMALLINT USING 3", "1", ""),
    ("ALTER TABLE celeb_image_url SET UNLOGGED", "1", ""),
    ("UPDATE celeb_image_url SET idx = idx + 4", "1", ""),
    ("ALTER TABLE celeb_image_url ALTER idx DROP IDENTITY; UPDATE celeb_image_url SET idx = 1000 - idx", "1", ""),
    ("ALTER TABLE celeb_image_url ALTER idx DROP IDENTITY, ALTER idx SET DEFAULT 0, ALTER idx TYPE INTEGER", "1", ""),
    (
        "ALTER TABLE celeb_image_url ADD \"odd \"\"Name\" NUMERIC(10,2) NOT NULL DEFAULT 12.34;
            ALTER TABLE celeb_image_url ALTER \"odd \"\"Name\" DROP DEFAULT",
        "\"odd \"\"Name\"",
        "",
    ),
    ("ALTER TABLE celeb_image_url ALTER regist_date TYPE DATE", "to_char(regist_date, 'YYYY-MM-DD')", ""),
    ("ALTER TABLE celeb_image_url DROP etag", "1", ""),
];

/// `flow.md` 6, 7, 12 and 19: what opening refuses `doctor` tells, and the other way round; what it prints, run on a table
/// with rows, makes it fit and changes nothing in it.
async fn what_doctor_prints_makes_a_filled_table_fit_and_loses_nothing(server: &dyn CatalogServer) {
    let cases = if is_mysql(server) { IN_MARIADB } else { IN_POSTGRES };
    for (at, (spoil, further, kept)) in cases.iter().enumerate() {
        let name = format!("spoilt_{at}");
        drop(filled(server, &name).await);
        server.execute(&name, spoil).await;
        let lost_etag = spoil.contains("DROP etag");
        let before = if lost_etag { String::new() } else { content(server, &name, further).await };
        let refused = server.open(&name, &Table::default()).await.expect_err(spoil);
        assert_eq!(refused.kind(), Kind::Misconfigured, "{spoil}: {refused}");
        assert!(!refused.to_string().contains('\n'), "{refused}");
        let mismatches = check_as(server, "root", &name, &Table::default()).await.unwrap();
        assert!(!mismatches.is_empty(), "{spoil}");
        for mismatch in mismatches {
            server.execute(&name, &mismatch.ddl.unwrap_or_else(|| panic!("{spoil}: {}", mismatch.what))).await;
        }
        assert_eq!(check_as(server, "root", &name, &Table::default()).await.unwrap(), [], "{spoil}");
        if !lost_etag {
            assert_eq!(content(server, &name, further).await, before, "{spoil}");
        }
        if !kept.is_empty() {
            let declared = server.show_create(&name, "celeb_image_url").await;
            assert!(declared.contains(kept), "{spoil}: {declared}");
        }
        let catalog = server.open(&name, &Table::default()).await.unwrap_or_else(|error| panic!("{spoil}: {error}"));
        catalog.register(&[rendered("origin/v/3_0.jpg", 1, &["sq", "ve"])]).await.expect(spoil);
        catalog.register(&[rendered("origin/v/1_0.jpg", 2, &["sq", "ve"])]).await.expect(spoil);
        let distinct = "SELECT COUNT(DISTINCT idx) FROM celeb_image_url";
        assert_eq!(server.scalar(&name, distinct).await, "6", "{spoil}");
    }
}

/// What no statement mends without a loss is refused in words.
async fn what_cannot_be_mended_is_refused_in_words(server: &dyn CatalogServer) {
    let cases: &[&str] = if is_mysql(server) {
        &[
            "ALTER TABLE celeb_image_url MODIFY cd_idx VARCHAR(20) NOT NULL",
            "ALTER TABLE celeb_image_url MODIFY width FLOAT NOT NULL",
            "ALTER TABLE celeb_image_url DROP width, ADD width INT AS (1)",
            "RENAME TABLE celeb_image_url TO base; CREATE VIEW celeb_image_url AS SELECT * FROM base",
        ]
    } else {
        &[
            "ALTER TABLE celeb_image_url ALTER cd_idx TYPE TEXT",
            "ALTER TABLE celeb_image_url DROP width, ADD width INT GENERATED ALWAYS AS (1) STORED",
            "ALTER TABLE celeb_image_url RENAME TO base; CREATE VIEW celeb_image_url AS SELECT * FROM base",
            "CREATE TABLE child () INHERITS (celeb_image_url)",
            "CREATE RULE r AS ON DELETE TO celeb_image_url DO INSTEAD NOTHING",
        ]
    };
    for (at, spoil) in cases.iter().enumerate() {
        let name = format!("in_words_{at}");
        drop(filled(server, &name).await);
        server.execute(&name, spoil).await;
        assert_eq!(server.open(&name, &Table::default()).await.expect_err(spoil).kind(), Kind::Misconfigured);
        let mismatches = check_as(server, "root", &name, &Table::default()).await.unwrap();
        assert!(
            !mismatches.is_empty() && mismatches.iter().all(|mismatch| mismatch.ddl.is_none()),
            "{spoil}: {mismatches:?}"
        );
    }
}

/// `flow.md` 6: a value that another unique index has already is the fault of that row, whose place nobody else loses.
async fn a_row_that_another_index_refuses_is_refused_alone(server: &dyn CatalogServer) {
    let catalog = filled(server, "addresses").await;
    let address = if is_mysql(server) { "image_url(300)" } else { "image_url" };
    let whole = if is_mysql(server) {
        "ALTER TABLE celeb_image_url MODIFY image_url VARCHAR(300) COLLATE utf8mb4_bin NOT NULL;"
    } else {
        ""
    };
    let unique = format!("{whole} CREATE UNIQUE INDEX addresses ON celeb_image_url ({address})");
    server.execute("addresses", &unique.replace("(300))", ")")).await;
    drop(catalog);
    let catalog = server.open("addresses", &Table::default()).await.unwrap();
    let taken = "UPDATE celeb_image_url SET image_url = 'https://image.example/v/sq/7_sq_0.jpg' WHERE cd_idx = 1 AND image_size = 'sq'";
    server.execute("addresses", taken).await;
    let error = catalog.register(&[rendered("origin/v/7_0.jpg", 1, &["sq"])]).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Refused, "{error}");
    let one = "SELECT COUNT(*) FROM celeb_image_url WHERE cd_idx = 1 AND etag LIKE '%-1'";
    assert_eq!(server.scalar("addresses", one).await, "2");
    catalog.register(&[rendered("origin/v/8_0.jpg", 1, &["sq"])]).await.unwrap();
}

/// `flow.md` 11: neither a `NULL` nor a value out of the grammar ends a reading, and the row stays as it is.
async fn rows_of_somebody_else_are_skipped_and_left_alone(server: &dyn CatalogServer) {
    let catalog = filled(server, "others").await;
    let nullable = [
        "vertical VARCHAR(64)",
        "cd_idx BIGINT",
        "image_size VARCHAR(32)",
        "sequence INT",
        "width INT",
        "etag VARCHAR(255)",
    ];
    for column in nullable {
        let (name, _) = column.split_once(' ').unwrap();
        let collate = if column.contains("64") || column.contains("32") {
            "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
        } else {
            ""
        };
        let sql = if is_mysql(server) {
            format!("ALTER TABLE celeb_image_url MODIFY {column} {collate} NULL")
        } else {
            format!("ALTER TABLE celeb_image_url ALTER {name} DROP NOT NULL")
        };
        server.execute("others", &sql).await;
    }
    let foreign = [
        "NULL, 1, 'sq', 0",
        "'v', NULL, 'sq', 0",
        "'v', 1, NULL, 0",
        "'v', 1, 'sq', NULL",
        "'a b', 1, 'sq', 0",
        "'-v', 1, 'sq', 0",
        "'v', 0, 'sq', 0",
        "'v', -1, 'sq', 0",
        "'v', 1, 'sq', 70000",
        "'v', 1, 'sq', -1",
        "'v', 1, '', 0",
        "'v', 9007199254740992, 'sq', 0",
    ];
    let insert =
        "INSERT INTO celeb_image_url (vertical, cd_idx, image_size, sequence, image_url, width, height, bytes, etag,
        regist_date, update_date) VALUES";
    for row in foreign {
        let values = format!("({row}, 'theirs', 1, 1, 1, 'theirs', '2020-01-01 00:00:00', '2020-01-01 00:00:00')");
        server.execute("others", &format!("{insert} {values}")).await;
    }
    // One of ours that an old application wrote, or spoilt.
    server
        .execute(
            "others",
            "UPDATE celeb_image_url SET width = NULL, etag = NULL WHERE cd_idx = 2 AND image_size = 've'",
        )
        .await;
    let catalog_again = server.open("others", &Table::default()).await.unwrap();
    for catalog in [&catalog, &catalog_again] {
        for scope in
            [Scope::All, Scope::Vertical("v".parse().unwrap()), Scope::Ids { vertical: None, cd_idx: vec![1, 2] }]
        {
            let mut seen = Vec::new();
            while let Some(page) =
                Some(catalog.rows(&scope, seen.last(), 1).await.unwrap()).filter(|page| !page.is_empty())
            {
                seen.extend(page);
            }
            assert_eq!(seen.len(), 4, "{scope:?}");
        }
        let foreign_rows = catalog.foreign_rows().await.unwrap();
        assert_eq!(foreign_rows.rows, foreign.len() as u64);
        assert!(foreign_rows.example.unwrap().contains("vertical"));
    }
    let EntityRows { rows, .. } = catalog.entity_rows(&entity(2)).await.unwrap();
    assert_eq!((rows.len(), rows[1].width, rows[1].etag.as_str()), (2, 0, ""));
    for id in [1, 2] {
        catalog.register(&[rendered(&format!("origin/v/{id}_0.jpg"), 2, &["sq", "ve"])]).await.unwrap();
    }
    let EntityRows { rows, .. } = catalog.entity_rows(&entity(2)).await.unwrap();
    assert_eq!((rows.len(), rows[1].width, rows[1].etag.as_str()), (2, 320, "ve-2"));
    let theirs = "SELECT COUNT(*) FROM celeb_image_url WHERE image_url = 'theirs' AND etag = 'theirs'";
    assert_eq!(server.scalar("others", theirs).await, foreign.len().to_string());
}

/// `flow.md`, "From reading": `--ids` allows 100,000.
async fn a_hundred_thousand_numbers_can_be_asked_for(server: &dyn CatalogServer) {
    let catalog = filled(server, "numbers").await;
    for vertical in [Some("v".parse().unwrap()), None] {
        let scope = Scope::Ids { vertical, cd_idx: (1..=100_000).rev().collect() };
        assert_eq!(catalog.rows(&scope, None, 1000).await.unwrap().len(), 4);
        let first = catalog.rows(&scope, None, 1).await.unwrap();
        assert_eq!(catalog.rows(&scope, first.last(), 1000).await.unwrap().len(), 3);
        assert_eq!(catalog.ledger(&scope, "", 1000).await.unwrap().len(), 2);
        assert_eq!(catalog.ledger(&scope, "origin/v/1_0.jpg", 1000).await.unwrap().len(), 1);
    }
}

/// `flow.md` 18: a start while the table is away makes no empty one in its place.
async fn a_table_that_is_away_is_not_replaced(server: &dyn CatalogServer) {
    drop(filled(server, "away").await);
    server.execute("away", "ALTER TABLE celeb_image_url RENAME TO aside").await;
    let error = server.open("away", &Table::default()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Misconfigured, "{error}");
    assert!(error.to_string().contains("rename it back") && !error.to_string().contains('\n'), "{error}");
    let mismatches = check_as(server, "root", "away", &Table::default()).await.unwrap();
    assert_eq!(mismatches.len(), 1);
    server.execute("away", "ALTER TABLE aside RENAME TO celeb_image_url").await;
    let catalog = server.open("away", &Table::default()).await.unwrap();
    assert_eq!(catalog.rows(&Scope::All, None, 10).await.unwrap().len(), 4);
    // Made empty by hand, it is taken.
    server.execute("away", "DROP TABLE celeb_image_url").await;
    server.execute("away", mismatches[0].ddl.as_ref().unwrap()).await;
    server.open("away", &Table::default()).await.unwrap();
}

/// `flow.md`, "Questionable": `doctor` said good for a user who may not write.
async fn a_user_without_rights_is_told_by_doctor_too(server: &dyn CatalogServer) {
    drop(filled(server, "rights").await);
    let grants = if is_mysql(server) {
        "CREATE USER looker@localhost; GRANT SELECT ON rights.* TO looker@localhost;
            CREATE USER half@localhost; GRANT SELECT, INSERT, DELETE ON rights.* TO half@localhost"
    } else {
        "CREATE ROLE looker LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO looker;
            CREATE ROLE half LOGIN; GRANT SELECT, INSERT, DELETE ON ALL TABLES IN SCHEMA public TO half"
    };
    server.execute("rights", grants).await;
    for user in ["looker", "half"] {
        let url = server.url(user, "rights");
        let open = server.open_limited(&url, &Table::default(), ServerLimits::default()).await.unwrap_err();
        let check = check_as(server, user, "rights", &Table::default()).await.unwrap_err();
        assert_eq!((open.kind(), check.kind()), (Kind::Denied, Kind::Denied), "{user}: {open}; {check}");
    }
    // What is missed is told before who may make it.
    let other = Table::new("other_images", &BTreeMap::new()).unwrap();
    assert!(check_as(server, "looker", "rights", &other).await.unwrap()[0].what.contains("rename it back"));
    // Nor may they make the tables that are not there yet; and looking makes none.
    server.execute("rights", "DELETE FROM cameo_originals").await;
    assert_eq!(check_as(server, "looker", "rights", &other).await.unwrap_err().kind(), Kind::Denied);
    assert_eq!(check_as(server, "root", "rights", &other).await.unwrap(), []);
    let tables = "SELECT COUNT(*) FROM information_schema.tables WHERE table_name = 'other_images'";
    assert_eq!(server.scalar("rights", tables).await, "0");
    if is_mysql(server) {
        a_user_who_may_not_alter_is_told_before_the_first_start(server).await;
    }
}

/// users.md 21: a migration adds columns to a table, for which MySQL has a right of its own.
async fn a_user_who_may_not_alter_is_told_before_the_first_start(server: &dyn CatalogServer) {
    server.create_database("altering").await;
    let grant =
        "CREATE USER maker@localhost; GRANT SELECT, INSERT, UPDATE, DELETE, CREATE ON altering.* TO maker@localhost";
    server.execute("altering", grant).await;
    let check = check_as(server, "maker", "altering", &Table::default()).await.unwrap_err();
    assert_eq!(check.kind(), Kind::Denied, "{check}");
    server.execute("altering", "GRANT ALTER ON altering.* TO maker@localhost").await;
    assert_eq!(check_as(server, "maker", "altering", &Table::default()).await.unwrap(), []);
    let url = server.url("maker", "altering");
    server.open_limited(&url, &Table::default(), ServerLimits::default()).await.unwrap();
}

/// A date of registering that the database would change with every update stays, and so do names that are words of SQL.
async fn a_table_of_odd_names_and_dates_works(server: &dyn CatalogServer) {
    let renamed = [("sequence", "order"), ("cd_idx", "celebIdx"), ("bytes", "Size")];
    let renamed = renamed.map(|(column, name)| (column.to_owned(), name.to_owned())).into();
    let table = Table::new("Group", &renamed).unwrap();
    server.create_database("odd").await;
    let mark = if is_mysql(server) { '`' } else { '"' };
    let mut create = "CREATE TABLE 'Group' (idx SERIAL PRIMARY KEY, vertical VARCHAR(64) COLLATE {bin} NOT NULL, 'celebIdx' INT NOT NULL,
        image_size VARCHAR(32) COLLATE {bin} NOT NULL, 'order' SMALLINT NOT NULL, image_url VARCHAR(300) NOT NULL, width INT, height INT,
        'Size' NUMERIC(12,2), etag VARCHAR(64), regist_date TIMESTAMP NULL {changes}, update_date TIMESTAMP NULL,
        UNIQUE (vertical, 'celebIdx', image_size, 'order'))".replace('\'', &mark.to_string());
    for (part, mysql, postgres) in [("{bin}", "utf8mb4_bin", "\"C\""), ("{changes}", "ON UPDATE CURRENT_TIMESTAMP", "")]
    {
        create = create.replace(part, if is_mysql(server) { mysql } else { postgres });
    }
    let create = if is_mysql(server) {
        create
            .replace("VARCHAR(64) COLLATE", "VARCHAR(64) CHARACTER SET utf8mb4 COLLATE")
            .replace("VARCHAR(32) COLLATE", "VARCHAR(32) CHARACTER SET utf8mb4 COLLATE")
    } else {
        create
    };
    server.execute("odd", &create).await;
    assert_eq!(check_as(server, "root", "odd", &table).await.unwrap(), []);
    let catalog = server.open("odd", &table).await.unwrap();
    catalog.register(&[rendered("origin/v/1_0.jpg", 1, &["sq", "ve"])]).await.unwrap();
    let quoted = |name: &str| format!("{mark}{name}{mark}");
    let past = format!(
        "UPDATE {} SET regist_date = '2000-01-01 00:00:00', update_date = '2000-01-01 00:00:00'",
        quoted("Group")
    );
    server.execute("odd", &past).await;
    catalog.register(&[rendered("origin/v/1_0.jpg", 2, &["sq"])]).await.unwrap();
    let mut rows = catalog.rows(&Scope::All, None, 10).await.unwrap();
    assert_eq!((rows.len(), rows[0].bytes, rows[0].etag.as_str()), (1, 1002, "sq-2"));
    rows[0].image_url = "https://new.example".into();
    assert_eq!(catalog.rewrite_urls(&rows).await.unwrap(), 1);
    let dates = format!(
        "SELECT COUNT(*) FROM {} WHERE regist_date < '2001-01-01 00:00:00' AND update_date > '2001-01-01 00:00:00'",
        quoted("Group")
    );
    assert_eq!(server.scalar("odd", &dates).await, "1");
}

async fn fits_or_is_refused(server: &dyn CatalogServer) {
    what_doctor_prints_makes_a_filled_table_fit_and_loses_nothing(server).await;
    what_cannot_be_mended_is_refused_in_words(server).await;
    a_table_that_is_away_is_not_replaced(server).await;
    a_user_without_rights_is_told_by_doctor_too(server).await;
}

async fn lives_with_others(server: &dyn CatalogServer) {
    a_row_that_another_index_refuses_is_refused_alone(server).await;
    rows_of_somebody_else_are_skipped_and_left_alone(server).await;
    a_hundred_thousand_numbers_can_be_asked_for(server).await;
    a_table_of_odd_names_and_dates_works(server).await;
}

/// `flow.md` 7: values that the column does not hold are refused, not cut, whatever mode the server is in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mode_of_a_mariadb_server_does_not_matter() {
    let Some(server) = MariaDb::install() else { return };
    for (at, mode) in ["", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH", "ORACLE"].iter().enumerate() {
        server
            .execute("", &format!("SET GLOBAL sql_mode = '{mode}'; SET GLOBAL character_set_server = 'latin1'"))
            .await;
        let name = format!("lax_{at}");
        let catalog = filled(&server, &name).await;
        server.execute(&name, "ALTER TABLE celeb_image_url MODIFY cd_idx INT NOT NULL").await;
        for id in [3_000_000_000_u64, 4_000_000_000] {
            let error = catalog.register(&[rendered(&format!("origin/v/{id}_0.jpg"), 1, &["sq"])]).await.unwrap_err();
            assert_eq!(error.kind(), Kind::Refused, "{error}");
        }
        catalog.register(&[rendered("origin/가나/3_0.jpg", 1, &["sq"])]).await.unwrap();
        let rows = catalog.rows(&Scope::Vertical("가나".parse().unwrap()), None, 10).await.unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!(server.scalar(&name, "SELECT COUNT(*) FROM celeb_image_url").await, "5");
    }
}

/// A row whose key differs from ours in blanks at its end, which `utf8mb4_bin` passes over, keeps its place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_padded_row_in_mariadb_is_not_taken_for_ours() {
    let Some(server) = MariaDb::install() else { return };
    let catalog = filled(&server, "padded").await;
    server.execute("padded", "UPDATE celeb_image_url SET vertical = 'w ', cd_idx = 9 WHERE cd_idx = 2").await;
    let error = catalog.register(&[rendered("origin/w/9_0.jpg", 1, &["sq"])]).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Refused, "{error}");
    assert!(error.to_string().contains("\"w \""), "{error}");
    let kept = "SELECT COUNT(*) FROM celeb_image_url WHERE vertical LIKE 'w ' AND image_url LIKE '%/v/%'";
    assert_eq!(server.scalar("padded", kept).await, "2");
    catalog.register(&[rendered("origin/w/10_0.jpg", 1, &["sq"])]).await.unwrap();
}

/// `flow.md` 13: MariaDB 1290, until somebody lets it be written again; nobody restarts anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mariadb_server_that_was_read_only_is_written_to_at_once() {
    let Some(server) = MariaDb::install() else { return };
    drop(filled(&server, "frozen").await);
    server.execute("frozen", "CREATE USER app@localhost; GRANT ALL ON frozen.* TO app@localhost").await;
    let url = server.url("app", "frozen");
    let catalog = server.open_limited(&url, &Table::default(), ServerLimits::default()).await.unwrap();
    let message = [rendered("origin/v/1_0.jpg", 2, &["sq"])];
    for _ in 0..2 {
        server.execute("frozen", "SET GLOBAL read_only = 1").await;
        for _ in 0..3 {
            assert_eq!(catalog.register(&message).await.unwrap_err().kind(), Kind::Denied);
            catalog.rows(&Scope::All, None, 10).await.unwrap();
        }
        server.execute("frozen", "SET GLOBAL read_only = 0").await;
        catalog.register(&message).await.unwrap();
    }
}

/// `flow.md` 13: a session of PostgreSQL that was begun for reading only stays so; it must not be used again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_session_begun_for_reading_only_is_not_kept() {
    let Some(server) = Postgres::install() else { return };
    let catalog = filled(&server, "frozen").await;
    let message = [rendered("origin/v/1_0.jpg", 2, &["sq"])];
    let freeze = "ALTER DATABASE frozen SET default_transaction_read_only = on;
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'frozen' AND pid <> pg_backend_pid()";
    server.execute("postgres", freeze).await;
    // Connections that are gone come first, then those that were opened since.
    while catalog.register(&message).await.unwrap_err().kind() != Kind::Denied {}
    let scopes = [Scope::All, Scope::All, Scope::All];
    let reads = scopes.iter().map(|scope| catalog.rows(scope, None, 10));
    assert!(futures::future::join_all(reads).await.iter().all(Result::is_ok));
    server.execute("postgres", "ALTER DATABASE frozen RESET default_transaction_read_only").await;
    // Those that only read do not know; the first that is refused ends them all.
    if let Err(error) = catalog.register(&message).await {
        assert_eq!(error.kind(), Kind::Denied, "{error}");
    }
    catalog.register(&message).await.unwrap();
    let rows = catalog.rows(&Scope::Ids { vertical: None, cd_idx: vec![1] }, None, 10).await.unwrap();
    catalog.rewrite_urls(&rows).await.unwrap();
}

/// `flow.md` 19: a unique constraint that is checked at the end decides a row as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deferred_constraint_in_postgres_decides_a_row() {
    let Some(server) = Postgres::install() else { return };
    drop(filled(&server, "deferred").await);
    let defer = "ALTER TABLE celeb_image_url DROP CONSTRAINT celeb_image_url_vertical_cd_idx_image_size_sequence_key,
        ADD UNIQUE (vertical, cd_idx, image_size, sequence) DEFERRABLE INITIALLY DEFERRED";
    server.execute("deferred", defer).await;
    assert_eq!(check_as(&server, "root", "deferred", &Table::default()).await.unwrap(), []);
    let catalog = server.open("deferred", &Table::default()).await.unwrap();
    catalog
        .register(&[rendered("origin/v/1_0.jpg", 2, &["sq", "or"]), rendered("origin/v/3_0.jpg", 1, &["sq"])])
        .await
        .unwrap();
    assert_eq!(server.scalar("deferred", "SELECT COUNT(*) FROM celeb_image_url").await, "5");
}

/// `flow.md` 7: the encodings of a database and of a session.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_database_must_hold_every_text_and_a_session_sends_utf8() {
    let Some(server) = Postgres::install() else { return };
    let latin = "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'";
    server.execute("", latin).await;
    let error = server.open("latin", &Table::default()).await.unwrap_err();
    assert!(error.kind() == Kind::Misconfigured && error.to_string().contains("LATIN1"), "{error}");
    assert_eq!(check_as(&server, "root", "latin", &Table::default()).await.unwrap().len(), 1);
    server.execute("", "CREATE DATABASE sent; ").await;
    server.execute("", "ALTER DATABASE sent SET client_encoding = 'LATIN1'; ALTER DATABASE sent SET standard_conforming_strings = off").await;
    let catalog = server.open("sent", &Table::default()).await.unwrap();
    catalog.register(&[rendered("origin/가나/1_0.jpg", 1, &["sq"])]).await.unwrap();
    assert_eq!(catalog.rows(&Scope::Vertical("가나".parse().unwrap()), None, 9).await.unwrap().len(), 1);
}

macro_rules! each_server {
    ($($test:ident: $check:ident, $server:ident;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            if let Some(server) = $server::install() {
                $check(&server).await;
            }
        }
    )*};
}

each_server! {
    a_table_in_mariadb_fits_or_is_refused: fits_or_is_refused, MariaDb;
    a_table_in_postgres_fits_or_is_refused: fits_or_is_refused, Postgres;
    a_table_in_mariadb_may_have_rows_of_others: lives_with_others, MariaDb;
    a_table_in_postgres_may_have_rows_of_others: lives_with_others, Postgres;
}
