//! Tables of the catalog that are written here: `information_schema` over the lake, and those of `pg_catalog` that are empty or short.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;

use super::built::{DATABASE, Relation};
use super::numbers::number_of;

const PUBLIC: &str = "public";

type Tables = Vec<(&'static str, RecordBatch)>;

/// A column of texts, numbers or truths, with its name.
pub(super) enum Column {
    Text(&'static str, Vec<Option<String>>),
    Number(&'static str, Vec<Option<i32>>),
    Truth(&'static str, Vec<Option<bool>>),
}

/// A table of columns that are equally long.
pub(super) fn table(columns: Vec<Column>) -> Result<RecordBatch, ArrowError> {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns
        .into_iter()
        .map(|column| match column {
            Column::Text(name, values) => {
                (Field::new(name, DataType::Utf8, true), Arc::new(StringArray::from(values)) as ArrayRef)
            }
            Column::Number(name, values) => {
                (Field::new(name, DataType::Int32, true), Arc::new(Int32Array::from(values)) as ArrayRef)
            }
            Column::Truth(name, values) => {
                (Field::new(name, DataType::Boolean, true), Arc::new(BooleanArray::from(values)) as ArrayRef)
            }
        })
        .unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
}

/// A table of texts that has no row.
fn nothing(names: &[&'static str]) -> Result<RecordBatch, ArrowError> {
    table(names.iter().map(|name| Column::Text(name, Vec::new())).collect())
}

/// `information_schema` over the tables of the lake.
pub(super) fn information_schema(relations: &[Relation]) -> Result<Tables, ArrowError> {
    let all = |value: &str| vec![Some(value.to_owned()); relations.len()];
    let of = |text: fn(&Relation) -> String| relations.iter().map(|relation| Some(text(relation))).collect::<Vec<_>>();
    let tables = table(vec![
        Column::Text("table_catalog", all(DATABASE)),
        Column::Text("table_schema", all(PUBLIC)),
        Column::Text("table_name", of(|relation| relation.name.clone())),
        Column::Text("table_type", of(|relation| if relation.view { "VIEW" } else { "BASE TABLE" }.to_owned())),
        Column::Text("is_insertable_into", all("NO")),
    ])?;
    let views: Vec<Option<String>> =
        relations.iter().filter(|relation| relation.view).map(|relation| Some(relation.name.clone())).collect();
    let every = |value: &str| vec![Some(value.to_owned()); views.len()];
    let views = table(vec![
        Column::Text("table_catalog", every(DATABASE)),
        Column::Text("table_schema", every(PUBLIC)),
        Column::Text("table_name", views.clone()),
        Column::Text("view_definition", vec![None; views.len()]),
    ])?;
    let schemas = ["information_schema", "pg_catalog", PUBLIC];
    let each = |value: Option<&str>| vec![value.map(str::to_owned); schemas.len()];
    let schemata = table(vec![
        Column::Text("catalog_name", each(Some(DATABASE))),
        Column::Text("schema_name", schemas.iter().map(|name| Some((*name).to_owned())).collect()),
        Column::Text("schema_owner", each(Some(DATABASE))),
        Column::Text("default_character_set_name", each(None)),
    ])?;
    let constraint = [
        "constraint_catalog",
        "constraint_schema",
        "constraint_name",
        "table_catalog",
        "table_schema",
        "table_name",
        "column_name",
    ];
    Ok(vec![
        ("tables", tables),
        ("columns", columns(relations)?),
        ("views", views),
        ("schemata", schemata),
        ("key_column_usage", nothing(&constraint)?),
        ("constraint_column_usage", nothing(&constraint)?),
        (
            "table_constraints",
            nothing(&[
                "constraint_catalog",
                "constraint_schema",
                "constraint_name",
                "table_catalog",
                "table_schema",
                "table_name",
                "constraint_type",
            ])?,
        ),
        (
            "referential_constraints",
            nothing(&[
                "constraint_catalog",
                "constraint_schema",
                "constraint_name",
                "unique_constraint_schema",
                "unique_constraint_name",
            ])?,
        ),
        (
            "routines",
            nothing(&[
                "specific_schema",
                "specific_name",
                "routine_schema",
                "routine_name",
                "routine_type",
                "data_type",
            ])?,
        ),
        ("parameters", nothing(&["specific_schema", "specific_name", "parameter_name", "data_type"])?),
        ("sequences", nothing(&["sequence_catalog", "sequence_schema", "sequence_name"])?),
        ("triggers", nothing(&["trigger_schema", "trigger_name", "event_object_table"])?),
        ("table_privileges", nothing(&["grantor", "grantee", "table_schema", "table_name", "privilege_type"])?),
    ])
}

fn columns(relations: &[Relation]) -> Result<RecordBatch, ArrowError> {
    let fields: Vec<_> = relations
        .iter()
        .flat_map(|relation| relation.schema.fields().iter().enumerate().map(move |(at, field)| (relation, at, field)))
        .collect();
    let all = |value: Option<&str>| vec![value.map(str::to_owned); fields.len()];
    let numbers =
        |number: fn(&DataType) -> Option<i32>| fields.iter().map(|(_, _, field)| number(field.data_type())).collect();
    let position = fields.iter().map(|(_, at, _)| i32::try_from(at + 1).ok()).collect();
    let types: Vec<(&str, &str)> = fields.iter().map(|(_, _, field)| names_of(field.data_type())).collect();
    table(vec![
        Column::Text("table_catalog", all(Some(DATABASE))),
        Column::Text("table_schema", all(Some(PUBLIC))),
        Column::Text("table_name", fields.iter().map(|(relation, _, _)| Some(relation.name.clone())).collect()),
        Column::Text("column_name", fields.iter().map(|(_, _, field)| Some(field.name().clone())).collect()),
        Column::Number("ordinal_position", position),
        Column::Text("column_default", all(None)),
        Column::Text("is_nullable", all(Some("YES"))),
        Column::Text("data_type", types.iter().map(|(name, _)| Some((*name).to_owned())).collect()),
        Column::Number("character_maximum_length", numbers(|_| None)),
        Column::Number("numeric_precision", numbers(precision)),
        Column::Number("numeric_scale", numbers(scale)),
        Column::Number("datetime_precision", numbers(|kind| matches!(kind, DataType::Timestamp(..)).then_some(6))),
        Column::Text("character_set_name", all(None)),
        Column::Text("collation_name", all(None)),
        Column::Text("domain_name", all(None)),
        Column::Text("udt_catalog", all(Some(DATABASE))),
        Column::Text("udt_schema", all(Some("pg_catalog"))),
        Column::Text("udt_name", types.iter().map(|(_, name)| Some((*name).to_owned())).collect()),
        Column::Text("is_identity", all(Some("NO"))),
        Column::Text("identity_generation", all(None)),
        Column::Text("is_generated", all(Some("NEVER"))),
        Column::Text("generation_expression", all(None)),
        Column::Text("is_updatable", all(Some("NO"))),
    ])
}

/// The name of a type in `data_type`, and that in `pg_type`.
fn names_of(kind: &DataType) -> (&'static str, &'static str) {
    match kind {
        DataType::Boolean => ("boolean", "bool"),
        DataType::Int8 | DataType::Int16 | DataType::UInt8 => ("smallint", "int2"),
        DataType::Int32 | DataType::UInt16 => ("integer", "int4"),
        DataType::Int64 | DataType::UInt32 => ("bigint", "int8"),
        DataType::Float32 => ("real", "float4"),
        DataType::Float64 => ("double precision", "float8"),
        DataType::Decimal128(..) | DataType::Decimal256(..) | DataType::UInt64 => ("numeric", "numeric"),
        DataType::Date32 | DataType::Date64 => ("date", "date"),
        DataType::Timestamp(_, None) => ("timestamp without time zone", "timestamp"),
        DataType::Timestamp(_, Some(_)) => ("timestamp with time zone", "timestamptz"),
        _ => ("character varying", "varchar"),
    }
}

fn precision(kind: &DataType) -> Option<i32> {
    match kind {
        DataType::Int16 => Some(16),
        DataType::Int32 => Some(32),
        DataType::Int64 => Some(64),
        DataType::Float32 => Some(24),
        DataType::Float64 => Some(53),
        DataType::Decimal128(precision, _) | DataType::Decimal256(precision, _) => Some((*precision).into()),
        _ => None,
    }
}

fn scale(kind: &DataType) -> Option<i32> {
    match kind {
        DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => Some((*scale).into()),
        whole if whole.is_integer() => Some(0),
        _ => None,
    }
}

/// Tables of `pg_catalog` that clients ask for, and that have nothing to tell here.
pub(super) fn pg_catalog(users: &[String]) -> Result<Tables, ArrowError> {
    let user = table(vec![
        Column::Text("usename", users.iter().cloned().map(Some).collect()),
        Column::Number("usesysid", users.iter().map(|user| Some(number_of("role", user))).collect()),
    ])?;
    Ok(vec![
        ("pg_user", user),
        ("pg_indexes", nothing(&["schemaname", "tablename", "indexname", "tablespace", "indexdef"])?),
        ("pg_stat_activity", nothing(&["datname", "usename", "application_name", "state", "query"])?),
        ("pg_locks", nothing(&["locktype", "mode", "granted"])?),
        ("pg_sequences", nothing(&["schemaname", "sequencename"])?),
        ("pg_timezone_names", nothing(&["name", "abbrev", "utc_offset", "is_dst"])?),
    ])
}
