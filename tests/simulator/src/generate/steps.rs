//! What the steps of a query leave: one row per slice in the table of the step's kind.

use rand::Rng;

use super::shapes::{Then, Work};
use super::warehouse::RELATIONS;
use super::{Run, World, flag, part};
use crate::build::Cell::{self, Int, Text, Time};

/// Slices of a cluster: two nodes with two each.
const SLICES: i64 = 4;

/// A step on one slice, as every step table begins.
struct Slice {
    slice: i64,
    visible: i64,
    started: i64,
    ended: i64,
    rows: i64,
}

impl World {
    /// Spreads a step over the slices.
    fn slices(&mut self, run: &Run, segment: i64, segments: i64, rows: i64) -> Vec<Slice> {
        let length = (run.ended - run.started) / segments.max(1);
        let started = run.started + length * segment;
        let mut slices = Vec::with_capacity(4);
        let mut visible = 0;
        for slice in 0..SLICES {
            // Each node writes its own log.
            if slice % 2 == 0 {
                visible = self.visible(run.ended);
            }
            let took = part(length, self.rng.random_range(0.6..1.0)).max(1);
            let rows = part(rows / SLICES, self.rng.random_range(0.8..1.2));
            slices.push(Slice { slice, visible, started, ended: started + took, rows });
        }
        slices
    }

    /// Writes the rows of all steps; returns how many segments there are.
    pub(super) fn steps(&mut self, run: &Run) -> i64 {
        let tables = run.shape.tables;
        let segments = i64::try_from(tables.len() + run.shape.then.len()).unwrap_or(1) + 1;
        let spills = run.pressure > 1.0;
        let memory = part(260_000_000, run.pressure);
        let mut rows = run.rows;
        for (position, (table, segment)) in tables.iter().zip(0..).enumerate() {
            let relation = &RELATIONS[*table];
            let scanned = if position == 0 { rows } else { relation.rows.min(rows) };
            self.scan(run, *table, segment, segments, scanned);
            if position > 0 {
                self.join(run, *table, segment, segments, scanned, spills && position == 1, memory);
            }
        }
        for (then, segment) in run.shape.then.iter().zip(i64::try_from(tables.len()).unwrap_or(1)..) {
            let slices = self.slices(run, segment, segments, rows);
            for s in &slices {
                let disk = Text(flag(spills && s.slice < 2));
                let bytes = Int(s.rows * 40);
                let (mut row, _) = begin(run, s, segment, 1);
                match then {
                    Then::Aggregate => {
                        row.extend([
                            bytes,
                            Int(16_384),
                            Int(s.rows.min(9_000)),
                            Int(0),
                            Int(0),
                            disk,
                            Int(memory),
                            Text("HASHED"),
                        ]);
                        self.sinks.aggr.push(s.visible, &row);
                    }
                    Then::Sort => {
                        row.extend([bytes, Int(0), disk, Int(memory)]);
                        self.sinks.sort.push(s.visible, &row);
                    }
                    Then::Window => {
                        row.extend([disk, Int(memory)]);
                        self.sinks.window.push(s.visible, &row);
                    }
                    Then::Unique => {
                        row.extend([Text("HASHED"), disk, Int(32_768), Int(memory), bytes]);
                        self.sinks.unique.push(s.visible, &row);
                    }
                    Then::Limit => self.sinks.limit.push(s.visible, &row),
                }
            }
            rows = match then {
                Then::Aggregate | Then::Unique => rows / 500 + 1,
                Then::Limit => rows.min(100),
                Then::Sort | Then::Window => rows,
            };
        }
        self.last(run, segments, rows);
        segments
    }

    fn scan(&mut self, run: &Run, table: usize, segment: i64, segments: i64, rows: i64) {
        let relation = &RELATIONS[table];
        // A COPY scans files, not its table.
        let (kind, tbl, name) = match run.shape.work {
            Work::Copy => (1, 0, ""),
            _ => (2, relation.id, relation.name),
        };
        let restricted = flag(relation.rows > 1_000_000 && self.some(0.7));
        for s in self.slices(run, segment, segments, rows) {
            let (mut row, _) = begin(run, &s, segment, 0);
            let deleted = s.rows / 40;
            row.extend([
                Int(s.rows * relation.width),
                Int(s.rows / 1_000),
                Int(kind),
                Int(tbl),
                Text(restricted),
                Text("f"),
                Int(s.rows + deleted),
                Int(s.rows + deleted / 2),
                Text(name),
                Text("f"),
                Text("f"),
                Text("t"),
            ]);
            self.sinks.scan.push(s.visible, &row);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "they are the columns of the step")]
    fn join(&mut self, run: &Run, table: usize, segment: i64, segments: i64, rows: i64, spills: bool, memory: i64) {
        let relation = &RELATIONS[table];
        let slices = self.slices(run, segment, segments, rows);
        let large = relation.rows > 1_000_000;
        for s in &slices {
            let (mut row, tbl) = begin(run, s, segment, 1);
            row.extend([Int(s.rows * 32), Int(s.rows / 4_000 + 1)]);
            if large {
                self.sinks.dist.push(s.visible, &row);
            } else {
                self.sinks.bcast.push(s.visible, &row);
            }
            let (mut row, _) = begin(run, s, segment, 2);
            if run.shape.nested {
                row.push(tbl);
                self.sinks.nestloop.push(s.visible, &row);
                continue;
            }
            row.extend([
                Int(s.rows * 48),
                Int(131_072),
                Int(s.rows.min(130_000)),
                Int(3),
                tbl,
                Text(flag(spills && s.slice != 3)),
                Int(memory),
                Int(16),
                Int(rows / SLICES),
            ]);
            self.sinks.hash.push(s.visible, &row);
            let (mut row, _) = begin(run, s, segment, 3);
            row.extend([tbl, Int(16), Int(0), Text("f"), Text(flag(spills))]);
            self.sinks.hashjoin.push(s.visible, &row);
        }
    }

    /// The last segment: rows go to the client or into a table.
    fn last(&mut self, run: &Run, segments: i64, rows: i64) {
        let segment = segments - 1;
        let table = run.shape.tables.first().map_or(0, |t| RELATIONS[*t].id);
        for s in self.slices(run, segment, segments, rows) {
            let (mut row, _) = begin(run, &s, segment, 1);
            match run.shape.work {
                Work::Insert | Work::Copy => {
                    row.extend([Int(table), Text("f")]);
                    self.sinks.insert.push(s.visible, &row);
                }
                Work::Delete => {
                    row.push(Int(table));
                    self.sinks.delete.push(s.visible, &row);
                }
                Work::Unload => {
                    row.extend([Int(s.rows * 90), Int(0), Text("f"), Int(0)]);
                    self.sinks.save.push(s.visible, &row);
                }
                _ => {
                    row.extend([Int(s.rows * 60), Int(s.rows / 300 + 1)]);
                    self.sinks.returned.push(s.visible, &row);
                }
            }
        }
    }
}

/// What every step table begins with, and the id of the temporary table of a step.
fn begin(run: &Run, s: &Slice, segment: i64, step: i64) -> (Vec<Cell<'static>>, Cell<'static>) {
    let mut row = Vec::with_capacity(24);
    row.extend([
        Int(run.worker.id),
        Int(run.query),
        Int(s.slice),
        Int(segment),
        Int(step),
        Time(s.started),
        Time(s.ended),
        Int(segment * 10 + step),
        Int(s.rows),
    ]);
    (row, Int(240 + segment))
}
