//! Columns for a person to read, as psql prints them: numbers to the right, a line of dashes under the header.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, DurationFormat, FormatOptions};

use super::{TIMESTAMP, TIMESTAMP_TZ, floats};

/// Rows that the widths of the columns are taken from; they wait until there are so many, or no more.
const MEASURED: usize = 1_000;

/// Writes rows once it is known how wide they are, up to a limit; the others are counted.
pub(super) struct Table<W> {
    schema: SchemaRef,
    most: u64,
    shown: u64,
    left_out: u64,
    waiting: Vec<Vec<String>>,
    // Known once the header is written.
    columns: Option<Columns>,
    to: W,
}

struct Columns {
    widths: Vec<usize>,
    right: Vec<bool>,
}

impl<W: Write> Table<W> {
    pub(super) fn new(schema: SchemaRef, most: usize, to: W) -> Self {
        Self { schema, most: most as u64, shown: 0, left_out: 0, waiting: Vec::new(), columns: None, to }
    }

    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let room = usize::try_from(self.most - self.shown).unwrap_or(usize::MAX);
        let taken = batch.num_rows().min(room);
        self.shown += taken as u64;
        self.left_out += (batch.num_rows() - taken) as u64;
        let plan = is_plan(&self.schema);
        cells(batch, taken, |row| {
            if plan {
                self.waiting.push(row);
                return Ok(());
            }
            let row: Vec<String> = row.iter().map(|cell| one_line(cell)).collect();
            if let Some(columns) = &self.columns {
                return columns.line(&mut self.to, &row);
            }
            self.waiting.push(row);
            if self.waiting.len() >= MEASURED { self.begin() } else { Ok(()) }
        })
    }

    pub(super) fn finish(mut self) -> std::io::Result<()> {
        if is_plan(&self.schema) {
            return self.write_plan();
        }
        if self.columns.is_none() {
            self.begin()?;
        }
        footer(&mut self.to, self.shown, self.left_out)
    }

    /// The header, and the rows that waited for it.
    fn begin(&mut self) -> std::io::Result<()> {
        let header: Vec<String> = self.schema.fields().iter().map(|field| one_line(field.name())).collect();
        let rows = std::mem::take(&mut self.waiting);
        let widths: Vec<usize> = (0..header.len())
            .map(|i| rows.iter().map(|row| width(&row[i])).chain([width(&header[i])]).max().unwrap_or(0))
            .collect();
        let right: Vec<bool> = self.schema.fields().iter().map(|field| is_number(field.data_type())).collect();
        let columns = Columns { widths, right };
        columns.line(&mut self.to, &header)?;
        let dashes: Vec<String> = columns.widths.iter().map(|width| "-".repeat(width + 2)).collect();
        writeln!(self.to, "{}", dashes.join("+"))?;
        for row in &rows {
            columns.line(&mut self.to, row)?;
        }
        self.columns = Some(columns);
        Ok(())
    }

    /// A plan is a tree drawn over many lines, which must stay as they are.
    fn write_plan(&mut self) -> std::io::Result<()> {
        for row in &self.waiting {
            if let [kind, plan] = row.as_slice() {
                writeln!(self.to, "{kind}\n{}\n", plan.trim_end())?;
            }
        }
        Ok(())
    }
}

impl Columns {
    /// A later cell that is wider than those that were measured pushes the rest of its line to the right.
    fn line(&self, to: &mut impl Write, cells: &[String]) -> std::io::Result<()> {
        let mut text = String::new();
        for (i, cell) in cells.iter().enumerate() {
            let padding = " ".repeat(self.widths[i].saturating_sub(width(cell)));
            text.push_str(if i == 0 { " " } else { " | " });
            if self.right[i] {
                text.push_str(&padding);
                text.push_str(cell);
            } else {
                text.push_str(cell);
                text.push_str(&padding);
            }
        }
        writeln!(to, "{}", text.trim_end())
    }
}

/// The line under a table.
pub(super) fn footer(to: &mut impl Write, shown: u64, left_out: u64) -> std::io::Result<()> {
    match (left_out, shown) {
        (0, 1) => writeln!(to, "(1 row)"),
        (0, shown) => writeln!(to, "({shown} rows)"),
        (more, shown) => writeln!(to, "({shown} rows shown, {more} more left out; other formats write them all)"),
    }
}

/// Whether this is the answer to EXPLAIN.
pub(super) fn is_plan(schema: &SchemaRef) -> bool {
    matches!(schema.fields().iter().map(|f| f.name().as_str()).collect::<Vec<_>>()[..], ["plan_type", "plan"])
}

/// Gives the first rows of a batch, each cell as text.
pub(super) fn cells(
    batch: &RecordBatch,
    rows: usize,
    mut give: impl FnMut(Vec<String>) -> std::io::Result<()>,
) -> Result<(), ArrowError> {
    let options = FormatOptions::new()
        .with_null("")
        .with_timestamp_format(Some(TIMESTAMP))
        .with_timestamp_tz_format(Some(TIMESTAMP_TZ))
        .with_duration_format(DurationFormat::Pretty);
    let batch = floats::printed(batch)?;
    let columns = batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    for row in 0..rows {
        let cells = columns.iter().map(|column| column.value(row).try_to_string());
        give(cells.collect::<Result<_, _>>()?)?;
    }
    Ok(())
}

/// Statements span lines and hold tabs, and anything in a log can hold a terminal's control characters.
pub(super) fn one_line(cell: &str) -> String {
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

pub(super) fn width(text: &str) -> usize {
    text.chars().count()
}

fn is_number(data_type: &DataType) -> bool {
    data_type.is_numeric()
}
