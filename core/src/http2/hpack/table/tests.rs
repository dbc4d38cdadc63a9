use proptest::prelude::*;

use super::*;

fn insert<Tag: Copy + PartialEq>(table: &mut Table<Tag>, name: &[u8], value: &[u8], tag: Tag) {
    table.insert(Line { text: &[name, value].concat(), name_len: name.len(), tag });
}

fn lines(table: &Table<u8>) -> Vec<(Vec<u8>, Vec<u8>, u8)> {
    (0..)
        .map_while(|index| table.get(index))
        .map(|line| (line.name().to_vec(), line.value().to_vec(), line.tag))
        .collect()
}

/// Against a table that is nothing but a list.
#[test]
fn behaves_as_a_plain_list_does() {
    let mut table = Table::new(300);
    // Shortly before the positions wrap around.
    table.base = u32::MAX - 2000;
    let mut list: VecDeque<(Vec<u8>, Vec<u8>, u8)> = VecDeque::new();
    let mut capacity = 300;
    for n in 0..2000_usize {
        if n % 37 == 0 {
            capacity = [300, 0, 90, 1000][n / 37 % 4];
            table.set_capacity(capacity);
        }
        let (name, value) = (vec![b'n'; n % 13], vec![n as u8; n * 7 % 61]);
        insert(&mut table, &name, &value, n as u8);
        list.push_front((name, value, n as u8));
        let size = |list: &VecDeque<(Vec<u8>, Vec<u8>, u8)>| {
            list.iter().map(|(name, value, _)| name.len() + value.len() + 32).sum::<usize>()
        };
        while size(&list) > capacity {
            list.pop_back();
        }
        assert_eq!(lines(&table), Vec::from(list.clone()), "after {n}");
        assert_eq!(table.size, size(&list));
        assert!(table.arena.len() <= 2 * 1000);
        if n % 101 == 0 {
            table.shrink();
            assert_eq!(lines(&table), Vec::from(list.clone()), "shrunk after {n}");
        }
    }
    assert!(table.base < 1 << 31, "the positions have wrapped around");
}

#[test]
fn finds_the_newest_line() {
    let mut table = Table::new(4096);
    for (value, tag) in [(&b"1"[..], 1), (b"2", 2), (b"1", 3)] {
        insert(&mut table, b"name", value, tag);
    }
    assert_eq!(table.find_name(b"name"), Some(0));
    assert_eq!(table.find_name(b"nam"), None);
    let find = |tag, text: &[u8], name_len| table.find(Line { text, name_len, tag });
    assert_eq!(find(2, b"name2", 4), Some(1));
    assert_eq!(find(1, b"name1", 4), Some(2));
    assert_eq!(find(1, b"name2", 4), None);
    assert_eq!(find(1, b"name1", 3), None);
    assert_eq!(find(4, b"name1", 4), None);
}

#[test]
fn digests_tell_tables_apart() {
    let digest = |capacity, lines: &[(&str, &str)]| {
        let mut table = Table::new(capacity);
        for (name, value) in lines {
            insert(&mut table, name.as_bytes(), value.as_bytes(), ());
        }
        table.digest()
    };
    let tables = [
        digest(100, &[]),
        digest(101, &[]),
        digest(100, &[("a", "b")]),
        digest(100, &[("ab", "")]),
        digest(100, &[("", "ab")]),
        digest(200, &[("a", "b"), ("c", "d")]),
        digest(200, &[("c", "d"), ("a", "b")]),
    ];
    for (at, one) in tables.iter().enumerate() {
        assert!(tables[at + 1..].iter().all(|other| other != one));
    }
    assert_eq!(digest(100, &[("a", "b")]), digest(100, &[("x", &"y".repeat(60)), ("a", "b")]));
}

#[derive(Clone, Debug)]
enum Op {
    Insert(Vec<u8>, Vec<u8>),
    Capacity(usize),
    Shrink,
}

proptest! {
    /// The same for any lines and sizes, and what is looked for is found where a list has it.
    #[test]
    fn is_a_list_whatever_happens(ops in proptest::collection::vec(prop_oneof![
        8 => ("[ab]{0,3}", "[ab]{0,40}").prop_map(|(name, value)| Op::Insert(name.into(), value.into())),
        2 => (0..400_usize).prop_map(Op::Capacity),
        1 => Just(Op::Shrink),
    ], 0..80)) {
        let (mut table, mut capacity) = (Table::new(200), 200);
        let mut list: Vec<(Vec<u8>, Vec<u8>, u8)> = Vec::new();
        for op in ops {
            match op {
                Op::Insert(name, value) => {
                    insert(&mut table, &name, &value, value.len() as u8);
                    let tag = value.len() as u8;
                    list.insert(0, (name, value, tag));
                }
                Op::Capacity(to) => {
                    capacity = to;
                    table.set_capacity(to);
                }
                Op::Shrink => table.shrink(),
            }
            while list.iter().map(|(name, value, _)| name.len() + value.len() + 32).sum::<usize>() > capacity {
                list.pop();
            }
            prop_assert_eq!(&lines(&table), &list);
            prop_assert!(table.arena.len() <= 2 * 400);
            for (name, value, tag) in &list {
                let line = Line { text: &[&name[..], value].concat(), name_len: name.len(), tag: *tag };
                prop_assert_eq!(table.find(line), list.iter().position(|known| (&known.0, &known.1) == (name, value)));
                prop_assert_eq!(table.find_name(name), list.iter().position(|known| known.0 == *name));
            }
        }
    }
}
