use super::*;
use crate::model::ids;

/// Ids, files, and addresses of cells that cannot be read.
fn promised(content: &[u8]) -> (Vec<u64>, Vec<String>, Vec<String>) {
    let list = Expectation::parse(content.to_vec()).unwrap();
    let files = list.files.into_iter().map(|file| file.name).collect();
    (list.ids, files, list.unreadable.into_iter().map(|cell| cell.address).collect())
}

fn ids(content: impl AsRef<[u8]>) -> Vec<u64> {
    let (ids, files, unreadable) = promised(content.as_ref());
    assert_eq!((files, unreadable), (Vec::<String>::new(), Vec::<String>::new()));
    ids
}

#[test]
fn ids_come_in_any_mess() {
    for (text, id) in [
        ("1234", 1234),
        (" 1234 ", 1234),
        ("1,234", 1234),
        ("1,234,567", 1_234_567),
        ("1234.0", 1234),
        ("1234.00", 1234),
        ("１２３４", 1234),
        ("001234", 1234),
        ("9007199254740991", 9_007_199_254_740_991),
    ] {
        assert_eq!(parse_id(text), Some(id), "{text}");
    }
    for text in
        ["", "0", "-1", "+1", "1.5", "1.23E+05", "12,34", "1,2345", "1234,567", "9007199254740992", "x", "1 2", "1."]
    {
        assert_eq!(parse_id(text), None, "{text}");
    }
}

#[test]
fn lists_of_ids_are_read_however_they_are_written() {
    for text in [
        "3\n1\n2\n",
        "\u{feff}cd_idx\r\n1\r\n2\r\n3\r\n",
        "1, 2\n3",
        "1\t2\t3",
        "1 2 3",
        "1，2、3",
        "번호;이름\n1;a\n2;b\n3;c",
        "NO\tCD_IDX\tname\n9\t1\tx\n8\t2\ty\n7\t3\tz",
        "전달 목록\n\n상품번호,비고\n1,\"a, b\"\n2,\n3,\n",
        "１\n２\n３",
        "1,홍길동\n2,임꺽정\n3,장길산",
        "cd_idx\n1, 2\n3",
        "cd_idx (상품)\n1\n2\n3",
        "=\"1\"\n=\"2\"\n'3",
        "1\ncd_idx IN (2) AND sequence = 0\n3",
    ] {
        assert_eq!(ids(text), [1, 2, 3], "{text:?}");
    }
    assert_eq!(ids("cd_idx\n1,234\n\"2,345\"\n12,345"), [1234, 2345, 12_345]);
}

#[test]
fn korean_windows_and_excel_write_it_otherwise() {
    let (cp949, _, _) = encoding_rs::EUC_KR.encode("번호,이름\n1,홍길동\n2,뷁");
    assert_eq!(ids(&*cp949), [1, 2]);
    let utf16: Vec<u8> = "\u{feff}번호\t이름\n1\t가\n2\t나".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(ids(utf16), [1, 2]);
}

#[test]
fn columns_say_which_photos() {
    let (ids, files, unreadable) = promised(b"cd_idx,sequence,memo\n1,0,a\n1,1.0,b\n2,0,c\n3,x,d\n,,\n4,,e\n");
    assert_eq!(ids, [4]);
    assert_eq!(files, ["1_0.jpg", "1_1.jpg", "2_0.jpg"]);
    assert_eq!(unreadable, ["B5"]);
    let (ids, files, _) = promised("번호,사진수\n1,2\n2,1\n".as_bytes());
    assert_eq!((ids, files), (vec![], vec!["1_0.jpg".into(), "1_1.jpg".into(), "2_0.jpg".into()]));
    let (_, files, unreadable) = promised("순서,파일명\n1,1_0.jpg\n2,2_0.JPG\n3,3_0\n4,합계 3장\n".as_bytes());
    assert_eq!(files, ["1_0.jpg", "2_0.JPG", "3_0"]);
    assert_eq!(unreadable, ["B5"]);
}

#[test]
fn what_cannot_be_read_has_an_address() {
    let (ids, _, unreadable) = promised(b"name,cd_idx\nx,1\ny,12a\nz,1.5E+03\n");
    assert_eq!((ids, unreadable), (vec![1], vec!["B3".to_owned(), "B4".to_owned()]));
    assert_eq!(
        (row::address(0, 1), row::address(26, 17), row::address(701, 2)),
        ("A1".into(), "AA17".into(), "ZZ2".into())
    );
    let list = Expectation::parse(b"1\n2\nlost\n4\n".to_vec()).unwrap();
    assert_eq!(list.unreadable, [UnreadableCell { address: "A3".into(), text: "lost".into(), why: Unread::Word }]);
}

#[test]
fn a_stray_quote_swallows_no_rows_and_is_named() {
    for (text, expected, places) in [
        ("cd_idx\n\"1001\n1002\n1003\n", vec![1001, 1002, 1003], vec!["A2"]),
        ("cd_idx,note\n1001,\"wide\n1002,b\n", vec![1001, 1002], vec!["B2"]),
        ("cd_idx,note\n1001,\"wide\n1002,b\n1003,\"x\n1004,c\n", vec![1001, 1002, 1003, 1004], vec!["B2", "B4"]),
        ("cd_idx,note\n1001,\"wide\n1002,b\n1003,\"\n1004,c\n", vec![1001, 1002, 1003, 1004], vec!["B2", "B4"]),
        ("note\tcd_idx\n\"\"\t1001\n\"a\t1002\n\"b\"\t1003", vec![1001, 1002, 1003], vec!["A3"]),
        ("cd_idx,note\n1001,\"two\nlines\"\n1002,b\n", vec![1001, 1002], vec![]),
    ] {
        let (ids, _, unreadable) = promised(text.as_bytes());
        assert_eq!((ids, unreadable), (expected, places.into_iter().map(str::to_owned).collect()), "{text:?}");
    }
}

#[test]
fn no_id_is_made_up_by_gluing_or_by_splitting() {
    assert_eq!(ids("cd_idx\n123\t456\n789\t12"), [12, 123, 456, 789], "tabs under a header of one column");
    for text in [
        "351,518",
        "351,518\n351,519",
        "351，518",
        "cd_idx\n351,518\n1001,1002",
        "cd_idx,name\n351,518,x",
        "name,cd_idx\na,12,1001",
        "10\u{200b}01",
        "351\u{a0}518",
        "1001²",
        "1001①",
        "2026/11/26",
        "1001\n12a",
        "12a\n1001",
    ] {
        let (ids, files, unreadable) = promised(text.as_bytes());
        assert!(ids.iter().all(|id| [1001, 1002].contains(id)), "{text:?}: {ids:?}");
        assert!(files.is_empty() && !unreadable.is_empty(), "{text:?}: {files:?} {unreadable:?}");
    }
}

#[test]
fn what_is_beside_the_columns_is_named() {
    for (text, expected, places) in [
        ("1001\n1002\ncd_idx\n1003", vec![1003], vec!["A1", "A2"]),
        ("11월 26일 전달 목록\n\n번호,이름\n1003,a", vec![1003], vec![]),
        ("cd_idx,name\n1001,a\n,1002\n", vec![1001], vec!["B3"]),
        ("cd_idx,name\n1001,a,1002\n", vec![1001], vec!["C2"]),
        ("cd_idx,sequence\n,1\n", vec![], vec!["B2"]),
        ("1001,홍길동\n1002,1003\n1004,임꺽정\n1005,장길산", vec![1001, 1002, 1004, 1005], vec!["B2"]),
        ("cd_idx,name\n1001,a\ncd_idx,name\n1002,b", vec![1001, 1002], vec![]),
    ] {
        let (ids, _, unreadable) = promised(text.as_bytes());
        assert_eq!((ids, unreadable), (expected, places.into_iter().map(str::to_owned).collect()), "{text:?}");
    }
    let (_, files, unreadable) = promised(b"cd_idx,file\n1001,1001_0.jpg\n1001,1002_0.jpg\nx,1003_0.jpg\n");
    assert_eq!((files.len(), unreadable), (3, vec!["A3".to_owned(), "A4".to_owned()]));
    let list = Expectation::parse(b"1\n\"2\n3x".to_vec()).unwrap();
    for cell in &list.unreadable {
        let detail = cell.detail();
        assert!(detail.english.contains(&cell.address) && detail.korean.chars().any(|c| ('가'..='힣').contains(&c)));
    }
}

#[test]
fn a_row_too_short_for_the_ids_is_named() {
    let (ids, _, unreadable) = promised("shop,cd_idx\na,1001\n1002\n\n,\nb,1003\n".as_bytes());
    assert_eq!(ids, [1001, 1003]);
    assert_eq!(unreadable.len(), 1, "{unreadable:?}");
}

#[test]
fn manifests_are_those_of_bagit_and_of_sha256sum() {
    let digest = "AB".repeat(32);
    let bag = format!("{digest}  data/1_0.jpg\n{digest}\t data/50%25%0A.jpg\n{digest} data/x%20y.jpg\n");
    let list = Expectation::parse(bag.into_bytes()).unwrap();
    let names: Vec<&str> = list.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["1_0.jpg", "50%\n.jpg", "x%20y.jpg"]);
    assert_eq!(list.files[0].sha256.as_deref(), Some("ab".repeat(32).as_str()));
    let sums = format!("{digest} *./1_0.jpg\n\\{digest}  a\\nb\\\\.jpg\n");
    let (_, files, _) = promised(sums.as_bytes());
    assert_eq!(files, ["1_0.jpg", "a\nb\\.jpg"]);
    assert!(manifest::parse("1234\n").is_none() && manifest::parse("").is_none());
}

#[test]
fn a_list_is_kept_as_json() {
    let list = Expectation::parse("파일,sha256\n2_0.jpg,\n1_0.jpg,".to_owned().into_bytes()).unwrap();
    let kept = serde_json::to_string(&Expectation { ids: vec![7], ..list.clone() }).unwrap();
    assert_eq!(kept, r#"{"ids":[7],"files":[{"name":"1_0.jpg"},{"name":"2_0.jpg"}]}"#);
    let again: Expectation = serde_json::from_str(&kept).unwrap();
    assert_eq!(again.files, list.files);
}

#[test]
fn a_list_of_nothing_is_refused_and_so_is_one_that_is_too_long() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.csv");
    for content in ["", "\n\n", "cd_idx\n"] {
        std::fs::write(&path, content).unwrap();
        let error = Expectation::read(&path).unwrap_err().to_string();
        assert!(error.contains("list.csv"), "{error}");
    }
    std::fs::write(&path, "1\n".repeat(ROWS_MAX + 1)).unwrap();
    assert!(Expectation::read(&path).is_err());
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(LIST_MAX_BYTES + 1).unwrap();
    assert!(Expectation::read(&path).is_err());
    assert!(Expectation::read(&folder.path().join("absent")).is_err());
    assert!(Expectation::parse(b"PK\x03\x04 nothing".to_vec()).is_err());
    assert!(Expectation::parse(b"\xD0\xCF\x11\xE0 nothing".to_vec()).is_err());
}

/// Cells, each with its address and why it is told of.
type Cells = Vec<(String, Unread)>;

/// Ids, what cannot be read and what is remarked.
fn told(text: &str) -> (Vec<u64>, Cells, Cells) {
    let list = Expectation::parse(text.as_bytes().to_vec()).unwrap();
    let of = |cells: Vec<UnreadableCell>| cells.into_iter().map(|cell| (cell.address, cell.why)).collect();
    (list.ids, of(list.unreadable), of(list.remarks))
}

fn at(address: &str, why: Unread) -> Cells {
    vec![(address.to_owned(), why)]
}

#[test]
fn a_row_of_totals_loses_no_id_and_makes_none() {
    for (text, ids, unreadable, remarks) in [
        ("cd_idx,이름\n1001,a\n1002,합계", vec![1001], at("A3", Unread::InTotals), vec![]),
        ("이름,cd_idx\na,1001\n합계,1", vec![1001], at("B3", Unread::InTotals), vec![]),
        ("이름,cd_idx\na,1001\nTotal:,\n", vec![1001], vec![], at("A3", Unread::Totals)),
        ("cd_idx,수량\n합계,7\n", vec![], vec![], at("A2", Unread::Totals)),
        ("1001\n1002\n소계", vec![1001, 1002], vec![], at("A3", Unread::Totals)),
        ("1001,a\n1002,b\n1003,합계\n", vec![1001, 1002], at("A3", Unread::InTotals), vec![]),
        ("total,cd_idx\n3,1001\n4,1002", vec![1001, 1002], vec![], vec![]),
        // Below it a number by itself may be the total, and a row with more in it is one of a list with subtotals.
        ("cd_idx\n1001\n합계\n1", vec![1001], at("A4", Unread::BelowTotals), at("A3", Unread::Totals)),
        ("1001\n1002\ntotal\n2", vec![1001, 1002], at("A4", Unread::BelowTotals), at("A3", Unread::Totals)),
        ("cd_idx,이름\n1001,a\n합계,\n2,\n", vec![1001], at("A4", Unread::BelowTotals), at("A3", Unread::Totals)),
        ("cd_idx,이름\n1001,a\n소계,\n1002,b\n", vec![1001, 1002], vec![], at("A3", Unread::Totals)),
    ] {
        assert_eq!(told(text), (ids, unreadable, remarks), "{text:?}");
    }
}

#[test]
fn a_second_column_of_ids_or_files_is_named() {
    for (text, unreadable, remarks) in [
        ("cd_idx,cd_idx\n1001,2001\n1002,2002", at("B1", Unread::OtherColumn), vec![]),
        ("cd_idx,상품번호\n1001,2001\n1002,2002", at("B1", Unread::OtherColumn), vec![]),
        ("cd_idx,코드\n1001,2001\n1002,2002", vec![], at("B1", Unread::OtherColumn)),
        ("번호,cd_idx\n1,1001\n2,1002", vec![], vec![]),
        ("cd_idx,코드\n1001,AB-1\n1002,AB-2", vec![], vec![]),
        ("cd_idx,photo\n1001,1001_0.jpg\n1002,", vec![], at("B1", Unread::OtherColumn)),
        ("cd_idx,파일명,파일\n1001,1001_0.jpg,1001_1.jpg", at("C1", Unread::OtherColumn), vec![]),
    ] {
        let (_, found, remarked) = told(text);
        assert_eq!((found, remarked), (unreadable, remarks), "{text:?}");
    }
}

#[test]
fn a_number_with_a_comma_is_one_only_where_the_whole_list_shows_it() {
    for text in
        ["cd_idx\n\"101,102\"", "cd_idx\n\"101,102\"\n\"103,104\"", "cd_idx\n\"351,518\"\n1001", "cd_idx\n1,234"]
    {
        let (ids, unreadable, _) = told(text);
        assert!(
            ids.iter().all(|id| *id == 1001) && unreadable[0] == ("A2".into(), Unread::Ambiguous),
            "{text:?}: {ids:?}"
        );
    }
    assert_eq!(
        told("cd_idx\n\"351,518\"\n\"351,519\""),
        (vec![351_518, 351_519], vec![], at("A2", Unread::TakenAsOne))
    );
}

#[test]
fn a_list_of_what_is_not_meant_promises_nothing() {
    for text in [
        "cd_idx NOT IN (1001, 1002)",
        "제외 목록\n1001\n1002",
        "cd_idx (제외)\n1001\n",
        "cd_idx IN (1001) AND cd_idx <> 1002",
    ] {
        let (ids, unreadable, _) = told(text);
        assert!(
            ids.is_empty() && unreadable.iter().all(|(_, why)| *why == Unread::Negated),
            "{text:?}: {ids:?} {unreadable:?}"
        );
    }
}

#[test]
fn what_was_not_handed_over_is_not_promised() {
    for heading in [
        "미전달 cd_idx",
        "cd_idx 취소",
        "반려",
        "보류 목록",
        "누락",
        "Excluded",
        "cancelled",
        "not delivered",
        "missing",
    ] {
        for text in [format!("{heading}\n1001\n1002"), format!("이름,{heading}\n가,1001\n나,1002")] {
            let (ids, unreadable, _) = told(&text);
            let is_named = !unreadable.is_empty() && unreadable.iter().all(|(_, why)| *why == Unread::Negated);
            assert!(ids.is_empty() && is_named, "{text:?}: {ids:?} {unreadable:?}");
        }
    }
    for (text, ids, unreadable, remarks) in [
        ("cd_idx,상태\n1001,전달\n1002,취소\n", vec![1001], at("B3", Unread::NotPromised), vec![]),
        ("1001,전달\n1002,미전달\n1003,전달\n", vec![1001, 1003], at("B2", Unread::NotPromised), vec![]),
        ("cd_idx,status\n1001,delivered\n1002,not delivered", vec![1001], at("B3", Unread::NotPromised), vec![]),
        ("cd_idx,취소 여부\n1001,N\n1002,Y\n1003,", vec![1001, 1003], at("B3", Unread::NotPromised), vec![]),
        ("cd_idx,전달여부\n1001,O\n1002,X", vec![1001], at("B3", Unread::NotPromised), vec![]),
        ("cd_idx,deleted_at\n1001,\n1002,2026-11-26", vec![1001], at("B3", Unread::NotPromised), vec![]),
        ("cd_idx,이름\n1001,a\n취소\n1002,b", vec![1001], at("A3", Unread::NotPromised), vec![]),
        ("cd_idx,미전달 cd_idx\n1001,2001\n1002,", vec![1001, 1002], vec![], at("B1", Unread::OtherColumn)),
        (
            "cd_idx,비고\n1001,고객 취소 후 다시 전달\n1002,취소 문의 있었음",
            vec![1001, 1002],
            vec![],
            at("B2", Unread::MayNotBePromised(2)),
        ),
        ("cd_idx,이름\n1001,Missing Piece\n1002,누락 없음", vec![1001, 1002], vec![], vec![]),
    ] {
        assert_eq!(told(text), (ids, unreadable, remarks), "{text:?}");
    }
}

#[test]
fn a_running_number_makes_no_photo() {
    for text in [
        "순번,cd_idx\n1,1001\n2,1002\n3,1003",
        "cd_idx,순서\n1001,0\n1002,1\n1003,2",
        "seq,cd_idx\n1,1001\n2,1001\n3,1002",
        "순번,cd_idx\n1,1001\n2,1001\n1,1002",
    ] {
        let list = Expectation::parse(text.as_bytes().to_vec()).unwrap();
        assert!(list.files.is_empty() && list.unreadable.is_empty(), "{text:?}: {list:?}");
        assert_eq!(list.remarks.iter().map(|cell| cell.why).collect::<Vec<_>>(), [Unread::NoSequences], "{text:?}");
        assert!(list.ids.starts_with(&[1001, 1002]), "{text:?}: {list:?}");
    }
    for header in ["No.", "번호", "#", "no", "연번"] {
        let text = format!("{header},cd_idx\n1,1001\n2,1002");
        assert_eq!(told(&text), (vec![1001, 1002], vec![], vec![]), "{text:?}");
        assert_eq!(promised(text.as_bytes()).1, Vec::<String>::new(), "{text:?}");
    }
    // Nor is it an id where no column has any.
    let (_, unreadable, _) = told("순번,셀럽번호\n1,1001\n2,1002");
    assert_eq!(unreadable, at("B1", Unread::Word));
}

#[test]
fn of_two_hashes_for_one_file_neither_is_taken() {
    let (one, other) = ("ab".repeat(32), "cd".repeat(32));
    for (text, address) in [
        (format!("file,sha256\n1_0.jpg,{one}\n2_0.jpg,{one}\n1_0.jpg,{other}"), "B4"),
        (format!("cd_idx,sequence,sha256\n1,0,{one}\n2,0,{one}\n1,0,{other}"), "C4"),
        (format!("{one}  1_0.jpg\n{one}  2_0.jpg\n{other}  ./1_0.jpg\n"), "A3"),
    ] {
        let list = Expectation::parse(text.clone().into_bytes()).unwrap();
        let files: Vec<_> = list.files.iter().map(|file| (file.name.as_str(), file.sha256.as_deref())).collect();
        assert_eq!(files, [("1_0.jpg", None), ("2_0.jpg", Some(one.as_str()))], "{text}");
        let told: Vec<_> = list.unreadable.iter().map(|cell| (cell.address.as_str(), cell.why)).collect();
        assert_eq!(told, [(address, Unread::OtherHash)], "{text}");
    }
    let (_, unreadable, _) = told(&format!("file,sha256\n1_0.jpg,{one}\n1_0.jpg,{one}"));
    assert_eq!(unreadable, vec![]);
}

/// Whoever pastes, types, or hands over a file gets the same ids for the same text, or an error.
#[test]
fn all_readers_read_brackets_and_slashes_alike() {
    for (text, expected) in [
        ("(1001)", Some(&[1001][..])),
        ("[1001]", Some(&[1001])),
        ("{1001}", Some(&[1001])),
        ("（1001）", Some(&[1001])),
        ("(1001, 1002)", Some(&[1001, 1002])),
        ("[1001,1002]", Some(&[1001, 1002])),
        ("[\n  1001,\n  1002\n]", Some(&[1001, 1002])),
        ("(1001)\n[1002]", Some(&[1001, 1002])),
        ("cd_idx\n(1001)\n[1002]", Some(&[1001, 1002])),
        ("cd_idx,name\n(1001),a\n[1002],b", Some(&[1001, 1002])),
        ("1001; 1002", Some(&[1001, 1002])),
        ("1001 (2)", None),
        ("1001(2)", None),
        ("(1001) (1002)", None),
        ("1) 1001\n2) 1002", None),
        ("(1) 1001\n(2) 1002", None),
        ("1001/1002", None),
        ("1001 / 1002", None),
        ("351997/1", None),
        ("cd_idx\n351997/1", None),
        ("cd_idx,name\n351997/1,a", None),
        ("2026/11/26", None),
        ("1001-1005", None),
        ("1001~1005", None),
        ("1001+1002", None),
        ("1001.5", None),
        ("<1001>", None),
    ] {
        let list = Expectation::parse(text.as_bytes().to_vec()).unwrap();
        let promised = (list.unreadable.is_empty() && list.files.is_empty()).then_some(list.ids);
        let pasted = ids::read_ids_text(text).ok().filter(|read| read.unreadable.is_empty()).map(|read| read.ids);
        let of_file = ids::parse_ids(text.as_bytes()).ok().map(|read| read.ids);
        let typed = ids::parse_ids_text(text).ok().map(|read| read.ids);
        for (reader, read) in [("list", promised), ("box", pasted), ("file", of_file), ("typed", typed)] {
            assert_eq!(read.as_deref(), expected, "{reader}: {text:?}");
        }
    }
}

#[test]
fn bytes_that_no_text_has_are_reported_where_they_are() {
    assert_eq!(told("cd_idx\n1001\n10\u{0}02\n1003"), (vec![1001, 1003], at("A3", Unread::Word), vec![]));
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    assert_eq!(ids(utf16("번호\r\n351518\r\n351519\r\n")), [351_518, 351_519]);
    assert_eq!(ids(utf16("cd_idx,이름\n1001,가나다라마바사아자차카타파하가가가가")), [1001]);
}

#[test]
fn a_sheet_of_libreoffice_is_refused_by_its_name() {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("mimetype", stored).unwrap();
    std::io::Write::write_all(&mut zip, b"application/vnd.oasis.opendocument.spreadsheet").unwrap();
    let error = Expectation::parse(zip.finish().unwrap().into_inner()).unwrap_err();
    assert!(error.english.contains(".ods") && error.korean.contains(".ods"), "{error:?}");
}

#[test]
fn a_hash_is_compared_or_that_is_said() {
    let digest = "ab".repeat(32);
    let (_, _, remarks) = told(&format!("cd_idx,sha256\n1001,{digest}\n1002,{digest}\n1003,"));
    assert_eq!(remarks, at("B2", Unread::HashOfNothing(2)));
    let list = Expectation::parse(format!("cd_idx,순번,sha256\n1001,0,{digest}\n").into_bytes()).unwrap();
    assert_eq!((list.files[0].sha256.as_deref(), list.remarks), (Some(digest.as_str()), vec![]));
}

#[test]
fn what_a_column_needs_is_said() {
    let (_, unreadable, _) = told("cd_idx,sequence,sha256\n1,x,\n2,0,abc\n");
    assert_eq!(unreadable, [at("B2", Unread::NotASequence), at("C3", Unread::NotAHash)].concat());
    assert_eq!(
        told("cd_idx,count\n1,many\n2,0\n").1,
        [at("B2", Unread::NotACount), at("B3", Unread::NotACount)].concat()
    );
    let whys = [
        Unread::NotASequence,
        Unread::NotACount,
        Unread::NotAHash,
        Unread::InTotals,
        Unread::OtherColumn,
        Unread::Negated,
        Unread::OtherHash,
        Unread::BelowTotals,
        Unread::NotPromised,
        Unread::MayNotBePromised(2),
        Unread::NoSequences,
        Unread::BeyondColumns(2),
    ];
    for why in whys.into_iter().chain([Unread::Totals, Unread::TakenAsOne, Unread::HashOfNothing(2)]) {
        let detail = UnreadableCell { address: "B2".into(), text: "x".into(), why }.detail();
        assert!(
            detail.english.is_ascii() && !detail.english.contains("neither a") && !detail.korean.is_ascii(),
            "{detail:?}"
        );
    }
}

/// A workbook of one sheet, as small as Excel takes it.
fn workbook(rows: &str) -> Vec<u8> {
    workbook_of(&[rows])
}

/// A workbook of sheets `s1`, `s2` and so on.
pub(super) fn workbook_of(sheets: &[&str]) -> Vec<u8> {
    let names: Vec<String> = (1..=sheets.len()).map(|n| format!("s{n}")).collect();
    named_workbook(&names.iter().map(String::as_str).zip(sheets.iter().copied()).collect::<Vec<_>>())
}

/// A workbook of sheets, each with its name and its rows.
pub(super) fn named_workbook(sheets: &[(&str, &str)]) -> Vec<u8> {
    use std::io::Write;
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let relations = "http://schemas.openxmlformats.org/package/2006/relationships";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let each = |of: &dyn Fn(usize) -> String| (1..=sheets.len()).map(of).collect::<String>();
    let names = each(&|n| format!(r#"<sheet name="{}" sheetId="{n}" r:id="r{n}"/>"#, sheets[n - 1].0));
    let targets =
        each(&|n| format!(r#"<Relationship Id="r{n}" Type="{office}/worksheet" Target="worksheets/sheet{n}.xml"/>"#));
    let mut parts = vec![
        (
            "[Content_Types].xml".to_owned(),
            r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#.to_owned(),
        ),
        (
            "_rels/.rels".to_owned(),
            format!(
                r#"<Relationships xmlns="{relations}"><Relationship Id="r1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
            ),
        ),
        (
            "xl/workbook.xml".to_owned(),
            format!(r#"<workbook xmlns="{main}" xmlns:r="{office}"><sheets>{names}</sheets></workbook>"#),
        ),
        (
            "xl/_rels/workbook.xml.rels".to_owned(),
            format!(r#"<Relationships xmlns="{relations}">{targets}</Relationships>"#),
        ),
        (
            "xl/styles.xml".to_owned(),
            format!(
                r#"<styleSheet xmlns="{main}"><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"#
            ),
        ),
    ];
    parts.extend(sheets.iter().zip(1..).map(|((_, rows), n)| {
        let sheet = format!(r#"<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>"#);
        (format!("xl/worksheets/sheet{n}.xml"), sheet)
    }));
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in parts {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn workbooks_are_read_cell_by_cell() {
    let text = |at: &str, text: &str| format!(r#"<c r="{at}" t="inlineStr"><is><t>{text}</t></is></c>"#);
    let number = |at: &str, number: &str| format!(r#"<c r="{at}"><v>{number}</v></c>"#);
    let rows = format!(
        r#"<row r="1">{}</row><row r="3">{}{}</row><row r="4">{}{}</row><row r="5">{}</row><row r="17">{}</row>"#,
        text("A1", "전달 목록"),
        text("A3", "이름"),
        text("B3", "번호"),
        text("A4", "x"),
        number("B4", "1234"),
        number("B5", "5.678E3"),
        text("B17", "열두 개"),
    );
    let (ids, _, unreadable) = promised(&workbook(&rows));
    assert_eq!((ids, unreadable), (vec![1234, 5678], vec!["B17".to_owned()]));
    // Opposite corners of a sheet, which are 17 billion cells as a rectangle.
    let corners =
        format!(r#"<row r="1">{}</row><row r="1048576">{}</row>"#, number("A1", "1"), number("XFD1048576", "2"));
    let list = Expectation::parse(workbook(&corners)).unwrap();
    let beyond: Vec<_> = list.unreadable.iter().map(|cell| (cell.address.as_str(), cell.why)).collect();
    assert_eq!((list.ids, beyond), (vec![1], vec![("s1!XFD1048576", Unread::BeyondColumns(1))]));
}

/// Rows of text, as a workbook has them.
fn rows_of(rows: &[&[&str]]) -> String {
    let cell = |row: usize, column: usize, text: &str| {
        format!(r#"<c r="{}" t="inlineStr"><is><t>{text}</t></is></c>"#, row::address(column, row))
    };
    let row = |(n, cells): (usize, &&[&str])| {
        let cells: String = cells.iter().enumerate().map(|(column, text)| cell(n + 1, column, text)).collect();
        format!(r#"<row r="{}">{cells}</row>"#, n + 1)
    };
    rows.iter().enumerate().map(row).collect()
}

#[test]
fn a_sheet_that_says_the_opposite_promises_nothing() {
    let rows = |id: &str| rows_of(&[&["cd_idx"], &[id]]);
    for name in ["미전달", "취소", "제외", "반려", "보류", "누락", "Excluded", "cancelled", "not delivered", "missing"]
    {
        let list = Expectation::parse(named_workbook(&[(name, &rows("1001"))])).unwrap();
        let told: Vec<_> = list.unreadable.iter().map(|cell| (cell.address.clone(), cell.why)).collect();
        assert_eq!((list.ids, told), (vec![], at(&format!("{name}!A1"), Unread::NotPromised)), "{name}");
        // Whichever comes first, the other one is read, and that this one is not is reported.
        for sheets in [[(name, rows("1001")), ("전달", rows("1002"))], [("전달", rows("1002")), (name, rows("1001"))]]
        {
            let sheets: Vec<_> = sheets.iter().map(|(name, rows)| (*name, rows.as_str())).collect();
            let list = Expectation::parse(named_workbook(&sheets)).unwrap();
            let told: Vec<_> = list.unreadable.iter().map(|cell| (cell.address.clone(), cell.why)).collect();
            assert_eq!((list.ids, told), (vec![1002], at(&format!("{name}!A1"), Unread::OtherSheet)), "{name}");
        }
    }
}

#[test]
fn a_workbook_names_whom_somebody_asks_about() {
    let asked = |rows: &[&[&str]]| ids_of_workbook(&workbook(&rows_of(rows))).unwrap();
    // What was said of them does not matter: rejected ones are looked up, too.
    let list = asked(&[&["cd_idx", "상태"], &["1002", "반려"], &["1001", "missing"]]);
    assert_eq!(list, Ok(AskedIds { ids: vec![1001, 1002], remarks: vec![] }));
    assert_eq!(asked(&[&["파일명"], &["1001_0.jpg"], &["1001_1.jpg"]]).unwrap().ids, [1001]);
    for (rows, at) in [
        (&[&["cd_idx"][..], &["12a"]][..], "A2"),
        (&[&["제외 목록"], &["cd_idx"], &["1001"]], "A1"),
        (&[&["cd_idx"], &[""]], "no cd_idx"),
    ] {
        let error = asked(rows).unwrap_err();
        assert!(error.english.contains(at) && !error.korean.is_ascii(), "{error:?}");
    }
    assert_eq!(ids_of_workbook(b"cd_idx\n1001"), None);
}

#[test]
fn names_of_files_say_whose_they_are() {
    let list = Expectation::parse("번호,파일명\n1,1001_0.jpg\n2,1002_0.jpg".as_bytes().to_vec()).unwrap();
    assert_eq!((list.ids, list.files.len(), list.unreadable), (vec![], 2, vec![]));
    assert_eq!((list.remarks[0].address.as_str(), list.remarks[0].why), ("A1", Unread::OtherColumn));
    for (text, unreadable) in [
        ("번호,파일명\n1001,1001_0.jpg\n1002,1003_0.jpg", at("A3", Unread::Contradicts)),
        ("번호,파일명\n1,1_0.jpg\n2,2_0.jpg", vec![]),
    ] {
        assert_eq!(told(text), (vec![], unreadable, vec![]), "{text:?}");
    }
}

#[test]
fn numbers_of_other_columns_of_sql_are_no_ids() {
    for text in ["idx IN (1,2)", "user_id IN (1,2)"] {
        assert_eq!(told(text), (vec![], at("A1", Unread::OtherName), vec![]), "{text:?}");
    }
}

#[test]
fn counts_are_no_ids() {
    assert_eq!(told("셀럽번호,사진수\n1001,1\n1002,2"), (vec![1001, 1002], at("A1", Unread::Word), vec![]));
}
