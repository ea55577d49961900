//! Column builders: values become Arrow arrays of the type that the source keeps.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Float32Builder, Float64Builder, Int16Builder,
    Int32Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use lookback_schemas::time::day_of;

use crate::types::SourceType;
use crate::value::Value;

/// A value that is borrowed while it is appended.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cell<'a> {
    Null,
    Int(i64),
    Double(f64),
    Bool(bool),
    Text(&'a str),
    /// Microseconds since 1970-01-01 UTC.
    Time(i64),
}

impl<'a> From<&'a Value> for Cell<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Int(v) => Self::Int(*v),
            Value::Double(v) => Self::Double(*v),
            Value::Bool(v) => Self::Bool(*v),
            Value::Text(v) => Self::Text(v),
            Value::Time(v) => Self::Time(*v),
        }
    }
}

enum Inner {
    Int2(Int16Builder),
    Int4(Int32Builder),
    Int8(Int64Builder),
    Float4(Float32Builder),
    Float8(Float64Builder),
    Bool(BooleanBuilder),
    Text(StringBuilder),
    Timestamp(TimestampMicrosecondBuilder),
    Date(Date32Builder),
    Numeric(Decimal128Builder, u32),
}

/// Builds one column.
pub(crate) struct ColumnBuilder {
    source_type: SourceType,
    inner: Inner,
}

impl ColumnBuilder {
    pub(crate) fn new(source_type: SourceType) -> Self {
        let inner = match source_type {
            SourceType::Int2 => Inner::Int2(Int16Builder::new()),
            SourceType::Int4 => Inner::Int4(Int32Builder::new()),
            SourceType::Int8 => Inner::Int8(Int64Builder::new()),
            SourceType::Float4 => Inner::Float4(Float32Builder::new()),
            SourceType::Float8 => Inner::Float8(Float64Builder::new()),
            SourceType::Bool => Inner::Bool(BooleanBuilder::new()),
            SourceType::Char(_) | SourceType::Varchar(_) | SourceType::Text => Inner::Text(StringBuilder::new()),
            SourceType::Timestamp | SourceType::Timestamptz => {
                Inner::Timestamp(TimestampMicrosecondBuilder::new().with_data_type(source_type.arrow()))
            }
            SourceType::Date => Inner::Date(Date32Builder::new()),
            SourceType::Numeric(_, scale) => Inner::Numeric(
                Decimal128Builder::new().with_data_type(source_type.arrow()),
                u32::try_from(scale).unwrap_or(0),
            ),
        };
        Self { source_type, inner }
    }

    /// Appends a value; `false`, and nothing appended, if the column cannot hold it.
    pub(crate) fn append(&mut self, cell: Cell<'_>) -> bool {
        match (&mut self.inner, cell) {
            (Inner::Int4(b), Cell::Int(v)) => match i32::try_from(v) {
                Ok(v) => b.append_value(v),
                Err(_) => return false,
            },
            (Inner::Int8(b), Cell::Int(v)) => b.append_value(v),
            (Inner::Text(b), Cell::Text(v)) => {
                // Most values fit their column as they are; only the rest is worth an allocation.
                let fits = match self.source_type {
                    SourceType::Char(n) => {
                        v.len() <= n as usize && !v.ends_with(' ') && !self.source_type.keeps_padding()
                    }
                    SourceType::Varchar(Some(n)) => v.len() <= n as usize,
                    _ => true,
                };
                if fits {
                    b.append_value(v);
                } else {
                    b.append_value(self.source_type.store_text(v));
                }
            }
            (Inner::Timestamp(b), Cell::Time(v)) => b.append_value(v),
            (Inner::Float8(b), Cell::Double(v)) => b.append_value(v),
            #[expect(clippy::cast_precision_loss, reason = "hand-made integers for a floating-point column are small")]
            (Inner::Float8(b), Cell::Int(v)) => b.append_value(v as f64),
            (Inner::Bool(b), Cell::Bool(v)) => b.append_value(v),
            (Inner::Int2(b), Cell::Int(v)) => match i16::try_from(v) {
                Ok(v) => b.append_value(v),
                Err(_) => return false,
            },
            #[expect(clippy::cast_possible_truncation, reason = "a real column keeps what fits into four bytes")]
            (Inner::Float4(b), Cell::Double(v)) => b.append_value(v as f32),
            (Inner::Date(b), Cell::Time(v)) => b.append_value(day_of(v)),
            (Inner::Numeric(b, scale), Cell::Int(v)) => match 10_i128.checked_pow(*scale).map(|f| i128::from(v) * f) {
                Some(v) => b.append_value(v),
                None => return false,
            },
            (_, Cell::Null) => self.append_null(),
            _ => return false,
        }
        true
    }

    fn append_null(&mut self) {
        match &mut self.inner {
            Inner::Int2(b) => b.append_null(),
            Inner::Int4(b) => b.append_null(),
            Inner::Int8(b) => b.append_null(),
            Inner::Float4(b) => b.append_null(),
            Inner::Float8(b) => b.append_null(),
            Inner::Bool(b) => b.append_null(),
            Inner::Text(b) => b.append_null(),
            Inner::Timestamp(b) => b.append_null(),
            Inner::Date(b) => b.append_null(),
            Inner::Numeric(b, _) => b.append_null(),
        }
    }

    /// The column so far; the builder starts again.
    pub(crate) fn finish(&mut self) -> ArrayRef {
        match &mut self.inner {
            Inner::Int2(b) => Arc::new(b.finish()),
            Inner::Int4(b) => Arc::new(b.finish()),
            Inner::Int8(b) => Arc::new(b.finish()),
            Inner::Float4(b) => Arc::new(b.finish()),
            Inner::Float8(b) => Arc::new(b.finish()),
            Inner::Bool(b) => Arc::new(b.finish()),
            Inner::Text(b) => Arc::new(b.finish()),
            Inner::Timestamp(b) => Arc::new(b.finish()),
            Inner::Date(b) => Arc::new(b.finish()),
            Inner::Numeric(b, _) => Arc::new(b.finish()),
        }
    }
}
