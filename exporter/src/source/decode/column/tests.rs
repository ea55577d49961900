use arrow::array::AsArray;
use proptest::prelude::*;

use super::*;

fn wire(groups: &[i16], weight: i16, negative: bool) -> Vec<u8> {
    let sign: i16 = if negative { 0x4000 } else { 0 };
    let header = [i16::try_from(groups.len()).unwrap_or(0), weight, sign, 0];
    header.iter().chain(groups).flat_map(|w| w.to_be_bytes()).collect()
}

#[test]
fn numerics() {
    assert_eq!(numeric(&wire(&[], 0, false), 2), Ok(0));
    assert_eq!(numeric(&wire(&[1, 2345], 0, false), 4), Ok(12_345));
    assert_eq!(numeric(&wire(&[1, 2300], 0, true), 2), Ok(-123));
    assert_eq!(numeric(&wire(&[5], 2, false), 0), Ok(500_000_000));
    assert_eq!(numeric(&wire(&[500], -1, false), 2), Ok(5));
    assert!(numeric(&wire(&[1, 2345], 0, false), 2).is_err());
    assert!(numeric(&[0, 1, 0], 2).is_err());
    assert!(numeric(&wire(&[9999], 30, false), 0).is_err());
}

#[test]
fn blanks_at_the_end_are_padding_only_there() {
    assert_eq!(trim_blanks(b"  a b  "), b"  a b");
    assert_eq!(trim_blanks(b"   "), b"");
    assert_eq!(trim_blanks(b""), b"");
    assert_eq!(trim_blanks(b"a\t"), b"a\t");
    for blanks in [63, 64, 65, 200, 4_000] {
        let padded = [b"a b".as_slice(), &vec![b' '; blanks]].concat();
        assert_eq!(trim_blanks(&padded), b"a b");
        assert_eq!(trim_blanks(&padded[3..]), b"");
    }
}

#[test]
fn infinities_are_printable() {
    assert_eq!(timestamp(i64::MAX), LATEST);
    assert_eq!(timestamp(i64::MIN), EARLIEST);
    assert_eq!(timestamp(0), Y2000);
    assert_eq!(time_text(86_399_000_001), "23:59:59.000001");
}

proptest! {
    #[test]
    fn any_bytes_are_a_number_or_an_error(raw in prop::collection::vec(any::<u8>(), 0..40), scale in 0..38_i32) {
        let _ = numeric(&raw, scale);
    }

    #[test]
    fn a_number_is_read_back(value in -10_i128.pow(30)..10_i128.pow(30), scale in 0_i32..12) {
        // As the server writes it: groups of four digits around the point.
        let shift = (4 - scale % 4) % 4;
        let mut rest = value.unsigned_abs() * 10_u128.pow(shift.unsigned_abs());
        let mut groups = Vec::new();
        while rest > 0 {
            groups.insert(0, i16::try_from(rest % 10_000).unwrap_or(0));
            rest /= 10_000;
        }
        let weight = groups.len() as i32 - 1 - (scale + shift) / 4;
        prop_assert_eq!(numeric(&wire(&groups, weight as i16, value < 0), scale), Ok(value));
    }
}

fn texts(values: &[Option<&[u8]>], wire: &Type, lake_type: LakeType) -> Vec<Option<String>> {
    let mut column = Column::new(wire, lake_type);
    for value in values {
        match value {
            Some(raw) => _ = column.append(raw).unwrap(),
            None => column.append_null(),
        }
    }
    let array = column.finish().unwrap();
    array.as_string::<i32>().iter().map(|v| v.map(str::to_owned)).collect()
}

#[test]
fn half_a_character_does_not_borrow_its_other_half_from_the_next_row() {
    let values: [Option<&[u8]>; 4] = [Some(b"caf\xc3"), Some(b"\xa9"), None, Some("\u{e9}".as_bytes())];
    let wanted = [Some("caf\u{fffd}"), Some("\u{fffd}"), None, Some("\u{e9}")];
    let found = texts(&values, &Type::VARCHAR, LakeType::Text { trim: false });
    assert_eq!(found.iter().map(Option::as_deref).collect::<Vec<_>>(), wanted);
}

#[test]
fn a_column_starts_over_after_each_batch() {
    let mut column = Column::new(&Type::INT4, LakeType::Long);
    column.append_null();
    column.append(&7_i32.to_be_bytes()).unwrap();
    assert_eq!(column.finish().unwrap().as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [None, Some(7)]);
    column.append(&(-1_i32).to_be_bytes()).unwrap();
    assert_eq!(column.finish().unwrap().as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [Some(-1)]);
    assert_eq!(column.append(&[0]), Err("1 bytes where 4 were expected".to_owned()));
}
