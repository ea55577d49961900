//! What SUM and AVG remember: how many values there were, and their sum in 128 bits.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Int64Array};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type};
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_datafusion_err, internal_err};
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};

use super::each;
use super::totals::Kind;

/// What a total is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    /// Digits behind the point, of decimals; integers have none.
    pub(super) scale: Option<i8>,
}

impl Shape {
    pub(super) fn state_type(self) -> DataType {
        DataType::Decimal128(38, self.scale.unwrap_or(0))
    }

    fn is_too_large(self) -> DataFusionError {
        let (what, limit) = match self.scale {
            None => ("a sum of integers", "64 bits (BIGINT); cast the values to NUMERIC(38,0) to have more"),
            Some(_) => ("a sum of numerics", "38 digits"),
        };
        exec_datafusion_err!("numeric overflow: {what} does not fit in {limit}")
    }

    fn add(self, sum: i128, value: i128) -> Result<i128> {
        sum.checked_add(value).ok_or_else(|| self.is_too_large())
    }

    /// The result's digits; `None` if there was no value.
    fn finish(self, count: i64, sum: i128) -> Result<Option<i128>> {
        if count == 0 {
            return Ok(None);
        }
        let digits = match self.kind {
            Kind::Sum => sum,
            Kind::Average => sum / i128::from(count),
        };
        let fits = match self.scale {
            None => i64::try_from(digits).is_ok(),
            Some(_) => digits.unsigned_abs() < 10_u128.pow(38),
        };
        if fits { Ok(Some(digits)) } else { Err(self.is_too_large()) }
    }

    fn result(self, totals: impl Iterator<Item = (i64, i128)>) -> Result<ArrayRef> {
        let digits = totals.map(|(count, sum)| self.finish(count, sum));
        Ok(match self.scale {
            None => {
                let digits = digits.map(|digits| Ok(digits?.and_then(|digits| i64::try_from(digits).ok())));
                Arc::new(digits.collect::<Result<Int64Array>>()?)
            }
            Some(_) => self.decimals(digits.collect::<Result<Decimal128Array>>()?)?,
        })
    }

    fn decimals(self, digits: Decimal128Array) -> Result<ArrayRef> {
        Ok(Arc::new(digits.with_precision_and_scale(38, self.scale.unwrap_or(0))?))
    }
}

/// The total of one group, or of one window.
#[derive(Debug)]
pub(super) struct OneTotal {
    shape: Shape,
    count: i64,
    sum: i128,
}

impl OneTotal {
    pub(super) fn new(shape: Shape) -> Self {
        Self { shape, count: 0, sum: 0 }
    }
}

impl Accumulator for OneTotal {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        each(&values[0], |_, value| {
            if let Some(value) = value {
                self.sum = self.shape.add(self.sum, value)?;
                self.count += 1;
            }
            Ok(())
        })
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        each(&values[0], |_, value| {
            if let Some(value) = value {
                self.sum = self.shape.add(self.sum, -value)?;
                self.count -= 1;
            }
            Ok(())
        })
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&self.shape.result(std::iter::once((self.count, self.sum)))?, 0)
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let scale = self.shape.scale.unwrap_or(0);
        Ok(vec![ScalarValue::Int64(Some(self.count)), ScalarValue::Decimal128(Some(self.sum), 38, scale)])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let (counts, sums) = columns(states)?;
        for at in 0..counts.len() {
            self.count += counts.value(at);
            self.sum = self.shape.add(self.sum, sums.value(at))?;
        }
        Ok(())
    }
}

fn columns(states: &[ArrayRef]) -> Result<(&Int64Array, &Decimal128Array)> {
    match states {
        [counts, sums] => Ok((counts.as_primitive::<Int64Type>(), sums.as_primitive::<Decimal128Type>())),
        _ => internal_err!("the state of a total has two columns"),
    }
}

/// The totals of many groups.
pub(super) struct GroupTotals {
    shape: Shape,
    counts: Vec<i64>,
    sums: Vec<i128>,
}

impl GroupTotals {
    pub(super) fn new(shape: Shape) -> Self {
        Self { shape, counts: Vec::new(), sums: Vec::new() }
    }

    fn make_room(&mut self, groups: usize) {
        self.counts.resize(groups, 0);
        self.sums.resize(groups, 0);
    }
}

fn counts_row(filter: Option<&BooleanArray>, at: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(at) && filter.value(at))
}

impl GroupsAccumulator for GroupTotals {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.make_room(total);
        if let (Some(integers), None) = (values[0].as_primitive_opt::<Int64Type>(), filter)
            && integers.null_count() == 0
        {
            // The usual case, at its usual speed: 128 bits hold the sum of more integers than there can be.
            for (&group, &value) in groups.iter().zip(integers.values()) {
                self.counts[group] += 1;
                self.sums[group] += i128::from(value);
            }
            return Ok(());
        }
        each(&values[0], |at, value| {
            if let Some(value) = value
                && counts_row(filter, at)
            {
                let group = groups[at];
                self.counts[group] += 1;
                self.sums[group] = self.shape.add(self.sums[group], value)?;
            }
            Ok(())
        })
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let (counts, sums) = (emit.take_needed(&mut self.counts), emit.take_needed(&mut self.sums));
        self.shape.result(counts.into_iter().zip(sums))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let (counts, sums) = (emit.take_needed(&mut self.counts), emit.take_needed(&mut self.sums));
        Ok(vec![Arc::new(Int64Array::from(counts)), self.shape.decimals(Decimal128Array::from(sums))?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.make_room(total);
        let (counts, sums) = columns(states)?;
        for (at, &group) in groups.iter().enumerate() {
            self.counts[group] += counts.value(at);
            self.sums[group] = self.shape.add(self.sums[group], sums.value(at))?;
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let (mut counts, mut sums) = (Vec::new(), Vec::new());
        each(&values[0], |at, value| {
            let value = value.filter(|_| counts_row(filter, at));
            counts.push(i64::from(value.is_some()));
            sums.push(value.unwrap_or(0));
            Ok(())
        })?;
        Ok(vec![Arc::new(Int64Array::from(counts)), self.shape.decimals(Decimal128Array::from(sums))?])
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.counts.capacity() * size_of::<i64>() + self.sums.capacity() * size_of::<i128>()
    }
}

/// SUM(DISTINCT ...) and AVG(DISTINCT ...).
#[derive(Debug)]
pub(super) struct DistinctTotal {
    shape: Shape,
    seen: HashSet<i128>,
}

impl DistinctTotal {
    pub(super) fn new(shape: Shape) -> Self {
        Self { shape, seen: HashSet::new() }
    }
}

impl Accumulator for DistinctTotal {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        each(&values[0], |_, value| {
            self.seen.extend(value);
            Ok(())
        })
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let count = i64::try_from(self.seen.len()).map_err(|_| self.shape.is_too_large())?;
        let sum = self.seen.iter().try_fold(0, |sum, value| self.shape.add(sum, *value))?;
        ScalarValue::try_from_array(&self.shape.result(std::iter::once((count, sum)))?, 0)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.seen.capacity() * size_of::<i128>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let scale = self.shape.scale.unwrap_or(0);
        let seen: Vec<ScalarValue> =
            self.seen.iter().map(|value| ScalarValue::Decimal128(Some(*value), 38, scale)).collect();
        Ok(vec![ScalarValue::List(ScalarValue::new_list_nullable(&seen, &self.shape.state_type()))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for list in states[0].as_list::<i32>().iter().flatten() {
            self.update_batch(&[list])?;
        }
        Ok(())
    }
}
