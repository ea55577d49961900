//! Loading, unloading and upkeep: COPY, UNLOAD, VACUUM, ANALYZE, DDL, and the commits of all that writes.

use lookback_schemas::time::{DAY, SECOND, Y2000};
use rand::Rng;

use super::warehouse::{RELATIONS, Relation};
use super::{Run, World, part};
use crate::build::Cell::{Double, Int, Text, Time};
use crate::own_queries::fragments;

impl World {
    pub(super) fn copy(&mut self, run: &Run) {
        let table = self.target(run);
        let files = self.rng.random_range(2..7_i64);
        let prefix = format!("{}/{}", table.name, run.xid);
        for file in 0..files {
            let key = format!("{prefix}/part-{file:04}.gz");
            let path = format!("s3://retail-landing/{key}");
            let lines = run.rows / files;
            let time = run.started + (run.ended - run.started) * (file + 1) / (files + 1);
            let visible = self.visible(run.ended);
            let row = [
                Int(run.worker.id),
                Int(run.query),
                Int(file % 4),
                Text(table.name),
                Text(&path),
                Int(0),
                Int(lines),
                Int(0),
                Time(time),
                Int(1),
                Text("Text"),
            ];
            self.sinks.load_commits.push(visible, &row);
            self.s3(run, file % 4, "GET", "retail-landing", &key, lines * 30, time);
        }
        let bad = if run.aborted { 2 } else { i64::from(self.some(0.1)) };
        for line in 0..bad {
            self.bad_line(run, table, line * 131 + 17);
        }
        self.commit(run);
    }

    fn target(&self, run: &Run) -> &'static Relation {
        &RELATIONS[run.shape.tables.first().copied().unwrap_or(0)]
    }

    /// A line that could not be loaded, and its fields up to the one that was wrong.
    fn bad_line(&mut self, run: &Run, table: &Relation, line: i64) {
        let file = format!("s3://retail-landing/{}/{}/part-0001.gz", table.name, run.xid);
        let raw = "2026-02-30|\"Kettle, 1.7 l \\ steel\"|N/A|DE";
        let visible = self.visible(run.ended);
        let row = [
            Int(run.worker.id),
            Int(1),
            Int(table.id),
            Time(run.started),
            Int(run.pid),
            Int(run.query),
            Text(&file),
            Int(line),
            Text("quantity"),
            Text("int4"),
            Text("0"),
            Int(36),
            Text(raw),
            Text("N/A"),
            Int(1_207),
            Text("Invalid digit, Value 'N', Pos 0, Type: Integer"),
        ];
        self.sinks.load_errors.push(visible, &row);
        let fields = [
            ("sold_at", "2026-02-30", "date"),
            ("product", "Kettle, 1.7 l \\ steel", "varchar"),
            ("quantity", "N/A", "int4"),
        ];
        for ((name, value, kind), field) in fields.into_iter().zip(0..) {
            let row = [
                Int(run.worker.id),
                Int(1),
                Int(run.pid),
                Int(run.query),
                Text(&file),
                Int(line),
                Int(field),
                Text(name),
                Text(value),
                Int(0),
                Text(kind),
                Text("0"),
            ];
            self.sinks.loaderror_detail.push(visible, &row);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "they are the columns of the request")]
    fn s3(&mut self, run: &Run, slice: i64, method: &str, bucket: &str, key: &str, size: i64, time: i64) {
        let visible = self.visible(time);
        let took = self.rng.random_range(8_000..900_000_i64);
        let end = time - Y2000;
        let retries = i64::from(self.some(0.02));
        let row = [
            Int(run.worker.id),
            Int(run.query),
            Int(slice),
            Time(time),
            Int(run.pid),
            Text(method),
            Text(bucket),
            Text(key),
            Int(size),
            Int(size * 4),
            Int(end - took),
            Int(end),
            Int(took),
            Int(retries),
        ];
        self.sinks.s3client.push(visible, &row);
    }

    pub(super) fn unload(&mut self, run: &Run) {
        for slice in 0..4 {
            let key = format!("sales/{}/{slice:04}_part_00.parquet", run.xid);
            let path = format!("s3://retail-exports/{key}");
            let visible = self.visible(run.ended);
            let (lines, size) = (run.rows / 4, run.rows * 9);
            let row = [
                Int(run.worker.id),
                Int(run.query),
                Int(slice),
                Int(run.pid),
                Text(&path),
                Time(run.started),
                Time(run.ended),
                Int(lines),
                Int(size),
                Text("Parquet"),
            ];
            self.sinks.unload_log.push(visible, &row);
            self.s3(run, slice, "PUT", "retail-exports", &key, size, run.ended);
        }
    }

    /// The commit of a write, on the leader (node -1) and both nodes.
    pub(super) fn commit(&mut self, run: &Run) {
        if run.aborted {
            return;
        }
        let waiting = self.rng.random_range(0..6_i64);
        let work = run.ended + waiting * SECOND / 3;
        for node in -1..2 {
            let stage = |share: i64| Time(work + share * 40_000);
            let end = work + self.rng.random_range(5..9_i64) * 40_000;
            let visible = self.visible(end);
            let blocks = run.rows / 5_000 + 3;
            let row = [
                Int(run.xid),
                Int(node),
                Time(run.ended),
                Time(work),
                stage(1),
                stage(2),
                stage(3),
                stage(4),
                Time(end),
                Int(if node < 0 { waiting } else { 0 }),
                Int(blocks * 90),
                Int(blocks),
                Int(blocks * 2),
                Int(40),
                Int(1),
                Int(run.xid - 20),
            ];
            self.sinks.commit_stats.push(visible, &row);
        }
        self.utility(run, "COMMIT", run.ended);
    }

    fn utility(&mut self, run: &Run, sql: &str, end: i64) {
        let visible = self.visible(end);
        for (text, sequence) in fragments(sql).zip(0..) {
            let row = [
                Int(run.worker.id),
                Int(run.xid),
                Int(run.pid),
                Text(run.worker.group),
                Time(run.started),
                Time(end),
                Int(sequence),
                Text(text),
            ];
            self.sinks.utilitytext.push(visible, &row);
            // Some drivers send a command twice within a microsecond; the log then has two equal rows.
            if self.some(0.02) {
                self.sinks.utilitytext.push(visible, &row);
            }
        }
    }

    pub(super) fn vacuum(&mut self, run: &Run) {
        let table = self.target(run);
        self.utility(run, &run.sql, run.ended);
        let deleted = part(table.rows, 0.03);
        for (status, rows, time) in
            [("Started Delete Only", table.rows, run.started), ("Finished", table.rows - deleted, run.ended)]
        {
            let visible = self.visible(time);
            let row = [
                Int(run.worker.id),
                Int(run.xid),
                Int(table.id),
                Text(status),
                Int(rows),
                Int(rows),
                Int(rows / 9_000),
                Int(0),
                Time(time),
            ];
            self.sinks.vacuum.push(visible, &row);
        }
        self.commit(run);
    }

    pub(super) fn analyze(&mut self, run: &Run) {
        let table = self.target(run);
        self.utility(run, &run.sql, run.ended);
        let visible = self.visible(run.ended);
        let status = if self.some(0.3) { "Skipped" } else { "Full" };
        let rows = f64::from(i32::try_from(table.rows).unwrap_or(i32::MAX));
        let row = [
            Int(run.worker.id),
            Int(run.xid),
            Text(run.worker.database),
            Int(table.id),
            Text(status),
            Double(rows),
            Double(rows * 0.04),
            Int(10),
            Text("f"),
            Time(run.started),
            Time(run.ended),
            Time(run.started - DAY),
            Text("f"),
            Text("public"),
            Text(table.name),
        ];
        self.sinks.analyze.push(visible, &row);
    }

    pub(super) fn ddl(&mut self, run: &Run) {
        let visible = self.visible(run.ended);
        for (text, sequence) in fragments(&run.sql).zip(0..) {
            let row = [
                Int(run.worker.id),
                Int(run.xid),
                Int(run.pid),
                Text(run.worker.group),
                Time(run.started),
                Time(run.ended),
                Int(sequence),
                Text(text),
            ];
            self.sinks.ddltext.push(visible, &row);
        }
        self.commit(run);
    }
}
