//! The conditional writes, as expressions. Pure.
//!
//! Every write is one `UpdateItem` with a condition, so that DynamoDB decides who was first.

use std::fmt::Write as _;

use aws_sdk_dynamodb::types::AttributeValue;

use super::super::{Lease, Watermark};
use super::item::{COVERED_FROM, COVERED_UNTIL, EXPIRES_AT, FENCE, HOLDER, Item, SWEPT_ONCE, SWEPT_TWICE};

/// One conditional write.
#[derive(Debug, PartialEq)]
pub(super) struct Update {
    pub(super) expression: String,
    pub(super) condition: String,
    pub(super) values: Item,
}

/// Where a fence comes from. The language of expressions has no maximum of two numbers, so it takes two writes to have the
/// larger of clock and count; nearly always the first is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fence {
    /// The time of the grant, if that is more than every fence before.
    Clock,
    /// One more than the fence before, where that is not behind the clock.
    Count,
}

/// Takes a lease that is free, ended, or the holder's own.
pub(super) fn grant(holder: &str, now: i64, expires_at: i64, fence: Fence) -> Update {
    let (next, behind) = match fence {
        Fence::Clock => (":fence".to_owned(), format!("(attribute_not_exists({FENCE}) OR {FENCE} < :fence)")),
        Fence::Count => (format!("{FENCE} + :one"), format!("{FENCE} >= :fence")),
    };
    let mut values = Item::from([
        (":holder".to_owned(), AttributeValue::S(holder.to_owned())),
        (":now".to_owned(), number(now)),
        (":expires".to_owned(), number(expires_at)),
        (":fence".to_owned(), number(now.max(1))),
    ]);
    if fence == Fence::Count {
        values.insert(":one".to_owned(), number(1));
    }
    Update {
        expression: format!("SET {HOLDER} = :holder, {EXPIRES_AT} = :expires, {FENCE} = {next}"),
        condition: format!(
            "(attribute_not_exists({HOLDER}) OR {HOLDER} = :holder OR {EXPIRES_AT} <= :now) AND {behind}"
        ),
        values,
    }
}

/// Stores `next` over `expected`. With `release`, only where the lease is still that one, which is then given back.
pub(super) fn advance(expected: Option<&Watermark>, next: &Watermark, release: Option<&Lease>) -> Update {
    let mut values = Item::new();
    let mut value = |name: &str, of: i64| {
        values.insert(name.to_owned(), number(of));
    };
    value(":from", next.covered_from);
    value(":until", next.covered_until);
    let mut set = format!("SET {COVERED_FROM} = :from, {COVERED_UNTIL} = :until");
    let mut remove = Vec::new();
    for (attribute, name, day) in [(SWEPT_ONCE, ":once", next.swept_once), (SWEPT_TWICE, ":twice", next.swept_twice)] {
        match day {
            Some(day) => {
                value(name, i64::from(day));
                // Writing to a `String` cannot fail.
                let _ = write!(set, ", {attribute} = {name}");
            }
            None => remove.push(attribute),
        }
    }
    let mut conditions = Vec::new();
    match expected {
        None => conditions.push(format!("attribute_not_exists({COVERED_UNTIL})")),
        Some(was) => {
            let fields = [
                (COVERED_FROM, ":was_from", Some(was.covered_from)),
                (COVERED_UNTIL, ":was_until", Some(was.covered_until)),
                (SWEPT_ONCE, ":was_once", was.swept_once.map(i64::from)),
                (SWEPT_TWICE, ":was_twice", was.swept_twice.map(i64::from)),
            ];
            for (attribute, name, was) in fields {
                if let Some(was) = was {
                    value(name, was);
                    conditions.push(format!("{attribute} = {name}"));
                } else {
                    conditions.push(format!("attribute_not_exists({attribute})"));
                }
            }
        }
    }
    if let Some(lease) = release {
        value(":lease", lease.fence);
        conditions.push(format!("{FENCE} = :lease"));
        remove.extend([HOLDER, EXPIRES_AT]);
    }
    if !remove.is_empty() {
        let _ = write!(set, " REMOVE {}", remove.join(", "));
    }
    Update { expression: set, condition: conditions.join(" AND "), values }
}

/// Gives a lease back that has not passed to somebody else. The fence stays, so that it goes on growing.
pub(super) fn release(lease: &Lease) -> Update {
    Update {
        expression: format!("REMOVE {HOLDER}, {EXPIRES_AT}"),
        condition: format!("{FENCE} = :lease"),
        values: Item::from([(":lease".to_owned(), number(lease.fence))]),
    }
}

fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(of: &[(&str, i64)]) -> Item {
        of.iter().map(|(name, value)| ((*name).to_owned(), number(*value))).collect()
    }

    /// DynamoDB refuses a write with a value that no expression uses, and one that lacks a value.
    fn uses_exactly_its_values(update: &Update) {
        let text = format!("{} {}", update.expression, update.condition);
        let mut used: Vec<&str> = text
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
            .filter(|w| w.starts_with(':'))
            .collect();
        used.sort_unstable();
        used.dedup();
        let mut given: Vec<&str> = update.values.keys().map(String::as_str).collect();
        given.sort_unstable();
        assert_eq!(used, given, "{text}");
    }

    #[test]
    fn the_first_watermark_is_written_where_there_is_none() {
        let next = Watermark { covered_from: 1, covered_until: 2, swept_once: Some(3), swept_twice: None };
        let update = advance(None, &next, None);
        assert_eq!(
            update.expression,
            "SET covered_from = :from, covered_until = :until, swept_once = :once REMOVE swept_twice"
        );
        assert_eq!(update.condition, "attribute_not_exists(covered_until)");
        assert_eq!(update.values, values(&[(":from", 1), (":until", 2), (":once", 3)]));
    }

    #[test]
    fn a_watermark_with_its_lease_is_one_write() {
        let was = Watermark { covered_from: 1, covered_until: 2, swept_once: Some(3), swept_twice: None };
        let next = Watermark { covered_until: 5, swept_twice: Some(3), ..was };
        let lease = Lease { holder: "h".to_owned(), fence: 9, expires_at: 10 };
        let update = advance(Some(&was), &next, Some(&lease));
        assert_eq!(
            update.expression,
            "SET covered_from = :from, covered_until = :until, swept_once = :once, swept_twice = :twice \
             REMOVE lease_holder, lease_expires_at"
        );
        assert_eq!(
            update.condition,
            "covered_from = :was_from AND covered_until = :was_until AND swept_once = :was_once \
             AND attribute_not_exists(swept_twice) AND lease_fence = :lease"
        );
        assert_eq!(update.values[":lease"], number(9));
    }

    #[test]
    fn every_write_uses_exactly_the_values_that_it_brings() {
        let lease = Lease { holder: "h".to_owned(), fence: 9, expires_at: 10 };
        uses_exactly_its_values(&grant("h", 1, 2, Fence::Clock));
        uses_exactly_its_values(&grant("h", 1, 2, Fence::Count));
        uses_exactly_its_values(&release(&lease));
        let days = [None, Some(1)];
        for (once, twice) in days.iter().flat_map(|a| days.iter().map(move |b| (*a, *b))) {
            let mark = Watermark { covered_from: 1, covered_until: 2, swept_once: once, swept_twice: twice };
            for expected in [None, Some(&mark)] {
                uses_exactly_its_values(&advance(expected, &mark, None));
                uses_exactly_its_values(&advance(expected, &mark, Some(&lease)));
            }
        }
    }
}
