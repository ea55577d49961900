//! `TO_CHAR`, `TO_DATE`, `TO_TIMESTAMP` and `TO_NUMBER`: times and numbers in the form of a mask, such as `YYYY-MM-DD`.
//!
//! A mask is parsed once for all rows that have it. Source: Amazon Redshift Database Developer Guide, "TO_CHAR", "TO_DATE
//! function", "TO_TIMESTAMP", "TO_NUMBER", "Datetime format strings", "Numeric format strings"; where they are silent, the
//! behaviour of PostgreSQL, whose masks these are.

mod number_mask;
mod number_read;
mod number_write;
mod time_mask;
mod time_read;
mod time_write;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::Result;
use lookback_schemas::time::day_of;

use super::frame::{Arguments, Function, Kind, Values, is_time, wrong};
use super::{timestamp, zones};
use number_mask::NumberMask;
use time_mask::TimeMask;

pub(super) use number_read::ToNumber;

pub(super) fn functions() -> Vec<Function> {
    use Kind::{Any, Bool, Text};
    vec![
        Function::new("to_char", "to_char(time or number, 'mask')", &[Any, Text], DataType::Utf8, to_char),
        Function::new("to_date", "to_date(text, 'mask' [, is_strict])", &[Text, Text, Bool], DataType::Date32, |a| {
            let texts = Texts::new(a)?;
            a.numbers::<Date32Type>(|row| texts.read(row).map(|micros| Some(day_of(micros))))
        })
        .optional(1),
        Function::new(
            "to_timestamp",
            "to_timestamp(text, 'mask' [, is_strict])",
            &[Text, Text, Bool],
            zones::with_zone(),
            |a| {
                let texts = Texts::new(a)?;
                let moments = a.numbers::<TimestampMicrosecondType>(|row| texts.read(row).map(Some))?;
                Ok(cast(&moments, &zones::with_zone())?)
            },
        )
        .optional(1),
    ]
}

/// The masks of an argument; the last one that was parsed is kept.
struct Masks<M> {
    texts: Values<StringArray>,
    parse: fn(&str) -> Result<M>,
    last: RefCell<Option<(String, Rc<M>)>>,
}

impl<M> Masks<M> {
    fn new(texts: Values<StringArray>, parse: fn(&str) -> Result<M>) -> Self {
        Self { texts, parse, last: RefCell::new(None) }
    }

    fn get(&self, row: usize) -> Result<Rc<M>> {
        let text = self.texts.get(row);
        if let Some((known, mask)) = &*self.last.borrow()
            && known == text
        {
            return Ok(Rc::clone(mask));
        }
        let mask = Rc::new((self.parse)(text)?);
        *self.last.borrow_mut() = Some((text.to_owned(), Rc::clone(&mask)));
        Ok(mask)
    }
}

/// Texts, their masks, and whether values out of range are errors.
struct Texts {
    texts: Values<StringArray>,
    masks: Masks<TimeMask>,
    strict: Option<Values<arrow::array::BooleanArray>>,
}

impl Texts {
    fn new(a: &Arguments) -> Result<Self> {
        let strict = if a.len() > 2 { Some(a.bools(2)?) } else { None };
        Ok(Self { texts: a.texts(0)?, masks: Masks::new(a.texts(1)?, TimeMask::parse), strict })
    }

    fn read(&self, row: usize) -> Result<i64> {
        let strict = self.strict.as_ref().is_some_and(|strict| strict.get(row));
        let mask = self.masks.get(row)?;
        time_read::read(self.texts.get(row), &mask, strict)
    }
}

fn to_char(a: &Arguments) -> Result<ArrayRef> {
    let given = a.data_type(0).clone();
    let texts = a.texts(1)?;
    if is_time(&given) {
        let (array, constant) = a.raw(0);
        let times = cast(array, &timestamp_like(&given))?;
        let times = times.as_primitive::<TimestampMicrosecondType>().clone();
        let masks = Masks::new(texts, TimeMask::parse);
        return a.strings(|row| {
            let mask = masks.get(row)?;
            time_write::write(times.value(if constant { 0 } else { row }), &mask).map(Some)
        });
    }
    let masks = Masks::new(texts, NumberMask::parse);
    let (array, constant) = a.raw(0);
    let at = |row: usize| if constant { 0 } else { row };
    match &given {
        DataType::Null => Ok(Arc::new(StringArray::new_null(a.rows))),
        DataType::Decimal128(_, scale) => {
            let values = array.as_primitive::<Decimal128Type>();
            a.strings(|row| {
                let mask = masks.get(row)?;
                let digits = number_write::decimal_digits(values.value(at(row)), *scale, &mask)?;
                number_write::write(digits, &mask).map(Some)
            })
        }
        DataType::Float32 | DataType::Float64 => {
            let wide = cast(array, &DataType::Float64)?;
            let values = wide.as_primitive::<Float64Type>();
            // What a REAL and a DOUBLE PRECISION know of a number.
            let known = if given == DataType::Float32 { 6 } else { 15 };
            a.strings(|row| {
                let mask = masks.get(row)?;
                number_write::write(number_write::float_digits(values.value(at(row)), known, &mask)?, &mask).map(Some)
            })
        }
        given if given.is_integer() => {
            let wide = cast(array, &DataType::Int64)?;
            let values = wide.as_primitive::<Int64Type>();
            a.strings(|row| {
                let mask = masks.get(row)?;
                let digits = number_write::decimal_digits(i128::from(values.value(at(row))), 0, &mask)?;
                number_write::write(digits, &mask).map(Some)
            })
        }
        other => wrong(format!("to_char() of a value of type {other}: the form is to_char(time or number, 'mask')")),
    }
}

fn timestamp_like(given: &DataType) -> DataType {
    match given {
        DataType::Timestamp(_, Some(zone)) => DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::clone(zone))),
        _ => timestamp(),
    }
}
