//! STL tables in a real PostgreSQL server, with the columns and types that the registry documents.

use std::fmt::Write as _;

use lookback_schemas::{TableSpec, registry};
use tokio_postgres::Client;

/// Creates the named tables, empty, in schema `public`.
///
/// # Panics
/// If the registry does not have a name, or the server refuses a statement.
pub(crate) async fn create_stl_tables(client: &Client, names: &[&str]) {
    for name in names {
        let table = registry().table(name).unwrap_or_else(|| panic!("the registry has no table '{name}'"));
        let statement = create_statement(table);
        client.batch_execute(&statement).await.unwrap_or_else(|e| panic!("{statement}\n{e}"));
    }
}

/// PostgreSQL has every type that the documentation gives STL columns under the same name.
fn create_statement(table: &TableSpec) -> String {
    let mut statement = format!("CREATE TABLE public.{} (", quoted(&table.name));
    for (i, column) in table.columns.iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(statement, "{comma}\n  {} {}", quoted(&column.name), column.redshift_type);
    }
    statement.push_str("\n)");
    statement
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
