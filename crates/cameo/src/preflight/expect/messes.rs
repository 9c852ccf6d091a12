//! Lists in messes made by chance: each id that is written is promised, or a cell of its line is reported; and none is made up.

use std::collections::BTreeSet;

use super::*;
use crate::model::ids::messes::{MESSES, mess};

#[test]
fn of_any_mess_each_id_is_promised_or_its_line_is_named() {
    let (mut clean, mut faulty) = (0, 0);
    for seed in 0..MESSES {
        let mess = mess(seed);
        let list = Expectation::parse(mess.bytes.clone()).unwrap();
        let written: BTreeSet<u64> = mess.ids.iter().map(|(id, _)| *id).collect();
        let read: BTreeSet<u64> = list.ids.iter().copied().collect();
        assert!(list.files.is_empty() && read.is_subset(&written), "{seed}: {:?}: {list:?}", mess.text);
        let named: BTreeSet<usize> = list.unreadable.iter().map(|cell| row_of(&cell.address)).collect();
        for (id, line) in &mess.ids {
            assert!(read.contains(id) || named.contains(line), "{seed}: {id}: {:?}: {list:?}", mess.text);
        }
        if mess.is_clean {
            clean += 1;
            assert_eq!((&read, list.unreadable), (&written, Vec::new()), "{seed}: {:?}", mess.text);
        } else {
            faulty += usize::from(!list.unreadable.is_empty());
        }
    }
    assert!(clean > 1000 && faulty > 500, "{clean} clean, {faulty} faulty");
}

fn row_of(address: &str) -> usize {
    address.trim_start_matches(|c: char| c.is_ascii_alphabetic()).parse().unwrap()
}
