//! Numbers of the catalog's objects (OIDs). They follow from names, so they stay: when the catalog is made again, after a restart, and on
//! another server over the same lake. Clients ask for a table's number once and for its columns by that number minutes later.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int32Array, ListArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Int32Type, Schema};
use datafusion::common::{DataFusionError, Result};
use datafusion::prelude::SessionContext;
use pgwire::api::Type;

/// Numbers below are PostgreSQL's own, and stay as they are.
const FIRST: i32 = 16_384;
/// That of the schema `public` in every PostgreSQL database.
const PUBLIC: i32 = 2_200;

/// The number that a name has, unless another name that sorts before it has the same.
pub(super) fn number_of(kind: &str, name: &str) -> i32 {
    if (kind, name) == ("schema", "public") {
        return PUBLIC;
    }
    // FNV-1a: it has to be the same everywhere and always, and nobody gains anything by names that meet.
    let hash = kind
        .bytes()
        .chain([0])
        .chain(name.bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let room = u64::from((i32::MAX - FIRST).unsigned_abs());
    FIRST + i32::try_from(hash % room).unwrap_or_default()
}

/// Old numbers and what is there instead.
type Renumbered = HashMap<i32, i32>;

/// Numbers for what has these old numbers and names.
fn renumbered(kind: &str, named: impl Iterator<Item = (i32, String)>) -> Renumbered {
    let mut named: Vec<(String, i32)> = named.filter(|(old, _)| *old >= FIRST).map(|(old, name)| (name, old)).collect();
    named.sort();
    let mut taken = HashSet::new();
    let mut numbers = Renumbered::new();
    for (name, old) in named {
        let mut number = number_of(kind, &name);
        while !taken.insert(number) {
            number = number.checked_add(1).unwrap_or(FIRST);
        }
        numbers.insert(old, number);
    }
    numbers
}

/// The tables that number what is in the lake, in place of those that count as they are asked.
pub(super) async fn tables(context: &SessionContext) -> Result<Vec<(&'static str, RecordBatch)>> {
    let (schemas, relations) = (all(context, "pg_namespace").await?, all(context, "pg_class").await?);
    let (columns, databases) = (all(context, "pg_attribute").await?, all(context, "pg_database").await?);
    let roles = all(context, "pg_roles").await?;

    let schema_names: HashMap<i32, String> = named(&schemas, "nspname")?.collect();
    let relation_names = named(&relations, "relname")?.zip(numbers(&relations, "relnamespace")?.iter());
    let qualified = relation_names.map(|((old, name), schema)| {
        let schema = schema.and_then(|schema| schema_names.get(&schema)).map(String::as_str).unwrap_or_default();
        (old, format!("{schema}.{name}"))
    });
    let relation_numbers = renumbered("relation", qualified);
    let schema_numbers = renumbered("schema", named(&schemas, "nspname")?);
    let database_numbers = renumbered("database", named(&databases, "datname")?);

    let relations = with(relations, "oid", &relation_numbers)?;
    let relations = with(with(relations, "relfilenode", &relation_numbers)?, "relnamespace", &schema_numbers)?;
    Ok(vec![
        ("pg_namespace", with(schemas, "oid", &schema_numbers)?),
        ("pg_class", without_options(&relations)?),
        ("pg_attribute", of_redshift(with(columns, "attrelid", &relation_numbers)?)?),
        ("pg_database", with(databases, "oid", &database_numbers)?),
        ("pg_roles", with_roles(roles)?),
    ])
}

async fn all(context: &SessionContext, table: &str) -> Result<RecordBatch> {
    let rows = context.sql(&format!("SELECT * FROM pg_catalog.{table}")).await?;
    let empty = Arc::clone(rows.schema().inner());
    let batches = rows.collect().await?;
    let schema = batches.first().map_or(empty, RecordBatch::schema);
    Ok(arrow::compute::concat_batches(&schema, &batches)?)
}

fn missing(column: &str) -> DataFusionError {
    DataFusionError::Internal(format!("the catalog has no column '{column}' of the type that it should have"))
}

fn numbers<'a>(batch: &'a RecordBatch, column: &str) -> Result<&'a Int32Array> {
    batch.column_by_name(column).and_then(|array| array.as_primitive_opt::<Int32Type>()).ok_or_else(|| missing(column))
}

/// Number and name of each row.
fn named(batch: &RecordBatch, column: &str) -> Result<impl Iterator<Item = (i32, String)>> {
    let texts = cast(batch.column_by_name(column).ok_or_else(|| missing(column))?, &DataType::Utf8)?;
    let texts = texts.as_string_opt::<i32>().ok_or_else(|| missing(column))?;
    let pairs = numbers(batch, "oid")?.iter().zip(texts.iter());
    let pairs = pairs.map(|(number, name)| number.zip(name.map(str::to_owned)).ok_or_else(|| missing(column)));
    Ok(pairs.collect::<Result<Vec<_>>>()?.into_iter())
}

/// The batch with another column in place of one that it has.
fn replaced(batch: &RecordBatch, column: &str, array: ArrayRef) -> Result<RecordBatch> {
    let at = batch.schema().index_of(column)?;
    let columns = batch.columns().iter().enumerate();
    let columns = columns.map(|(other, before)| Arc::clone(if other == at { &array } else { before })).collect();
    Ok(RecordBatch::try_new(batch.schema(), columns)?)
}

fn with(batch: RecordBatch, column: &str, renumbered: &Renumbered) -> Result<RecordBatch> {
    let of = |old: i32| renumbered.get(&old).copied().unwrap_or(old);
    let changed: Int32Array = numbers(&batch, column)?.iter().map(|old| old.map(of)).collect();
    replaced(&batch, column, Arc::new(changed))
}

/// Roles are numbered by their names; before, all have the same number.
fn with_roles(roles: RecordBatch) -> Result<RecordBatch> {
    let changed: Int32Array = named(&roles, "rolname")?.map(|(_, name)| Some(number_of("role", &name))).collect();
    replaced(&roles, "oid", Arc::new(changed))
}

/// What a relation has in PostgreSQL and the catalog lacks: privileges and options, of which there are none.
fn without_options(relations: &RecordBatch) -> Result<RecordBatch> {
    let rows = relations.num_rows();
    let item: FieldRef = Arc::new(Field::new("item", DataType::Utf8, true));
    let schema = relations.schema();
    let fields = schema.fields().iter().cloned().chain([
        Arc::new(Field::new("relacl", DataType::Utf8, true)),
        Arc::new(Field::new("reloptions", DataType::List(Arc::clone(&item)), true)),
    ]);
    let fields: Vec<FieldRef> = fields.collect();
    let more: [ArrayRef; 2] = [Arc::new(StringArray::new_null(rows)), Arc::new(ListArray::new_null(item, rows))];
    let columns = relations.columns().iter().cloned().chain(more).collect();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

/// The columns of all tables, with the types that Redshift calls them by: texts are VARCHAR.
fn of_redshift(columns: RecordBatch) -> Result<RecordBatch> {
    let number = |kind: Type| i32::try_from(kind.oid()).unwrap_or_default();
    let (text, varchar) = (number(Type::TEXT), number(Type::VARCHAR));
    let of = |oid: i32| if oid == text { varchar } else { oid };
    let types: Int32Array = numbers(&columns, "atttypid")?.iter().map(|oid| oid.map(of)).collect();
    replaced(&columns, "atttypid", Arc::new(types))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_from_names_and_no_two_are_the_same() {
        // Written down: another number would be another table to a client that has kept it.
        assert_eq!(number_of("relation", "public.stl_query"), 2_006_092_299);
        assert_eq!(number_of("schema", "public"), 2_200);
        assert_ne!(number_of("relation", "a"), number_of("role", "a"));
        let named = || (0..2_000).map(|at| (FIRST + at, format!("public.t{at}")));
        let (one, other) =
            (renumbered("relation", named()), renumbered("relation", named().collect::<Vec<_>>().into_iter().rev()));
        assert_eq!(one, other);
        assert_eq!(one.values().collect::<HashSet<_>>().len(), 2_000);
        assert!(one.values().all(|number| *number >= FIRST));
        assert!(renumbered("schema", [(11, "pg_catalog".to_owned())].into_iter()).is_empty());
    }
}
