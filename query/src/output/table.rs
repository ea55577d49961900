//! Columns for a person to read, as psql prints them: numbers to the right, a line of dashes under the header.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, DurationFormat, FormatOptions};

use super::{TIMESTAMP, TIMESTAMP_TZ};

/// Rows collected for a table, up to a limit; the others are counted.
pub(super) struct Table {
    schema: SchemaRef,
    most: usize,
    rows: Vec<Vec<String>>,
    left_out: u64,
}

impl Table {
    pub(super) fn new(schema: SchemaRef, most: usize) -> Self {
        Self { schema, most, rows: Vec::new(), left_out: 0 }
    }

    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let shown = batch.num_rows().min(self.most - self.rows.len());
        self.left_out += (batch.num_rows() - shown) as u64;
        let options = FormatOptions::new()
            .with_null("")
            .with_timestamp_format(Some(TIMESTAMP))
            .with_timestamp_tz_format(Some(TIMESTAMP_TZ))
            .with_duration_format(DurationFormat::Pretty);
        let columns = batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        for row in 0..shown {
            let cells = columns.iter().map(|column| column.value(row).try_to_string());
            self.rows.push(cells.collect::<Result<_, _>>()?);
        }
        Ok(())
    }

    pub(super) fn write(self, to: &mut impl Write) -> std::io::Result<()> {
        if self.is_plan() {
            return self.write_plan(to);
        }
        let header: Vec<String> = self.schema.fields().iter().map(|field| one_line(field.name())).collect();
        let rows: Vec<Vec<String>> =
            self.rows.iter().map(|row| row.iter().map(|cell| one_line(cell)).collect()).collect();
        let widths: Vec<usize> = (0..header.len())
            .map(|i| rows.iter().map(|row| width(&row[i])).chain([width(&header[i])]).max().unwrap_or(0))
            .collect();
        let right: Vec<bool> = self.schema.fields().iter().map(|field| is_number(field.data_type())).collect();
        line(to, &header, &widths, &right)?;
        let dashes: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
        writeln!(to, "{}", dashes.join("+"))?;
        for row in &rows {
            line(to, row, &widths, &right)?;
        }
        match (self.left_out, rows.len()) {
            (0, 1) => writeln!(to, "(1 row)"),
            (0, shown) => writeln!(to, "({shown} rows)"),
            (more, shown) => {
                writeln!(to, "({shown} rows shown, {more} more left out; other formats write them all)")
            }
        }
    }

    /// The answer to EXPLAIN.
    fn is_plan(&self) -> bool {
        matches!(self.schema.fields().iter().map(|f| f.name().as_str()).collect::<Vec<_>>()[..], ["plan_type", "plan"])
    }

    /// A plan is a tree drawn over many lines, which must stay as they are.
    fn write_plan(&self, to: &mut impl Write) -> std::io::Result<()> {
        for row in &self.rows {
            if let [kind, plan] = row.as_slice() {
                writeln!(to, "{kind}\n{}\n", plan.trim_end())?;
            }
        }
        Ok(())
    }
}

fn line(to: &mut impl Write, cells: &[String], widths: &[usize], right: &[bool]) -> std::io::Result<()> {
    let mut text = String::new();
    for (i, cell) in cells.iter().enumerate() {
        let padding = " ".repeat(widths[i] - width(cell));
        text.push_str(if i == 0 { " " } else { " | " });
        if right[i] {
            text.push_str(&padding);
            text.push_str(cell);
        } else {
            text.push_str(cell);
            text.push_str(&padding);
        }
    }
    writeln!(to, "{}", text.trim_end())
}

/// Statements span lines and hold tabs, and anything in a log can hold a terminal's control characters.
fn one_line(cell: &str) -> String {
    let mut line = String::with_capacity(cell.len());
    let mut chars = cell.chars().peekable();
    while let Some(c) = chars.next() {
        if !c.is_control() {
            line.push(c);
        } else if c.is_whitespace() {
            while chars.peek().is_some_and(|next| next.is_whitespace()) {
                chars.next();
            }
            line.push(' ');
        } else {
            line.push('\u{fffd}');
        }
    }
    line
}

fn width(text: &str) -> usize {
    text.chars().count()
}

fn is_number(data_type: &DataType) -> bool {
    data_type.is_numeric()
}
