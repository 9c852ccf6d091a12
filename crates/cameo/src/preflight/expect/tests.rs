use super::*;

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
        (table::address(0, 1), table::address(26, 17), table::address(701, 2)),
        ("A1".into(), "AA17".into(), "ZZ2".into())
    );
    let list = Expectation::parse(b"1\n2\nmissing\n4\n".to_vec()).unwrap();
    assert_eq!(list.unreadable, [UnreadableCell { address: "A3".into(), text: "missing".into() }]);
}

#[test]
fn a_stray_quote_swallows_no_rows() {
    assert_eq!(ids("cd_idx\n\"1001\n1002\n1003\n"), [1001, 1002, 1003]);
    assert_eq!(ids("cd_idx,note\n1001,\"wide\n1002,b\n"), [1001, 1002]);
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

/// A workbook of one sheet, as small as Excel takes it.
fn workbook(rows: &str) -> Vec<u8> {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    let sheet = format!(
        r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>"#
    );
    let relations = "http://schemas.openxmlformats.org/package/2006/relationships";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    for (name, content) in [
        (
            "[Content_Types].xml",
            r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#.to_owned(),
        ),
        (
            "_rels/.rels",
            format!(
                r#"<Relationships xmlns="{relations}"><Relationship Id="r1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="{office}"><sheets><sheet name="s" sheetId="1" r:id="r1"/></sheets></workbook>"#
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                r#"<Relationships xmlns="{relations}"><Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#
            ),
        ),
        ("xl/worksheets/sheet1.xml", sheet),
    ] {
        zip.start_file(name, options).unwrap();
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
    assert_eq!(ids_of_workbook(&corners), [1]);
}

fn ids_of_workbook(rows: &str) -> Vec<u64> {
    ids(workbook(rows))
}
