//! Statements for Athena: a database, the lake's Delta tables, and views for the joins that everybody writes.
//!
//! Athena reads Delta tables by itself since engine version 3, columns included: a table is a location and the property that
//! says what is there. Nothing has to be done when rows, days, clusters or columns come. The views are in Athena's SQL (Trino's),
//! which is not Redshift's; `lookback` itself does not read them.

use super::place::Place;
use super::shape::TableShape;

/// What stands for the database in a view's file.
const DATABASE: &str = "${database}";

/// A view over tables of the lake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Its name.
    pub name: &'static str,
    /// The tables that it reads.
    pub tables: &'static [&'static str],
    /// Its SELECT.
    sql: &'static str,
}

impl View {
    /// Its SELECT, over the tables of a database.
    #[must_use]
    pub fn sql(&self, place: &Place) -> String {
        self.sql.replace(DATABASE, &format!("\"{}\"", place.database())).trim_end().to_owned()
    }
}

/// The views, by name.
pub const VIEWS: [View; 6] = [
    View {
        name: "cluster_encryption",
        tables: &["cluster_encryption_state"],
        sql: include_str!("athena/cluster_encryption.sql"),
    },
    View { name: "connections", tables: &["stl_connection_log"], sql: include_str!("athena/connections.sql") },
    View { name: "coverage", tables: &["lookback_export_runs"], sql: include_str!("athena/coverage.sql") },
    View { name: "queries", tables: &["stl_query", "stl_wlm_query"], sql: include_str!("athena/queries.sql") },
    View { name: "query_texts", tables: &["stl_querytext"], sql: include_str!("athena/query_texts.sql") },
    View { name: "table_scans", tables: &["stl_scan"], sql: include_str!("athena/table_scans.sql") },
];

/// The views whose tables are all there.
pub fn views(tables: &[TableShape]) -> impl Iterator<Item = &'static View> {
    VIEWS.iter().filter(|view| view.tables.iter().all(|name| tables.iter().any(|shape| shape.name == *name)))
}

/// All statements, each ended by `;`. Athena's API takes one at a time, its console several. The tables' names have to be such as
/// [`select`](super::shape::select) lets through.
#[must_use]
pub fn ddl(place: &Place, tables: &[TableShape]) -> String {
    let database = place.database();
    let mut text = format!(
        "-- A lookback lake for Amazon Athena, engine version 3 or later: it reads Delta tables as they are, columns included.\n\
         CREATE DATABASE IF NOT EXISTS `{database}`;\n"
    );
    for shape in tables {
        if !shape.comment.is_empty() {
            text.push_str(&format!("\n-- {}", shape.comment.replace(['\n', '\r'], " ")));
        }
        text.push_str(&format!(
            "\nCREATE EXTERNAL TABLE `{database}`.`{}`\nLOCATION '{}'\nTBLPROPERTIES ('table_type' = 'DELTA');\n",
            shape.name,
            place.of_table(&shape.name)
        ));
    }
    for view in views(tables) {
        text.push_str(&format!("\nCREATE OR REPLACE VIEW \"{database}\".\"{}\" AS\n{};\n", view.name, view.sql(place)));
    }
    text
}

#[cfg(test)]
mod tests;
