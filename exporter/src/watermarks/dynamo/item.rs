//! What an item holds: a watermark, a lease, or both. Pure.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::super::{Lease, Watermark};

pub(super) const CLUSTER: &str = "cluster_id";
pub(super) const TABLE: &str = "table_name";
pub(super) const COVERED_FROM: &str = "covered_from";
pub(super) const COVERED_UNTIL: &str = "covered_until";
pub(super) const SWEPT_ONCE: &str = "swept_once";
pub(super) const SWEPT_TWICE: &str = "swept_twice";
pub(super) const HOLDER: &str = "lease_holder";
pub(super) const FENCE: &str = "lease_fence";
pub(super) const EXPIRES_AT: &str = "lease_expires_at";

/// An item, as the client gives it.
pub(super) type Item = HashMap<String, AttributeValue>;

/// An attribute that is not what this program writes.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    /// An attribute that has to be there.
    #[error("attribute {0} is missing")]
    Missing(&'static str),
    /// An attribute of another type, or out of range.
    #[error("attribute {0} is not {1}")]
    NotA(&'static str, &'static str),
}

/// The key of one (cluster, table).
pub(super) fn key(cluster_id: &str, table: &str) -> Item {
    let text = |value: &str| AttributeValue::S(value.to_owned());
    Item::from([(CLUSTER.to_owned(), text(cluster_id)), (TABLE.to_owned(), text(table))])
}

/// The watermark, if there is one.
pub(super) fn watermark(item: &Item) -> Result<Option<Watermark>, Malformed> {
    let Some(covered_until) = number(item, COVERED_UNTIL)? else { return Ok(None) };
    let covered_from = number(item, COVERED_FROM)?.ok_or(Malformed::Missing(COVERED_FROM))?;
    Ok(Some(Watermark {
        covered_from,
        covered_until,
        swept_once: number(item, SWEPT_ONCE)?,
        swept_twice: number(item, SWEPT_TWICE)?,
    }))
}

/// The lease, unless it was given back.
pub(super) fn lease(item: &Item) -> Result<Option<Lease>, Malformed> {
    let Some(holder) = text(item, HOLDER)? else { return Ok(None) };
    Ok(Some(Lease {
        holder,
        fence: number(item, FENCE)?.ok_or(Malformed::Missing(FENCE))?,
        expires_at: number(item, EXPIRES_AT)?.ok_or(Malformed::Missing(EXPIRES_AT))?,
    }))
}

/// The (cluster, table) that the item is about.
pub(super) fn names(item: &Item) -> Result<(String, String), Malformed> {
    let name = |attribute| text(item, attribute)?.ok_or(Malformed::Missing(attribute));
    Ok((name(CLUSTER)?, name(TABLE)?))
}

fn text(item: &Item, attribute: &'static str) -> Result<Option<String>, Malformed> {
    match item.get(attribute) {
        None => Ok(None),
        Some(AttributeValue::S(value)) => Ok(Some(value.clone())),
        Some(_) => Err(Malformed::NotA(attribute, "text")),
    }
}

fn number<T: std::str::FromStr>(item: &Item, attribute: &'static str) -> Result<Option<T>, Malformed> {
    match item.get(attribute) {
        None => Ok(None),
        Some(AttributeValue::N(value)) => match value.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(Malformed::NotA(attribute, "a whole number in range")),
        },
        Some(_) => Err(Malformed::NotA(attribute, "a number")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    fn n(value: &str) -> AttributeValue {
        AttributeValue::N(value.to_owned())
    }

    fn item(attributes: &[(&str, AttributeValue)]) -> Item {
        let mut item = key("etl@2", "stl_query");
        item.extend(attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        item
    }

    #[test]
    fn an_item_has_a_watermark_a_lease_or_both() {
        let bare = item(&[]);
        assert_eq!(names(&bare).unwrap(), ("etl@2".to_owned(), "stl_query".to_owned()));
        assert_eq!((watermark(&bare).unwrap(), lease(&bare).unwrap()), (None, None));

        let whole = item(&[
            (COVERED_FROM, n("-5")),
            (COVERED_UNTIL, n("1790000000000000")),
            (SWEPT_ONCE, n("20600")),
            (HOLDER, AttributeValue::S("h".to_owned())),
            (FENCE, n("7")),
            (EXPIRES_AT, n("9")),
        ]);
        let marked = Watermark {
            covered_from: -5,
            covered_until: 1_790_000_000_000_000,
            swept_once: Some(20_600),
            swept_twice: None,
        };
        assert_eq!(watermark(&whole).unwrap(), Some(marked));
        assert_eq!(lease(&whole).unwrap(), Some(Lease { holder: "h".to_owned(), fence: 7, expires_at: 9 }));

        let given_back = item(&[(FENCE, n("7"))]);
        assert_eq!((watermark(&given_back).unwrap(), lease(&given_back).unwrap()), (None, None));
    }

    #[test]
    fn an_attribute_of_another_kind_is_an_error_and_not_a_watermark() {
        let cases = [
            (item(&[(COVERED_UNTIL, AttributeValue::S("1".to_owned()))]), Malformed::NotA(COVERED_UNTIL, "a number")),
            (item(&[(COVERED_UNTIL, n("1.5"))]), Malformed::NotA(COVERED_UNTIL, "a whole number in range")),
            (item(&[(COVERED_UNTIL, n("1"))]), Malformed::Missing(COVERED_FROM)),
            (
                item(&[(COVERED_UNTIL, n("1")), (COVERED_FROM, n("1")), (SWEPT_TWICE, n("3000000000"))]),
                Malformed::NotA(SWEPT_TWICE, "a whole number in range"),
            ),
        ];
        for (item, expected) in cases {
            assert_eq!(watermark(&item).unwrap_err(), expected);
        }
        let held = item(&[(HOLDER, AttributeValue::S("h".to_owned())), (FENCE, n("1"))]);
        assert_eq!(lease(&held).unwrap_err(), Malformed::Missing(EXPIRES_AT));
        assert_eq!(names(&Item::new()).unwrap_err(), Malformed::Missing(CLUSTER));
    }
}
