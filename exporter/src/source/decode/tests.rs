use arrow::array::{Array, AsArray};
use proptest::prelude::*;

use super::*;

#[test]
fn types_come_from_the_cluster() {
    let column = |name: &str, wire: Type, modifier| WireType { name: name.into(), wire, modifier };
    assert_eq!(lake_type(&column("text", Type::BPCHAR, 204), None), Some(LakeType::Text { trim: false }));
    assert_eq!(lake_type(&column("text", Type::BPCHAR, 104), None), Some(LakeType::Text { trim: true }));
    assert_eq!(lake_type(&column("label", Type::BPCHAR, 204), None), Some(LakeType::Text { trim: true }));
    let numeric = (38 << 16 | 2) + 4;
    assert_eq!(
        lake_type(&column("n", Type::NUMERIC, numeric), None),
        Some(LakeType::Decimal { precision: 38, scale: 2 })
    );
    assert_eq!(lake_type(&column("n", Type::NUMERIC, -1), None), None);
    assert_eq!(lake_type(&column("p", Type::POINT, -1), None), None);
}

/// A `DataRow` message.
fn row(values: &[Option<&[u8]>]) -> Vec<u8> {
    let mut body = u16::try_from(values.len()).unwrap().to_be_bytes().to_vec();
    for value in values {
        body.extend(value.map_or(-1, |v| i32::try_from(v.len()).unwrap()).to_be_bytes());
        body.extend_from_slice(value.unwrap_or_default());
    }
    [b"D", (i32::try_from(body.len()).unwrap() + 4).to_be_bytes().as_slice(), &body].concat()
}

fn decoder(wire: &[Type]) -> Decoder {
    let column = |wire: &Type| {
        let described = WireType { name: "c".into(), wire: wire.clone(), modifier: -1 };
        SourceColumn { name: "c".into(), lake_type: lake_type(&described, None).unwrap() }
    };
    let columns: Vec<SourceColumn> = wire.iter().map(column).collect();
    let fields: Vec<_> =
        columns.iter().map(|c| arrow::datatypes::Field::new(&c.name, c.lake_type.arrow(), true)).collect();
    Decoder::new(Arc::new(arrow::datatypes::Schema::new(fields)), wire, &columns)
}

#[test]
fn a_batch_ends_when_it_is_full() {
    let mut decoder = decoder(&[Type::INT8]);
    let rows: Vec<u8> = (0..BATCH_ROWS as i64 + 3).flat_map(|i| row(&[Some(&i.to_be_bytes())])).collect();
    let mut run = Bytes::from(rows);
    decoder.push(&mut run).unwrap();
    assert!(decoder.is_full());
    assert_eq!(decoder.take().unwrap().num_rows(), BATCH_ROWS);
    decoder.push(&mut run).unwrap();
    assert!(run.is_empty() && !decoder.is_full());
    assert_eq!(decoder.take().unwrap().num_rows(), 3);
}

#[test]
fn a_row_of_another_shape_is_refused() {
    let good = row(&[Some(&[0; 8]), None]);
    let mut short = good.clone();
    short.pop();
    let mut long = good.clone();
    long.push(0);
    let length = i32::try_from(long.len()).unwrap() - 1;
    long[1..5].copy_from_slice(&length.to_be_bytes());
    for wrong in [short, long, row(&[None]), row(&[None, None, None]), b"Z\0\0\0\x05I\0".to_vec()] {
        let error = decoder(&[Type::INT8, Type::INT8]).push(&mut Bytes::from(wrong)).unwrap_err();
        assert!(matches!(error, DecodeError::Row(_)), "{error}");
    }
    let error = decoder(&[Type::INT8]).push(&mut Bytes::from(row(&[Some(&[0; 4])]))).unwrap_err();
    assert_eq!(error.to_string(), "column 'c': 4 bytes where 8 were expected");
}

proptest! {
    #[test]
    fn rows_are_read_back(
        rows in prop::collection::vec((any::<Option<i32>>(), any::<Option<bool>>(), any::<Option<String>>()), 0..50),
    ) {
        let mut decoder = decoder(&[Type::INT4, Type::BOOL, Type::TEXT]);
        for (number, flag, text) in &rows {
            let (number, flag) = (number.map(i32::to_be_bytes), flag.map(|f| [u8::from(f)]));
            let values = [number.as_ref().map(|n| &n[..]), flag.as_ref().map(|f| &f[..]), text.as_ref().map(|t| t.as_bytes())];
            decoder.push(&mut Bytes::from(row(&values))).unwrap();
        }
        let batch = decoder.take().unwrap();
        prop_assert_eq!(batch.num_rows(), rows.len());
        let texts = batch.column(2).as_string::<i32>();
        for (i, (number, flag, text)) in rows.iter().enumerate() {
            let numbers = batch.column(0).as_primitive::<arrow::datatypes::Int64Type>();
            prop_assert_eq!(numbers.is_valid(i).then(|| numbers.value(i)), number.map(i64::from));
            let flags = batch.column(1).as_boolean();
            prop_assert_eq!(flags.is_valid(i).then(|| flags.value(i)), *flag);
            prop_assert_eq!(texts.is_valid(i).then(|| texts.value(i)), text.as_deref());
        }
    }

    #[test]
    fn any_bytes_are_rows_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decoder(&[Type::INT4, Type::TEXT]).push(&mut Bytes::from(bytes));
    }
}
