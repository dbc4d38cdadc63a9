use super::*;

#[test]
fn lines_stay_in_order_with_all_that_is_known_of_them() {
    let mut fields: Fields = [(":path", "/"), ("a", "1")].into_iter().collect();
    fields.push_sensitive(b"a", b"2");
    fields.push_line(Line { text: b"bc", name_len: 1, tag: Class::Regular.into() });
    fields.push(b"", b"");
    let lines: Vec<_> = fields.iter().map(|field| (field.name, field.value, field.sensitive)).collect();
    assert_eq!(
        lines,
        [
            (&b":path"[..], &b"/"[..], false),
            (b"a", b"1", false),
            (b"a", b"2", true),
            (b"b", b"c", false),
            (b"", b"", false)
        ]
    );
    let classes: Vec<_> = fields.classified().map(|(class, _)| class).collect();
    assert_eq!(classes, [Class::Path, Class::Regular, Class::Regular, Class::Regular, Class::BadName]);
    assert!(
        fields
            .lines(0)
            .map(|(line, _)| (line.name(), line.value()))
            .eq(lines.iter().map(|line| (line.0, line.1)))
    );
    assert!(
        fields
            .lines(0)
            .map(|(line, sensitive)| (line.tag, sensitive))
            .eq(classes.into_iter().zip(lines.iter().map(|line| line.2)))
    );
    assert_eq!(fields.get(b"a"), Some(&b"1"[..]));
    assert_eq!(fields.get(b"b"), Some(&b"c"[..]));
    assert_eq!(fields.get(b"c"), None);
    assert_eq!((fields.len(), fields.iter().len()), (5, 5));
    assert_eq!(fields.list_size(), 6 + 2 + 2 + 2 + 5 * 32);
    fields.clear();
    assert!(fields.is_empty());
    assert_eq!(fields.list_size(), 0);
    assert!(fields.capacity() > 0);
}

#[test]
fn a_draft_is_nothing_until_it_is_committed() {
    let mut fields: Fields = [("a", "1")].into_iter().collect();
    let before = fields.clone();
    let mut draft = fields.draft();
    draft.bytes().extend(b"name");
    draft.end_name();
    draft.bytes().extend(b"value");
    drop(draft);
    assert_eq!((&fields, fields.list_size()), (&before, before.list_size()));

    let mut draft = fields.draft();
    draft.bytes().extend(b"te");
    draft.end_name();
    draft.bytes().extend(b"trailers");
    let line = draft.line();
    assert_eq!((line.name(), line.value(), line.tag), (&b"te"[..], &b"trailers"[..], Class::Te));
    draft.commit(Class::Te.into(), true);
    assert_eq!(fields.get(b"te"), Some(&b"trailers"[..]));
    assert_eq!(fields.len(), 2);
}

#[test]
fn secrets_are_not_shown() {
    let mut fields: Fields = [("a", "1\r\n")].into_iter().collect();
    fields.push_sensitive(b"authorization", b"Bearer x");
    assert_eq!(format!("{fields:?}"), r"[a: 1\r\n, authorization: (sensitive)]");
}
