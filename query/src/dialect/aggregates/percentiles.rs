//! MEDIAN, PERCENTILE_CONT and PERCENTILE_DISC.
//!
//! PERCENTILE_CONT interpolates between the two values around row 1 + fraction * (n - 1); of integers and decimals the result
//! is an exact DECIMAL, with as many digits behind the point as value and fraction have together, of dates and times a date
//! or time. PERCENTILE_DISC is the first value whose share of rows reaches the fraction. MEDIAN is PERCENTILE_CONT(0.5).
//! NULLs do not count. The forms are `PERCENTILE_CONT(fraction) WITHIN GROUP (ORDER BY value [DESC])` and
//! `PERCENTILE_CONT(value, fraction [, descending]) [OVER (PARTITION BY ...)]`.
//!
//! Sources: Amazon Redshift Database Developer Guide, "MEDIAN function", "PERCENTILE_CONT function" and
//! "PERCENTILE_DISC window function".

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, FieldRef, Float64Type, Int64Type, Schema, TimeUnit,
    TimestampMicrosecondType,
};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, ColumnarValue, ReversedUDAF, Signature, Volatility};

use super::percentile_values::{Fraction, Values};

/// Which of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Median,
    Continuous,
    Discrete,
}

/// One of the three functions.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Percentile {
    kind: Kind,
    signature: Signature,
}

impl Percentile {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, signature: Signature::user_defined(Volatility::Immutable) }
    }

    fn usage<T>(&self) -> Result<T> {
        let name = self.name();
        match self.kind {
            Kind::Median => plan_err!("the form is median(value), with a number, a date or a time"),
            Kind::Continuous | Kind::Discrete => plan_err!(
                "the form is {name}(fraction) WITHIN GROUP (ORDER BY value) or {name}(value, fraction), with a number, a \
                 date or a time, and a fraction from 0 to 1"
            ),
        }
    }

    fn fraction(&self, args: &AccumulatorArgs) -> Result<Fraction> {
        if self.kind == Kind::Median {
            return Ok(Fraction::HALF);
        }
        let nothing = RecordBatch::new_empty(Arc::new(Schema::empty()));
        let fraction = match args.exprs.get(1).map(|expr| expr.evaluate(&nothing)) {
            Some(Ok(ColumnarValue::Scalar(value))) => Fraction::of(&value),
            _ => return plan_err!("the fraction of {}() must be a constant", self.name()),
        };
        let descending = match args.exprs.get(2).map(|expr| expr.evaluate(&nothing)) {
            Some(Ok(ColumnarValue::Scalar(ScalarValue::Boolean(Some(descending))))) => descending,
            Some(_) => return self.usage(),
            None => args.order_bys.first().is_some_and(|sort| sort.options.descending),
        };
        match fraction {
            Some(fraction) if descending => Ok(fraction.counted_down()),
            Some(fraction) => Ok(fraction),
            None => plan_err!("the fraction of {}() must be a number from 0 to 1", self.name()),
        }
    }
}

/// Digits behind the point of a fraction of that type; `None` if it is inexact.
fn scale_of(fraction: &DataType) -> Option<i8> {
    match fraction {
        DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) | DataType::Decimal128(_, scale) => Some(*scale),
        integer if integer.is_integer() => Some(0),
        _ => None,
    }
}

impl AggregateUDFImpl for Percentile {
    fn name(&self) -> &str {
        match self.kind {
            Kind::Median => "median",
            Kind::Continuous => "percentile_cont",
            Kind::Discrete => "percentile_disc",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let (value, rest) = match (self.kind, given) {
            (Kind::Median, [value]) => (value, [].as_slice()),
            (Kind::Continuous | Kind::Discrete, [value, fraction] | [value, fraction, DataType::Boolean])
                if fraction.is_numeric() =>
            {
                (value, &given[1..])
            }
            _ => return self.usage(),
        };
        let value = match value {
            integer if integer.is_integer() && *integer != DataType::UInt64 => DataType::Int64,
            DataType::Null => DataType::Int64,
            DataType::Decimal32(precision, scale)
            | DataType::Decimal64(precision, scale)
            | DataType::Decimal128(precision, scale) => DataType::Decimal128(*precision, *scale),
            float if float.is_floating() => DataType::Float64,
            DataType::Date32 => DataType::Date32,
            DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
            _ => return self.usage(),
        };
        Ok([value].into_iter().chain(rest.iter().cloned()).collect())
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        let Some(value) = given.first() else { return self.usage() };
        if let (DataType::Decimal128(..), Some(DataType::Float32 | DataType::Float64)) = (value, given.get(1)) {
            return plan_err!("the fraction of {}() of a numeric must be a numeric, not a float", self.name());
        }
        let digits = match (self.kind, given.get(1)) {
            (Kind::Discrete, _) => return Ok(value.clone()),
            (Kind::Continuous, Some(fraction)) => scale_of(fraction),
            _ => Some(1),
        };
        Ok(match (value, digits) {
            (DataType::Int64, Some(digits)) => DataType::Decimal128(38, digits),
            (DataType::Decimal128(_, scale), Some(digits)) if scale + digits > 38 => {
                return plan_err!("value and fraction of {}() have more than 38 digits behind the point", self.name());
            }
            (DataType::Decimal128(_, scale), Some(digits)) => DataType::Decimal128(38, scale + digits),
            (DataType::Int64, None) => DataType::Float64,
            _ => value.clone(),
        })
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if args.is_distinct {
            return plan_err!("{}() does not take DISTINCT", self.name());
        }
        let fraction = self.fraction(&args)?;
        let to = args.return_type().clone();
        let from = args.expr_fields[0].data_type().clone();
        let discrete = self.kind == Kind::Discrete;
        Ok(match &from {
            DataType::Int64 => Box::new(Values::<Int64Type>::new(discrete, fraction, from, to)),
            DataType::Decimal128(..) => Box::new(Values::<Decimal128Type>::new(discrete, fraction, from, to)),
            DataType::Float64 => Box::new(Values::<Float64Type>::new(discrete, fraction, from, to)),
            DataType::Date32 => Box::new(Values::<Date32Type>::new(discrete, fraction, from, to)),
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                Box::new(Values::<TimestampMicrosecondType>::new(discrete, fraction, from, to))
            }
            other => return exec_err!("{}() was given {other}", self.name()),
        })
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let values = Field::new_list_field(args.input_fields[0].data_type().clone(), true);
        Ok(vec![Arc::new(Field::new(format_state_name(args.name, "values"), DataType::List(Arc::new(values)), true))])
    }

    fn supports_within_group_clause(&self) -> bool {
        self.kind != Kind::Median
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        ScalarValue::try_from(data_type)
    }
}
