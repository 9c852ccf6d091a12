use encoding_rs::EUC_KR;

use super::*;

fn ids(text: &str) -> Vec<u64> {
    parse_ids_text(text).unwrap_or_else(|error| panic!("{text:?}: {error}")).ids
}

/// users.md 40.
#[test]
fn any_list_of_numbers_is_read() {
    for text in [
        "1, 2\n3",
        "1\t2\t3",
        "1;2;3",
        "1 2\r\n3\r\n",
        "\u{feff}1\n2\n3",
        "１，２、３",
        "1|2|3",
        "| 1 | 2 |\n| 3 | |",
        "[1, 2, 3]",
        "(1,2,3)",
        "'1', '2', '3'",
        "“1” “2” “3”",
        "\"1\"\n\"2\"\n\"3\"",
        "=\"1\"\n=\"2\"\n=\"3\"",
        "1.0\n2.0\n3.0",
        "001\n002\n003",
        "1\u{a0}2\u{3000}3",
        "3\n2\n1\n1\n",
        "cd_idx\n1\n2\n3",
        "번호\n1, 2\n3",
        "상품\n1\n2\n3",
        "cd_idx IN (1,2,3)",
        "SELECT * FROM celeb_image_url WHERE vertical = 'v2' AND cd_idx IN ('1', '2',\n3) LIMIT 10;",
        "where t.`cd_idx` in(1,2,3)",
        "sequence IN (0, 1) AND cd_idx IN (1,2,3)",
        "cd_idx,sequence\n1,0\n2,1\n3,0",
        "name;cd_idx\nA 1;1\nB 2;2\n\"C; 3\";3\n",
        "이름\t번호\n가\t1\n나\t2\n다\t3",
        "이름,무엇\n가,1\n나,2\n다,3",
        "가,1\n나,2\n다,3",
        "ID ,이름\n1,가\n,\n2,나\n3,다",
    ] {
        assert_eq!(ids(text), [1, 2, 3], "{text:?}");
    }
}

#[test]
fn thousands_are_separated_only_where_nothing_else_can_be_meant() {
    assert_eq!(ids("cd_idx,name\n\"351,518\",x\n\"1,234,567\",y"), [351_518, 1_234_567]);
    assert_eq!(ids("\"351,518\"\n\"351,519\""), [351_518, 351_519]);
    assert_eq!(ids("351,518"), [351, 518]);
    assert_eq!(ids("\"1, 2, 3\""), [1, 2, 3], "a quoted list");
    assert_eq!(places("\"351,518\""), [(1, 1, "351,518".into(), Why::Ambiguous)]);
}

#[test]
fn encodings_of_excel_are_read() {
    let text = "번호\r\n351518\r\n351519\r\n";
    let (cp949, _, _) = EUC_KR.encode(text);
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    for bytes in [text.as_bytes(), &[b"\xef\xbb\xbf", text.as_bytes()].concat(), &cp949, &utf16] {
        let read = parse_ids(bytes).unwrap();
        assert_eq!((read.ids, read.ignored_header.as_deref()), (vec![351_518, 351_519], Some("번호")));
    }
    assert_eq!(parse_ids(&utf16[2..]).unwrap().ids, [351_518, 351_519], "without the byte order mark");
    assert_eq!(parse_ids(b"1\n\xff\xff\xff"), Err(IdsError::Encoding));
    for bytes in [&b"1001\n\0\n1002"[..], b"1001\x001002", b"\0\0\0\0", b"cd_idx\n1001\0\0\0\0\0\0\0\0"] {
        assert_eq!(parse_ids(bytes), Err(IdsError::NotText), "{bytes:?}");
    }
    assert_eq!(parse_ids(&utf16[2..utf16.len() - 1]), Err(IdsError::NotText), "cut in the middle of a character");
}

/// Where a text cannot be read, what is there, and why.
fn places(text: &str) -> Vec<(usize, usize, String, Why)> {
    match parse(text, Commas::Unsure).unwrap_err() {
        IdsError::Unreadable(places) => {
            places.into_iter().map(|place| (place.line, place.column, place.text, place.why)).collect()
        }
        other => panic!("{text:?}: {other}"),
    }
}

#[test]
fn what_is_no_number_is_refused_where_it_is() {
    for (text, line, column, word) in [
        ("1, 2\n3, x4", 2, 4, "x4"),
        ("1 2 three", 1, 5, "three"),
        ("x1\n2", 1, 1, "x1"),
        ("0", 1, 1, "0"),
        ("-5", 1, 1, "-5"),
        ("1.5", 1, 1, "1.5"),
        ("9007199254740992", 1, 1, "9007199254740992"),
        ("cd_idx,name\n1,a\nx,b", 3, 1, "x"),
        ("1\ncd_idx\n2", 2, 1, "cd_idx"),
        ("1,2,,three", 1, 6, "three"),
        ("cd_idx IN (1,\n two)", 2, 2, "two"),
        ("10\u{200b}01", 1, 1, "10␣01"),
        ("351\u{a0}518\n1001", 1, 1, "351␣518"),
        ("1001²", 1, 1, "1001²"),
        ("1001(2)", 1, 1, "1001(2"),
        ("1001 (2)", 1, 6, "(2"),
    ] {
        assert_eq!(places(text), [(line, column, word.into(), Why::NotANumber)], "{text:?}");
    }
    let all: Vec<_> = places("1\nx\n2\ny 3 z").into_iter().map(|place| (place.0, place.1)).collect();
    assert_eq!(all, [(2, 1), (4, 1)], "every cell that cannot be read is named");
}

#[test]
fn what_is_around_a_list_of_sql_is_read_or_named() {
    for text in [
        "1\ncd_idx IN (2)\n3",
        "1, 2 cd_idx IN (3)",
        "cd_idx IN (1) 2 3",
        "cd_idx IN (1), 2, 3",
        "cd_idx IN (1,2) or 3",
        "cd_idx IN (1,2) OR cd_idx = 3",
        "WHERE cd_idx = '1' or (cd_idx in (2,3))",
        "SELECT id, 5 FROM t x WHERE size BETWEEN 5 AND 10 AND x.cd_idx IN (1,2)\nORDER BY 1, 2 LIMIT 10, 20;\n3",
        "select count(*) from t where if(a, 7, 8) = 9 and cd_idx in (1,2,3) -- as asked",
        "cd_idx IN (1)\ncd_idx IN (2, 3)",
        "SELECT * FROM a JOIN b ON a.id = b.cd_idx WHERE b.cd_idx IN (1, 2, 3) GROUP BY a.id HAVING max(a.n) > 5",
        "cd_idx,note\n1,made in (Korea)\n2,x\n3,y",
    ] {
        assert_eq!(ids(text), [1, 2, 3], "{text:?}");
    }
    for (text, line, column, word) in [
        ("1 two cd_idx IN (3)", 1, 3, "two"),
        ("cd_idx IN (1)\n2x", 2, 1, "2x"),
        ("cd_idx IN (1) 확인", 1, 15, "확인"),
        ("cd_idx IN (1) AND cd_idx > 5", 1, 26, ">"),
        ("cd_idx IN (1) AND cd_idx BETWEEN 5 AND 7", 1, 26, "BETWEEN"),
        ("cd_idx IN (1) -- and 1003", 1, 15, "--"),
        ("(cd_idx, sequence) IN ((1, 1), (2, 1))", 1, 2, "cd_idx"),
        ("cd_idx IN ((1), (2))", 1, 1, "cd_idx"),
        ("cd_idx IN (SELECT id FROM t)", 1, 12, "SELECT"),
        ("1001\nmade in (Korea)", 2, 10, "Korea"),
    ] {
        let found = places(text);
        assert!(found.contains(&(line, column, word.into(), Why::NotANumber)), "{text:?}: {found:?}");
    }
}

#[test]
fn quotes_that_are_left_open_swallow_no_rows() {
    assert_eq!(
        places("cd_idx,note\n1001,\"wide\n1002,b\n1003,\"x\n1004,c"),
        [(2, 6, "\"wide".into(), Why::OpenQuote), (4, 6, "\"x".into(), Why::OpenQuote)]
    );
    assert_eq!(ids("cd_idx,note\n1001,\"two\nlines\"\n1002,b"), [1001, 1002]);
    assert_eq!(ids("\"1001\n1002\n1003\""), [1001, 1002, 1003], "what Excel copies from a cell of several lines");
    assert_eq!(ids("'1001\n'1002\t'1003"), [1001, 1002, 1003], "Excel's mark of a text");
}

#[test]
fn commas_in_a_file_make_up_no_ids() {
    for text in ["351,518", "351,518\n351,519", "351，518", "cd_idx,name\n351,518,x", "1001;351,518"] {
        assert!(places(text).iter().any(|place| place.3 == Why::Ambiguous), "{text:?}");
    }
    for (text, expected) in [
        ("1,2,3\n351519,351518", vec![1, 2, 3, 351_518, 351_519]),
        ("cd_idx\n1,234\n12,345", vec![1234, 12_345]),
        ("1, 234", vec![1, 234]),
        ("cd_idx IN (351,518)", vec![351, 518]),
    ] {
        assert_eq!(parse_ids(text.as_bytes()).unwrap().ids, expected, "{text:?}");
    }
}

#[test]
fn a_table_loses_no_number_beside_its_column() {
    for (text, line) in [
        ("shop,cd_idx\na,1001\n1002", 3),
        ("cd_idx,name\n1001,a\n,1002", 3),
        ("cd_idx,name\n1001,a,1002", 2),
        ("name,cd_idx\na,12,1001", 2),
        ("cd_idx,\n1001,1002", 2),
    ] {
        assert_eq!(places(text).iter().map(|place| place.0).collect::<Vec<_>>(), [line], "{text:?}");
    }
    assert_eq!(parse_ids_text("이름,가격,수량\n가,1,2\n나,3,4"), Err(IdsError::SeveralColumns(vec![2, 3])));
    assert_eq!(ids("no,cd_idx\n1,351518\n2,351519"), [351_518, 351_519], "the better name counts");
    assert_eq!(ids("11월 전달 목록\n\nNo,CD-IDX (상품)\n1,7\nNo,CD-IDX (상품)\n2,8"), [7, 8]);
}

#[test]
fn nothing_and_too_much_are_refused() {
    for empty in ["", "\n , ;\n", "cd_idx", "cd_idx\n"] {
        assert_eq!(parse_ids_text(empty), Err(IdsError::Empty), "{empty:?}");
    }
    let list = |n: u64| (1..=n).map(|id| id.to_string()).collect::<Vec<_>>().join("\n");
    assert_eq!(ids(&list(100_000)).len(), IDS_MAX);
    assert_eq!(parse_ids_text(&list(100_001)), Err(IdsError::TooMany(100_001)));
    assert_eq!(parse_ids_text("a IN (1) or b IN (2)"), Err(IdsError::SeveralLists));
}

#[test]
fn the_header_and_the_column_are_named() {
    let read = parse_ids_text("이름,cd_idx\n가,7").unwrap();
    assert_eq!((read.ignored_header.as_deref(), read.column), (Some("이름, cd_idx"), Some(2)));
}

#[test]
fn every_error_is_in_both_languages() {
    let whys = [Why::NotANumber, Why::Ambiguous, Why::OpenQuote, Why::NotInColumn, Why::Negated, Why::InTotals];
    let places = whys
        .into_iter()
        .cycle()
        .take(10)
        .chain([Why::OtherColumn, Why::TakenAsOne, Why::Contradicts, Why::OtherName, Why::TakenApart, Why::BelowTotals])
        .map(|why| UnreadablePlace { line: 1, column: 2, text: "x".into(), why });
    for error in [
        IdsError::Unreadable(places.collect()),
        IdsError::SeveralLists,
        IdsError::SeveralColumns(vec![1, 2]),
        IdsError::Empty,
        IdsError::TooMany(1),
        IdsError::TooLong(1),
        IdsError::Encoding,
        IdsError::NotText,
    ] {
        let text = error.text();
        assert!(text.english.is_ascii() || text.english.contains('…'), "{text:?}");
        assert!(text.korean.chars().any(|c| ('가'..='힣').contains(&c)), "{text:?}");
    }
}

#[test]
fn other_words_do_not_keep_ids_from_being_read() {
    let read = read_ids_text("1, x4\n3 three 351518_0.jpg\norigin/v/7_12.jpg;9_a.jpg").unwrap();
    assert_eq!(read.ids, [1, 3, 7, 351_518]);
    let words: Vec<_> = read.unreadable.iter().map(|word| (word.line, word.column, word.text.as_str())).collect();
    assert_eq!(words, [(1, 4, "x4"), (2, 3, "three"), (3, 19, "9_a.jpg")]);
    assert_eq!(read_ids_text("cd_idx,name\n1,a\nx,b").unwrap().unreadable[0].text, "x");
    assert_eq!(read_ids_text("only words\n1").unwrap().ids, [1]);
    assert_eq!(read_ids_text(" \n"), Err(IdsError::Empty));
}

#[test]
fn what_asks_for_others_than_it_names_is_refused() {
    for text in [
        "cd_idx NOT IN (1,2)",
        "not in (1,2,3)",
        "select * from t where not cd_idx in (1, 2)",
        "SELECT * FROM t WHERE NOT (vertical = 'v' AND cd_idx IN (1,2))",
        "select 1 from t where not exists (select 1 from u where u.cd_idx in (1,2))",
        "where !(cd_idx in (1,2))",
        "cd_idx in (1,2) is false",
        "where (cd_idx in (1,2)) is not true",
        "cd_idx IN (1,2,3) AND cd_idx <> 2",
        "cd_idx IN (1,2,3) AND 2 != cd_idx",
        "cd_idx IN (1,2,3) AND cd_idx NOT IN (2)",
        "SELECT cd_idx FROM t WHERE cd_idx IN (1,2) EXCEPT SELECT cd_idx FROM t WHERE cd_idx IN (2)",
        "NOT IN\n1\n2",
        "cd_idx !=\n1\n2",
        "제외 목록\n1\n2",
        "except\n1\n2",
        "cd_idx (제외),이름\n1,가\n2,나",
        "빼고 보낼 것\n\n번호,이름\n1,가\n2,나",
    ] {
        for read in [parse_ids(text.as_bytes()), parse_ids_text(text)] {
            let Err(IdsError::Unreadable(places)) = read else { panic!("{text:?}: {read:?}") };
            assert!(places.iter().any(|place| place.why == Why::Negated), "{text:?}: {places:?}");
        }
        // Where words are looked up one by one, none of them is an id.
        assert_eq!(read_ids_text(text).unwrap().ids, Vec::<u64>::new(), "{text:?}");
    }
    for text in [
        "SELECT * FROM t WHERE sequence NOT IN (5, 6) AND cd_idx IN (1,2,3)",
        "cd_idx IN (1,2,3) AND deleted_at IS NULL AND name IS NOT NULL AND state != 'gone' AND size <> 7",
        "cd_idx,제외 여부\n1,아니오\n2,아니오\n3,아니오",
        "<전달 목록>\n1\n2\n3",
    ] {
        assert_eq!(ids(text), [1, 2, 3], "{text:?}");
    }
}

#[test]
fn a_row_of_totals_makes_no_id() {
    for text in ["name,cd_idx\na,1001\n합계,2", "cd_idx,name\n1001,a\n1005,Total", "가,1001\n나,1002\n총계,2"] {
        assert_eq!(places(text).iter().map(|place| place.3).collect::<Vec<_>>(), [Why::InTotals], "{text:?}");
    }
    assert_eq!(ids("total,cd_idx\n9,1\n8,2\n7,3"), [1, 2, 3], "a header of that name is one");
    assert_eq!(places("name,cd_idx\na,1001\n합계,\n,2")[0].3, Why::BelowTotals);
    assert_eq!(
        ids("name,cd_idx\na,1\n소계,\nb,2\nc,3"),
        [1, 2, 3],
        "a row with more in it is one of a list with subtotals"
    );
}

#[test]
fn a_second_column_of_ids_is_named() {
    for text in ["cd_idx,cd_idx\n1,11\n2,12", "cd_idx,name,CD-IDX\n1,a,11\n2,b,12", "id,번호\n7,11\n8,12"] {
        assert!(places(text).iter().all(|place| place.0 == 1 && place.3 == Why::OtherColumn), "{text:?}");
    }
    let read = parse_ids_text("cd_idx,코드\n1,501\n2,502").unwrap();
    assert_eq!((read.ids, read.remarks[0].column, read.remarks[0].why), (vec![1, 2], 8, Why::OtherColumn));
    for text in ["번호,cd_idx\n1,11\n2,12", "cd_idx,코드\n11,AB-1\n12,AB-2", "cd_idx,id\n11,11\n12,12"] {
        let read = parse_ids_text(text).unwrap();
        assert_eq!((read.ids, read.remarks), (vec![11, 12], vec![]), "{text:?}");
    }
}

#[test]
fn one_number_with_a_comma_is_read_only_where_the_whole_list_shows_it() {
    for text in [
        "cd_idx\n\"101,102\"",
        "cd_idx\n\"101,102\"\n103",
        "cd_idx\n\"101,102\"\n\"103,104\"",
        "cd_idx\n1,234",
        "cd_idx,name\n\"351,518\",x\n351519,y",
    ] {
        assert!(places(text).iter().any(|place| place.3 == Why::Ambiguous), "{text:?}");
    }
    let read = parse_ids_text("cd_idx,name\n\"351,518\",x\n\"351,519\",y").unwrap();
    assert_eq!((read.ids, read.remarks[0].why), (vec![351_518, 351_519], Why::TakenAsOne));
}

#[test]
fn the_numbers_of_lines_are_no_ids() {
    for text in [
        "1) 1001\n2) 1002",
        "(1) 1001\n(2) 1002",
        "1. 1001\n2. 1002",
        "1)\t1001",
        "번호\n1) 1001",
        "1)1001,a\n2)1002,b",
    ] {
        assert!(parse_ids(text.as_bytes()).is_err() && parse_ids_text(text).is_err(), "{text:?}");
    }
    assert_eq!(places("1001\n(2) 1002"), [(2, 3, "(2) 1002".into(), Why::Ambiguous)]);
    assert_eq!(read_ids_text("1001\n2) 1002").unwrap().ids, [1001]);
}

#[test]
fn names_of_files_say_whose_they_are() {
    for text in ["번호,파일명\n1,1001_0.jpg\n2,1002_0.jpg", "no;file\n1;a/1001_0.jpg\n2;1002_0.JPG"] {
        let read = parse_ids(text.as_bytes()).unwrap();
        assert_eq!(
            (read.ids, read.column, read.remarks[0].why),
            (vec![1001, 1002], Some(2), Why::OtherColumn),
            "{text:?}"
        );
    }
    for text in ["번호,파일명\n1001,1001_0.jpg\n1002,1003_0.jpg", "cd_idx,파일명\n1,1_0.jpg\n2,1002_0.jpg"] {
        let found = places(text);
        assert!(found.len() == 1 && (found[0].0, found[0].3) == (3, Why::Contradicts), "{text:?}: {found:?}");
    }
    assert_eq!(ids("번호,파일명\n1,1_0.jpg\n2,2_0.jpg"), [1, 2]);
    assert_eq!(places("번호,파일명\n1,1001_0.jpg\n2,1002_0.jpg\n3,x")[0].2, "x");
}

#[test]
fn numbers_of_other_columns_of_sql_are_no_ids() {
    for text in ["idx IN (1,2)", "where t.user_id in ('1','2')", "id IN (1)", "no IN (1)"] {
        let found = places(text);
        assert!(found.len() == 1 && found[0].3 == Why::OtherName, "{text:?}: {found:?}");
        assert_eq!(read_ids_text(text).unwrap().ids, Vec::<u64>::new(), "{text:?}");
    }
    for text in ["IN (1,2)", "t.`CD_IDX` IN (1,2)", "상품번호 in (1,2)", "id in (7, 8) and cd_idx in (1,2)"] {
        assert_eq!(ids(text), [1, 2], "{text:?}");
    }
}

#[test]
fn commas_that_were_typed_are_said() {
    for text in ["1,001", "1001 2,002", "1,000,000"] {
        let Err(IdsError::Unreadable(places)) = parse_ids_text(text) else { panic!("{text:?}") };
        assert!(places.len() == 1 && places[0].why == Why::Ambiguous, "{text:?}: {places:?}");
        assert!(read_ids_text(text).unwrap().ids.iter().all(|id| *id == 1001), "{text:?}");
    }
    let read = parse_ids_text("351,518").unwrap();
    let said: Vec<_> = read.remarks.iter().map(|place| (place.text.as_str(), place.why)).collect();
    assert_eq!((read.ids, said), (vec![351, 518], vec![("351,518", Why::TakenApart)]));
    for text in ["1001,1002", "1, 2", "1,2,3", "351518,351519"] {
        assert_eq!(parse_ids_text(text).unwrap().remarks, [], "{text:?}");
    }
}

#[test]
fn a_name_is_read_as_everywhere() {
    for (name, id) in [
        ("1234_0.jpg", Some(1234)),
        ("１２３４_0.jpg", Some(1234)),
        ("1234_0.JPG", Some(1234)),
        ("origin/v/1234_0", Some(1234)),
        ("v/sq/1234_sq_0.jpg", Some(1234)),
        ("20261127_1271_0.jpg", None),
        ("l265_0.jpg", None),
        ("IMG_1234_0.jpg", None),
        ("1234_7_0.jpg", None),
        ("1001-1005", None),
        ("1001.5", None),
        ("1234_a.jpg", None),
    ] {
        assert_eq!(named_by(name), id, "{name}");
        assert_eq!(read_ids_text(name).unwrap().ids, Vec::from_iter(id), "{name}");
    }
}

#[test]
fn numbers_of_rows_are_no_ids() {
    for text in ["순번,이름\n1,가\n2,나", "연번;이름\n1;가\n2;나", "순번,이름,셀럽번호\n1,가,1001\n2,나,1002"]
    {
        assert!(parse_ids_text(text).is_err(), "{text:?}");
    }
}

#[test]
fn counts_are_no_ids() {
    for text in
        ["이름,사진수\n가,1\n나,2", "이름,사진수,셀럽번호\n가,1,1001\n나,2,1002", "셀럽번호,사진수\n1001,1\n1002,2"]
    {
        assert!(parse_ids_text(text).is_err(), "{text:?}");
    }
}
