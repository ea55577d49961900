#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use proptest::prelude::*;

use super::*;

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true))).unwrap()
}

fn ids(columns: &[&str], batch: &RecordBatch) -> Vec<RowId> {
    Identity::new("t", columns).of_batch(batch).unwrap()
}

#[test]
fn the_hash_is_pinned() {
    // Stored lakes are compared with this hash: if it changes, IDENTITY_VERSION must.
    let b = batch(vec![("a", Arc::new(Int64Array::from(vec![7]))), ("b", Arc::new(StringArray::from(vec!["x"])))]);
    assert_eq!(format!("{:032x}", ids(&["a", "b"], &b)[0]), "53a871a03aa1bcb902527401b09e4afe");
}

#[test]
fn null_empty_and_blank_differ() {
    let b = batch(vec![("a", Arc::new(StringArray::from(vec![None, Some(""), Some(" ")])))]);
    let ids = ids(&["a"], &b);
    assert_ne!(ids[0], ids[1]);
    assert_ne!(ids[1], ids[2]);
}

#[test]
fn text_does_not_flow_from_one_column_into_the_next() {
    let b = batch(vec![
        ("a", Arc::new(StringArray::from(vec!["xy", "x"]))),
        ("b", Arc::new(StringArray::from(vec!["z", "yz"]))),
    ]);
    let ids = ids(&["a", "b"], &b);
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn zeros_and_nans_are_one_value_each() {
    let nan = f64::from_bits(f64::NAN.to_bits() | 1);
    let b = batch(vec![("a", Arc::new(Float64Array::from(vec![0.0, -0.0, f64::NAN, nan, 1.0])))]);
    let ids = ids(&["a"], &b);
    assert_eq!(ids[0], ids[1]);
    assert_eq!(ids[2], ids[3]);
    assert_ne!(ids[0], ids[4]);
}

#[test]
fn a_column_outside_the_list_does_not_count_and_a_missing_one_is_null() {
    let old = batch(vec![("a", Arc::new(Int64Array::from(vec![1])))]);
    let new = batch(vec![("a", Arc::new(Int64Array::from(vec![1]))), ("b", Arc::new(Int64Array::from(vec![2])))]);
    assert_eq!(ids(&["a"], &old), ids(&["a"], &new));
    let null = batch(vec![("a", Arc::new(Int64Array::from(vec![1]))), ("b", Arc::new(Int64Array::from(vec![None])))]);
    assert_eq!(ids(&["a", "b"], &old), ids(&["a", "b"], &null));
    assert_ne!(ids(&["a", "b"], &old), ids(&["a", "b"], &new));
}

#[test]
fn an_unknown_type_is_named() {
    let b = batch(vec![("a", Arc::new(arrow::array::Int8Array::from(vec![1])))]);
    let error = Identity::new("t", &["a"]).of_batch(&b).unwrap_err();
    assert_eq!(error.to_string(), "column 'a' of type Int8 has no canonical form");
}

proptest! {
    #[test]
    fn equal_rows_and_only_they_share_an_id(
        rows in prop::collection::vec((prop::option::of(-2_i64..2), prop::option::of("[ab ]{0,3}")), 1..40),
    ) {
        let b = batch(vec![
            ("n", Arc::new(Int64Array::from(rows.iter().map(|r| r.0).collect::<Vec<_>>()))),
            ("s", Arc::new(StringArray::from(rows.iter().map(|r| r.1.clone()).collect::<Vec<_>>()))),
        ]);
        let ids = ids(&["s", "n"], &b);
        for i in 0..rows.len() {
            for j in 0..rows.len() {
                prop_assert_eq!(rows[i] == rows[j], ids[i] == ids[j]);
            }
        }
    }

    #[test]
    fn the_difference_keeps_multiplicity(lake in prop::collection::vec(0_u8..5, 0..30), source in prop::collection::vec(0_u8..5, 0..30)) {
        let mut set = Multiset::default();
        for &id in &lake {
            set.add(u128::from(id));
        }
        let new: Vec<u8> = source.iter().copied().filter(|&id| !set.take(u128::from(id))).collect();
        let count = |list: &[u8], id: u8| list.iter().filter(|&&x| x == id).count();
        for id in 0..5 {
            let (l, s) = (count(&lake, id), count(&source, id));
            prop_assert_eq!(count(&new, id), s.saturating_sub(l));
        }
        prop_assert_eq!(set.rows() as usize, lake.len() - (source.len() - new.len()));
    }
}
