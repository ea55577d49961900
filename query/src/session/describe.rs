//! What there is to ask: tables with what they hold, and their columns with the names that Redshift gives types.

use std::collections::HashMap;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use futures::{StreamExt, TryStreamExt, stream};

use super::{INFORMATION_SCHEMA, SCHEMA, Session};
use crate::error::{ErrorKind, QueryError};

/// Delta logs read at once.
const AT_ONCE: usize = 16;

/// A table or view that can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// Its name, with its schema if it has one.
    pub name: String,
    /// Whether it is a view: it holds nothing itself.
    pub view: bool,
    /// What the lake has of it; `None` if nothing was ever committed.
    pub contents: Option<Contents>,
}

/// What the Delta log says of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contents {
    /// Rows; `None` if some file's count is not in the log.
    pub rows: Option<u64>,
    /// Data files.
    pub files: u64,
    /// Bytes of the data files.
    pub bytes: u64,
}

/// A column of a table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type as Redshift calls it, such as `bigint` or `timestamp`.
    pub data_type: String,
}

impl Session {
    /// The names of all tables and views, those that statements of this session made among them, sorted. Lists the lake's folders; no Delta log is read.
    ///
    /// # Errors
    /// [`ErrorKind::Read`] if the lake cannot be listed.
    pub async fn names(&self) -> Result<Vec<Relation>, QueryError> {
        let sql = format!(
            "SELECT table_schema, table_name, table_type FROM {INFORMATION_SCHEMA}.tables \
             WHERE table_schema <> '{INFORMATION_SCHEMA}'"
        );
        let mut found = Vec::new();
        for batch in self.query(&sql).await?.collect().await? {
            let text = |column: usize| cast(batch.column(column), &DataType::Utf8).map_err(unlisted);
            let (schemas, names, kinds) = (text(0)?, text(1)?, text(2)?);
            let (schemas, names, kinds) =
                (schemas.as_string::<i32>(), names.as_string::<i32>(), kinds.as_string::<i32>());
            for row in 0..batch.num_rows() {
                let (schema, name) = (schemas.value(row), names.value(row));
                let name = if schema == SCHEMA { name.to_owned() } else { format!("{schema}.{name}") };
                found.push(Relation { name, view: kinds.value(row) == "VIEW", contents: None });
            }
        }
        for (name, view) in self.locals().names() {
            found.push(Relation { name, view, contents: None });
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found.dedup_by(|a, b| a.name == b.name);
        Ok(found)
    }

    /// All tables and views, sorted by name, with what they hold: reads the Delta log of each table of the lake.
    ///
    /// # Errors
    /// [`ErrorKind::Read`] if the lake or a log cannot be read.
    pub async fn relations(&self) -> Result<Vec<Relation>, QueryError> {
        let contents = stream::iter(self.lake.tables().await?).map(|table| async move {
            let contents = self.contents(&table).await?;
            Ok::<_, QueryError>((table, contents))
        });
        let mut contents: HashMap<String, Option<Contents>> = contents.buffer_unordered(AT_ONCE).try_collect().await?;
        let mut relations = self.names().await?;
        for relation in &mut relations {
            relation.contents = contents.remove(&relation.name).flatten();
        }
        Ok(relations)
    }

    /// What the lake has of a table; `None` if nothing was ever committed.
    ///
    /// # Errors
    /// [`ErrorKind::Read`] if its log cannot be read.
    pub async fn contents(&self, table: &str) -> Result<Option<Contents>, QueryError> {
        let Some(list) = self.lake.newest(table).await? else { return Ok(None) };
        let rows = list.rows();
        let files = list.files();
        Ok(Some(Contents { rows, files: files.len() as u64, bytes: files.iter().map(|file| file.size).sum() }))
    }

    /// The columns of a table or view, in their order. Names fold to lower case, as they do in statements.
    ///
    /// # Errors
    /// [`ErrorKind::Sql`] with the nearest name if there is no such table, [`ErrorKind::Read`] if its log cannot be read.
    pub async fn columns(&self, table: &str) -> Result<Vec<Column>, QueryError> {
        let quoted = |part: &str| format!("\"{}\"", part.trim_matches('"').to_lowercase().replace('"', "\"\""));
        let name = table.split('.').map(quoted).collect::<Vec<_>>().join(".");
        // The planner knows tables and views of every kind; no row is read.
        let answer = self.query(&format!("SELECT * FROM {name} LIMIT 0")).await?;
        let schema = answer.schema();
        let columns = schema.fields().iter();
        Ok(columns.map(|f| Column { name: f.name().clone(), data_type: redshift_type(f.data_type()) }).collect())
    }
}

fn unlisted(e: arrow::error::ArrowError) -> QueryError {
    QueryError::with_source(ErrorKind::Internal, format!("the list of tables: {e}"), e)
}

/// What Redshift calls a type (<https://docs.aws.amazon.com/redshift/latest/dg/c_Supported_data_types.html>); other types keep
/// the name that they have here.
#[must_use]
pub fn redshift_type(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int16 => "smallint".to_owned(),
        DataType::Int32 => "integer".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float32 => "real".to_owned(),
        DataType::Float64 => "double precision".to_owned(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "varchar".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(TimeUnit::Microsecond | TimeUnit::Nanosecond, None) => "timestamp".to_owned(),
        DataType::Timestamp(TimeUnit::Microsecond | TimeUnit::Nanosecond, Some(_)) => "timestamptz".to_owned(),
        DataType::Decimal128(precision, scale) => format!("numeric({precision},{scale})"),
        other => other.to_string().to_lowercase(),
    }
}
