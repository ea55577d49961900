//! Rows of Arrow as PostgreSQL's clients read them: as text or binary, each type as Redshift would send it.
//!
//! `row` writes the types of answers over a lake, column by column and without an object for each value; what only the catalog has (lists,
//! names, intervals) is left to `arrow-pg`. `written` has the forms of single values.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use arrow_pg::datatypes::field_into_pg_type;
use bytes::{BufMut, BytesMut};
use pgwire::api::Type;

use super::failure::{Failure, code};

mod row;
mod written;

pub(super) use row::Rows;

/// A column of an answer.
#[derive(Debug, Clone)]
pub(super) struct Column {
    field: FieldRef,
    pub(super) kind: Type,
    binary: bool,
}

/// Whether a column of the catalog says that it is more than its type: a name, or the number of a type.
fn is_special(field: &FieldRef) -> bool {
    field.metadata().keys().any(|key| key.starts_with("pg.") || key.starts_with("ARROW:extension"))
}

/// What a column is to clients.
pub(super) fn type_of(field: &FieldRef) -> Result<Type, Failure> {
    match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View if !is_special(field) => Ok(Type::VARCHAR),
        DataType::Null => Ok(Type::VARCHAR),
        DataType::Dictionary(_, values) => {
            type_of(&Arc::new(arrow::datatypes::Field::new(field.name(), values.as_ref().clone(), true)))
        }
        DataType::Decimal256(..) => Ok(Type::NUMERIC),
        _ => field_into_pg_type(field).map_err(|e| {
            Failure::new(code::NOT_SUPPORTED, format!("column '{}' has a type that cannot be sent: {e}", field.name()))
        }),
    }
}

/// The columns of an answer in the formats that a client asks for: none, one for all, or one each.
pub(super) fn columns(schema: &SchemaRef, formats: &[i16]) -> Result<Vec<Column>, Failure> {
    if formats.len() > 1 && formats.len() != schema.fields().len() {
        let message = format!("{} formats for {} columns", formats.len(), schema.fields().len());
        return Err(Failure::new(code::PROTOCOL_VIOLATION, message));
    }
    let format = |at: usize| formats.get(at).or_else(|| formats.first().filter(|_| formats.len() == 1)).copied();
    let column = |(at, field): (usize, &FieldRef)| {
        let binary = match format(at).unwrap_or(0) {
            0 => false,
            1 => true,
            other => return Err(Failure::new(code::PROTOCOL_VIOLATION, format!("there is no format {other}"))),
        };
        Ok(Column { field: Arc::clone(field), kind: type_of(field)?, binary })
    };
    schema.fields().iter().enumerate().map(column).collect()
}

/// What the columns are, as a message.
pub(super) fn description(columns: &[Column], to: &mut BytesMut) {
    message(to, b'T', |to| {
        to.put_u16(u16::try_from(columns.len()).unwrap_or(u16::MAX));
        for column in columns {
            to.put_slice(column.field.name().replace('\0', "").as_bytes());
            to.put_u8(0);
            // Neither a table's nor a column's number.
            to.put_u32(0);
            to.put_u16(0);
            to.put_u32(column.kind.oid());
            to.put_i16(size_of(&column.kind));
            to.put_i32(modifier(column.field.data_type()));
            to.put_i16(i16::from(column.binary));
        }
    });
}

fn size_of(kind: &Type) -> i16 {
    match *kind {
        Type::BOOL | Type::CHAR => 1,
        Type::INT2 => 2,
        Type::INT4 | Type::FLOAT4 | Type::DATE | Type::OID => 4,
        Type::INT8 | Type::FLOAT8 | Type::TIMESTAMP | Type::TIMESTAMPTZ => 8,
        _ => -1,
    }
}

/// Precision and scale of a decimal, as PostgreSQL packs them.
fn modifier(of: &DataType) -> i32 {
    match of {
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
            ((i32::from(*precision) << 16) | (i32::from(*scale) & 0x7ff)) + 4
        }
        _ => -1,
    }
}

/// A message with the tag, of what `body` writes.
pub(super) fn message(to: &mut BytesMut, tag: u8, body: impl FnOnce(&mut BytesMut)) {
    to.put_u8(tag);
    let start = to.len();
    to.put_u32(0);
    body(to);
    let length = u32::try_from(to.len() - start).unwrap_or(u32::MAX);
    to[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

/// The batch with values in place of dictionaries of them.
pub(super) fn flat(batch: RecordBatch) -> Result<RecordBatch, Failure> {
    let of = |kind: &DataType| match kind {
        DataType::Dictionary(_, values) => Some(values.as_ref().clone()),
        _ => None,
    };
    if batch.schema().fields().iter().all(|field| of(field.data_type()).is_none()) {
        return Ok(batch);
    }
    let values = |array: &ArrayRef| match of(array.data_type()) {
        Some(kind) => cast(array, &kind),
        None => Ok(Arc::clone(array)),
    };
    let columns: Vec<ArrayRef> = batch.columns().iter().map(values).collect::<Result<_, _>>().map_err(unsent)?;
    let fields = batch
        .schema()
        .fields()
        .iter()
        .zip(&columns)
        .map(|(field, column)| field.as_ref().clone().with_data_type(column.data_type().clone()))
        .collect::<Vec<_>>();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(unsent)
}

fn unsent(error: impl std::fmt::Display) -> Failure {
    Failure::new(code::INTERNAL, format!("a value cannot be sent: {error}"))
}
