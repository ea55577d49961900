//! Rows for a person to read, one line for every column, for rows that are wider than a screen.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use super::table::{cells, footer, one_line, width};

/// Dashes after the longest name, so that the line above a row is seen.
const RULE: usize = 24;

/// Writes rows as they come.
pub(super) struct Expanded<W> {
    names: Vec<String>,
    // Characters of the longest name.
    widest: usize,
    rows: u64,
    to: W,
}

impl<W: Write> Expanded<W> {
    pub(super) fn new(schema: &SchemaRef, to: W) -> Self {
        let names: Vec<String> = schema.fields().iter().map(|field| one_line(field.name())).collect();
        let widest = names.iter().map(|name| width(name)).max().unwrap_or(0);
        Self { names, widest, rows: 0, to }
    }

    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        cells(batch, batch.num_rows(), |row| {
            self.rows += 1;
            writeln!(self.to, "{:-<1$}", format!("-[ row {} ]", self.rows), self.widest + RULE)?;
            for (name, cell) in self.names.iter().zip(row) {
                let padding = " ".repeat(self.widest - width(name));
                writeln!(self.to, "{}", format!("{name}{padding} | {}", one_line(&cell)).trim_end())?;
            }
            Ok(())
        })
    }

    pub(super) fn finish(mut self) -> std::io::Result<()> {
        footer(&mut self.to, self.rows, 0)
    }
}
