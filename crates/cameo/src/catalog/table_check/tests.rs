use std::collections::BTreeMap;

use super::*;
use crate::catalog::table_check::statements::Holds;

fn column(dialect: Dialect, name: &str, data_type: &str) -> FoundColumn {
    let is_text = data_type.starts_with("varchar") || data_type.starts_with("char");
    let shown = if is_text { format!("{data_type}(255)") } else { data_type.to_owned() };
    FoundColumn {
        name: name.to_owned(),
        data_type: data_type.to_owned(),
        max_characters: is_text.then_some(255),
        definition: (dialect == Dialect::MySql).then(|| format!("{shown} NOT NULL")),
        may_be_left_out: name == "idx",
        is_distinct_by_itself: name == "idx",
        comparison: is_text.then(|| Comparison {
            collation: "utf8mb4_bin".into(),
            by_bytes: true,
            holds_unicode: true,
        }),
        ..FoundColumn::default()
    }
}

fn index(name: &str, columns: &[&str]) -> FoundIndex {
    let part = |column: &&str| IndexPart { column: Some((*column).to_owned()), is_whole: true };
    FoundIndex { name: name.into(), parts: columns.iter().map(part).collect(), ..FoundIndex::default() }
}

fn fitting(dialect: Dialect) -> FoundTable {
    let of = |column: &str| match (Holds::of(column), dialect) {
        (Holds::Number, _) => "bigint",
        (Holds::Text(_), Dialect::MySql) => "varchar",
        (Holds::Text(_), Dialect::Postgres) => "character varying",
        (Holds::Date, Dialect::MySql) => "datetime",
        (Holds::Date, Dialect::Postgres) => "timestamp with time zone",
    };
    FoundTable {
        name: Some("celeb_image_url".into()),
        columns: COLUMNS.iter().map(|name| column(dialect, name, of(name))).collect(),
        unique_indexes: vec![
            FoundIndex { primary: true, ..index("PRIMARY", &["idx"]) },
            index("photo", &["image_size", "vertical", "cd_idx", "sequence"]),
        ],
        ..FoundTable::default()
    }
}

fn change(found: &mut FoundTable, name: &str, change: impl FnOnce(&mut FoundColumn)) {
    change(found.columns.iter_mut().find(|column| column.name == name).unwrap());
}

fn text(found: &FoundTable, dialect: Dialect) -> String {
    let mismatches = mismatches(&Table::default(), found, dialect).into_iter();
    let told =
        mismatches.map(|mismatch| format!("{}\n  {}", mismatch.what, mismatch.ddl.unwrap_or_else(|| "-".into())));
    told.collect::<Vec<_>>().join("\n")
}

const BOTH: [Dialect; 2] = [Dialect::MySql, Dialect::Postgres];

#[test]
fn a_table_that_fits_needs_nothing_and_none_is_made() {
    for dialect in BOTH {
        assert_eq!(text(&fitting(dialect), dialect), "");
        assert_eq!(mismatches(&Table::default(), &FoundTable::default(), dialect), []);
    }
}

/// `flow.md` 18.
#[test]
fn a_table_that_is_away_is_missed_where_photos_are_served() {
    for dialect in BOTH {
        let found = FoundTable { ledger_serves: true, ..FoundTable::default() };
        let told = text(&found, dialect);
        assert!(told.contains("rename it back") && told.contains("CREATE TABLE"), "{told}");
    }
}

#[test]
fn what_does_not_fit_is_told_with_the_statement_that_mends_it() {
    let told = BOTH.map(|dialect| {
        let mut found = fitting(dialect);
        found.columns.retain(|column| column.name != "etag");
        found.columns.push(column(dialect, "Owner's", "varchar"));
        found.unique_indexes.pop();
        change(&mut found, "idx", |idx| {
            idx.may_be_left_out = false;
            idx.is_distinct_by_itself = false;
        });
        change(&mut found, "cd_idx", |column| "varchar".clone_into(&mut column.data_type));
        change(&mut found, "image_url", |column| column.max_characters = Some(100));
        change(&mut found, "regist_date", |column| "date".clone_into(&mut column.data_type));
        change(&mut found, "vertical", |column| {
            column.max_characters = Some(80);
            column.comparison =
                Some(Comparison { collation: "latin1_swedish_ci".into(), by_bytes: false, holds_unicode: false });
        });
        text(&found, dialect)
    });
    insta::assert_snapshot!(told.join("\n\n"));
}

/// `flow.md` 12: a change of these types would change what is in them.
#[test]
fn what_cannot_be_mended_without_a_loss_is_said_in_words() {
    for (name, data_type) in
        [("cd_idx", "varchar"), ("cd_idx", "double"), ("width", "point"), ("regist_date", "varchar"), ("etag", "blob")]
    {
        let mut found = fitting(Dialect::MySql);
        change(&mut found, name, |column| data_type.clone_into(&mut column.data_type));
        let [mismatch] = &mismatches(&Table::default(), &found, Dialect::MySql)[..] else {
            panic!("{name} {data_type}")
        };
        assert_eq!(mismatch.ddl, None, "{name} {data_type}");
    }
}

/// `flow.md` 6 and 19.
#[test]
fn a_unique_index_in_which_one_photo_can_be_in_the_way_of_another_does_not_fit() {
    let beginning = |name: &str, columns: &[&str]| {
        let mut index = index(name, columns);
        index.parts[0].is_whole = false;
        index
    };
    let four = ["vertical", "cd_idx", "image_size", "sequence"];
    let expression = FoundIndex { parts: vec![IndexPart { column: None, is_whole: false }], ..index("e", &[]) };
    let others = [
        (index("u", &["cd_idx", "image_size", "sequence"]), false),
        (index("u", &["etag"]), false),
        (beginning("u", &four), false),
        (beginning("u", &["image_url"]), false),
        (FoundIndex { is_partial: true, ..index("u", &["cd_idx"]) }, false),
        (expression, false),
        (index("u", &["note"]), true),
        (FoundIndex { nulls_are_equal: true, ..index("u", &["note"]) }, false),
        (index("u", &["image_url"]), true),
        (index("u", &["idx", "cd_idx"]), true),
        (index("u", &[&four[..], &["note"]].concat()), true),
        (FoundIndex { is_partial: true, ..index("u", &four) }, true),
    ];
    for dialect in BOTH {
        for (other, fits) in &others {
            let mut found = fitting(dialect);
            let note =
                FoundColumn { may_be_left_out: true, is_null_when_left_out: true, ..column(dialect, "note", "int") };
            found.columns.push(note);
            found.unique_indexes.push(other.clone());
            let told = text(&found, dialect);
            assert_eq!(told.is_empty(), *fits, "{other:?}: {told}");
            assert!(*fits || told.contains("DROP INDEX"), "{told}");
        }
    }
}

/// `flow.md` 6 and 19: none of these keeps a row from standing twice.
#[test]
fn an_index_that_does_not_decide_a_row_will_not_do() {
    for dialect in BOTH {
        for spoil in [
            |index: &mut FoundIndex| index.is_partial = true,
            |index: &mut FoundIndex| index.is_invalid = true,
            |index: &mut FoundIndex| index.parts.push(IndexPart { column: Some("etag".into()), is_whole: true }),
        ] {
            let mut found = fitting(dialect);
            spoil(&mut found.unique_indexes[1]);
            let told = text(&found, dialect);
            assert!(told.contains("there is no unique index"), "{told}");
        }
    }
}

/// `flow.md` 6, 7 and 19.
#[test]
fn texts_that_are_equal_although_they_differ_do_not_fit() {
    for dialect in BOTH {
        for spoil in [
            |column: &mut FoundColumn| column.comparison.as_mut().unwrap().by_bytes = false,
            |column: &mut FoundColumn| column.comparison.as_mut().unwrap().holds_unicode = false,
        ] {
            let mut found = fitting(dialect);
            change(&mut found, "vertical", |column| {
                column.comparison = Some(Comparison { collation: "x".into(), by_bytes: true, holds_unicode: true });
                spoil(column);
            });
            let [mismatch] = &mismatches(&Table::default(), &found, dialect)[..] else { panic!("{dialect:?}") };
            assert!(mismatch.ddl.is_some(), "{mismatch:?}");
        }
    }
    let mut padded = fitting(Dialect::Postgres);
    change(&mut padded, "etag", |column| "character".clone_into(&mut column.data_type));
    assert!(text(&padded, Dialect::Postgres).contains("pads"));
}

#[test]
fn a_column_that_nobody_may_write_does_not_fit() {
    let mut found = fitting(Dialect::MySql);
    change(&mut found, "width", |column| column.is_generated = true);
    assert!(text(&found, Dialect::MySql).contains("computed"));
}

#[test]
fn columns_go_by_the_names_that_they_are_mapped_to() {
    let mut found = fitting(Dialect::MySql);
    change(&mut found, "cd_idx", |column| "celeb_idx".clone_into(&mut column.name));
    found.unique_indexes[1].parts[2].column = Some("celeb_idx".to_owned());
    let renamed = BTreeMap::from([("cd_idx".to_owned(), "celeb_idx".to_owned())]);
    assert_eq!(mismatches(&Table::new("celeb.images", &renamed).unwrap(), &found, Dialect::MySql), []);
    assert_eq!(mismatches(&Table::default(), &found, Dialect::MySql).len(), 4);
}

/// `flow.md` 19: names with capitals were compared without case, and sent without quotes.
#[test]
fn names_are_sent_as_they_are_spelled_in_the_table() {
    let mut found = fitting(Dialect::Postgres);
    found.name = Some("celebImages".into());
    change(&mut found, "cd_idx", |column| "celebIdx".clone_into(&mut column.name));
    let renamed =
        BTreeMap::from([("cd_idx".to_owned(), "celebIdx".to_owned()), ("etag".to_owned(), "ETag".to_owned())]);
    let table = Table::new("celebImages", &renamed).unwrap();
    let names = found.named(&table, Dialect::Postgres);
    assert_eq!(
        names.statement("SELECT {cd_idx}, {etag} FROM {table}"),
        r#"SELECT "celebIdx", "etag" FROM "celebImages""#
    );
}
