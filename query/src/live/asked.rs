//! What filters say about where rows can be: which clusters, and which window of time.
//!
//! Only what is certain narrows anything: every row that passes the filters lies in the window, and is of one of the clusters.
//! What is not understood says nothing. The filters are applied again to the rows that come.
//!
//! A row is placed by its table's time column, or by another column where that one says "never" (NULL, or 2000-01-01). So bounds
//! of the time column bound the window only if they leave out the rows that say "never", which a lower bound after 2000 does; a
//! table without that other column has no such rows. Bounds of `log_date`, which is the day of the moment that places a row, always
//! do.

use std::collections::BTreeSet;

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use lookback_schemas::TableSpec;
use lookback_schemas::names::{CLUSTER_ID, LOG_DATE};
use lookback_schemas::registry::CursorUnit;
use lookback_schemas::time::{DAY, Y2000, is_real};

/// Where rows can be that pass filters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// First moment, microseconds UTC.
    pub(crate) from: i64,
    /// First moment behind.
    pub(crate) to: i64,
    /// The clusters; `None` for any.
    pub(crate) cluster_ids: Option<BTreeSet<String>>,
}

impl Asked {
    /// What the filters, all of which hold, say about a table's rows.
    pub(crate) fn of(spec: &TableSpec, filters: &[Expr]) -> Self {
        let facts = filters.iter().map(|filter| Facts::of(spec, filter)).fold(Facts::default(), Facts::and);
        let decides = spec.fallback.is_none() || is_real(facts.cursor.from);
        let window = if decides { facts.placed.and(facts.cursor) } else { facts.placed };
        Self { from: window.from, to: window.to, cluster_ids: facts.clusters }
    }
}

/// Moments from the first to the one behind the last; `i64::MAX` is no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    from: i64,
    to: i64,
}

const EVER: Span = Span { from: i64::MIN, to: i64::MAX };

impl Span {
    fn and(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), to: self.to.min(other.to) }
    }

    /// The shortest that has both.
    fn or(self, other: Self) -> Self {
        Self { from: self.from.min(other.from), to: self.to.max(other.to) }
    }
}

/// What is known of the rows that pass an expression.
#[derive(Debug, Clone)]
struct Facts {
    /// Values of the time column, as microseconds UTC.
    cursor: Span,
    /// Moments that place rows.
    placed: Span,
    clusters: Option<BTreeSet<String>>,
}

impl Default for Facts {
    fn default() -> Self {
        Self { cursor: EVER, placed: EVER, clusters: None }
    }
}

impl Facts {
    fn of(spec: &TableSpec, filter: &Expr) -> Self {
        match filter {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                Self::of(spec, left).and(Self::of(spec, right))
            }
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
                Self::of(spec, left).or(Self::of(spec, right))
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (left.as_ref(), right.as_ref()) {
                (of, Expr::Literal(value, _)) => Self::compared(spec, of, *op, value),
                (Expr::Literal(value, _), of) => {
                    op.swap().map(|op| Self::compared(spec, of, op, value)).unwrap_or_default()
                }
                _ => Self::default(),
            },
            Expr::Between(between) if !between.negated => match (between.low.as_ref(), between.high.as_ref()) {
                (Expr::Literal(low, _), Expr::Literal(high, _)) => Self::compared(
                    spec,
                    &between.expr,
                    Operator::GtEq,
                    low,
                )
                .and(Self::compared(spec, &between.expr, Operator::LtEq, high)),
                _ => Self::default(),
            },
            Expr::InList(list) if !list.negated => {
                let one = |value: &Expr| match value {
                    Expr::Literal(value, _) => Self::compared(spec, &list.expr, Operator::Eq, value),
                    _ => Self::default(),
                };
                list.list.iter().map(one).reduce(Self::or).unwrap_or_default()
            }
            _ => Self::default(),
        }
    }

    fn and(self, other: Self) -> Self {
        let clusters = match (self.clusters, other.clusters) {
            (Some(a), Some(b)) => Some(a.intersection(&b).cloned().collect()),
            (one, other) => one.or(other),
        };
        Self { cursor: self.cursor.and(other.cursor), placed: self.placed.and(other.placed), clusters }
    }

    fn or(self, other: Self) -> Self {
        let clusters = self.clusters.zip(other.clusters).map(|(a, b)| a.union(&b).cloned().collect());
        Self { cursor: self.cursor.or(other.cursor), placed: self.placed.or(other.placed), clusters }
    }

    fn compared(spec: &TableSpec, of: &Expr, op: Operator, value: &ScalarValue) -> Self {
        Self::known(spec, of, op, value).unwrap_or_default()
    }

    fn known(spec: &TableSpec, of: &Expr, op: Operator, value: &ScalarValue) -> Option<Self> {
        let (name, cast) = match of {
            Expr::Column(column) => (column.name.as_str(), None),
            Expr::Cast(cast) => match cast.expr.as_ref() {
                Expr::Column(column) => (column.name.as_str(), Some(cast.field.data_type())),
                _ => return None,
            },
            _ => return None,
        };
        let mut facts = Self::default();
        match (name, cast) {
            (CLUSTER_ID, None) if op == Operator::Eq => {
                let id = value.try_as_str().flatten()?;
                facts.clusters = Some(BTreeSet::from([id.to_owned()]));
            }
            (LOG_DATE, None | Some(DataType::Timestamp(_, None))) => {
                facts.placed = on_day(op, Moment::of(value)?)?;
            }
            (name, cast) if name == spec.time_column() => {
                facts.cursor = match (spec.cursor_unit, cast) {
                    (CursorUnit::Timestamp, None) => at(op, Moment::of(value)?)?,
                    (CursorUnit::Timestamp, Some(DataType::Date32)) => {
                        let ScalarValue::Date32(Some(day)) = value else { return None };
                        days(op, i64::from(*day) * DAY)?
                    }
                    (CursorUnit::MicrosSince2000, None) => {
                        let ScalarValue::Int64(Some(number)) = value else { return None };
                        at(op, Moment { micros: number.saturating_add(Y2000), exact: true })?
                    }
                    _ => return None,
                };
            }
            _ => return None,
        }
        Some(facts)
    }
}

/// A literal time: the microsecond that it is, or that it lies behind.
#[derive(Debug, Clone, Copy)]
struct Moment {
    micros: i64,
    exact: bool,
}

impl Moment {
    fn of(value: &ScalarValue) -> Option<Self> {
        let exact = |micros: Option<i64>| micros.map(|micros| Self { micros, exact: true });
        match value {
            ScalarValue::TimestampSecond(Some(v), None) => exact(v.checked_mul(1_000_000)),
            ScalarValue::TimestampMillisecond(Some(v), None) => exact(v.checked_mul(1_000)),
            ScalarValue::TimestampMicrosecond(Some(v), None) => exact(Some(*v)),
            ScalarValue::TimestampNanosecond(Some(v), None) => {
                Some(Self { micros: v.div_euclid(1_000), exact: v.rem_euclid(1_000) == 0 })
            }
            ScalarValue::Date32(Some(day)) => exact(Some(i64::from(*day) * DAY)),
            _ => None,
        }
    }

    /// The first microsecond that is not before it.
    fn ceiling(self) -> i64 {
        if self.exact { self.micros } else { self.micros.saturating_add(1) }
    }

    fn next(self) -> i64 {
        self.micros.saturating_add(1)
    }
}

/// Microseconds that compare so with a moment.
fn at(op: Operator, moment: Moment) -> Option<Span> {
    Some(match op {
        Operator::Gt => Span { from: moment.next(), ..EVER },
        Operator::GtEq => Span { from: moment.ceiling(), ..EVER },
        Operator::Lt => Span { to: moment.ceiling(), ..EVER },
        Operator::LtEq => Span { to: moment.next(), ..EVER },
        Operator::Eq => Span { from: moment.micros, to: moment.next() },
        _ => return None,
    })
}

/// Moments whose day compares so with the start of a day.
fn days(op: Operator, start: i64) -> Option<Span> {
    let next = start.saturating_add(DAY);
    Some(match op {
        Operator::Gt => Span { from: next, ..EVER },
        Operator::GtEq => Span { from: start, ..EVER },
        Operator::Lt => Span { to: start, ..EVER },
        Operator::LtEq => Span { to: next, ..EVER },
        Operator::Eq => Span { from: start, to: next },
        _ => return None,
    })
}

/// Moments of days whose start compares so with a moment.
fn on_day(op: Operator, moment: Moment) -> Option<Span> {
    let floor = moment.micros.div_euclid(DAY).saturating_mul(DAY);
    let is_start = moment.exact && floor == moment.micros;
    days(
        match op {
            // Within a day, its own start is before the moment.
            Operator::GtEq if !is_start => Operator::Gt,
            Operator::Lt if !is_start => Operator::LtEq,
            op => op,
        },
        floor,
    )
}
