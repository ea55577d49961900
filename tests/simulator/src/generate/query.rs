//! What every query leaves: `stl_query`, its text, its way through WLM, its plan, metrics, alerts and errors.

use lookback_schemas::time::{MINUTE, SECOND};
use rand::Rng;

use super::shapes::{Shape, Then, Work, fill};
use super::warehouse::{RELATIONS, queue, workers};
use super::{Run, World, micros, part};
use crate::build::Cell::{Double, Int, Text, Time};
use crate::own_queries::fragments;

/// Slots of each WLM queue.
const SLOTS: usize = 5;

impl World {
    /// Runs one statement, submitted at `moment`; `crowd` (0 to 1) says how busy the cluster is.
    pub(super) fn statement(&mut self, shape: &'static Shape, moment: i64, crowd: f64) {
        let workers = workers(self.kind);
        // The first are the busiest.
        let at = self.rng.random_range(0..workers.len()).min(self.rng.random_range(0..workers.len()));
        let worker = &workers[at];
        let pid = self.session(worker, moment);
        let seconds = (shape.seconds * self.spread() * (0.7 + crowd)).min(5.0 * 3600.0);
        let run_time = micros(seconds).max(900);
        let started = if matches!(shape.work, Work::Ddl) {
            moment
        } else {
            self.through_queue(worker.service_class, moment, run_time)
        };
        let fails = match self.kind {
            super::Kind::Etl => 0.01,
            super::Kind::Dashboards => 0.015,
            super::Kind::AdHoc => 0.06,
        };
        let aborted = self.some(fails);
        let ended = started + if aborted { run_time / 3 + 700 } else { run_time };
        let sql = fill(&mut self.rng, shape, moment);
        let rows = shape.tables.first().map_or(0, |t| RELATIONS[*t].rows);
        let share = self.rng.random_range(0.001..0.2);
        let pressure = self.rng.random_range(0.1..1.05) * if seconds > 20.0 { 1.6 } else { 1.0 };
        let xid = self.xid();
        let run = Run {
            worker,
            shape,
            sql,
            query: self.next_query,
            xid,
            pid,
            queued: moment,
            started,
            ended,
            aborted,
            rows: part(rows, share).max(1),
            pressure,
        };
        self.used_until(worker, moment, ended);
        match shape.work {
            Work::Ddl => return self.ddl(&run),
            Work::Vacuum => return self.vacuum(&run),
            Work::Analyze => return self.analyze(&run),
            Work::Select | Work::Insert | Work::Delete | Work::Copy | Work::Unload => {}
        }
        self.next_query += 1;
        self.query_and_text(&run);
        self.wlm(&run);
        let segments = self.steps(&run);
        self.plan(&run, segments);
        self.metrics(&run, segments);
        self.alerts(&run);
        match shape.work {
            Work::Copy => self.copy(&run),
            Work::Unload => self.unload(&run),
            Work::Insert | Work::Delete => self.commit(&run),
            _ => {}
        }
        if aborted {
            self.failure(&run);
        }
    }

    /// When a statement submitted at `moment` gets a slot of its service class.
    fn through_queue(&mut self, class: i64, moment: i64, run_time: i64) -> i64 {
        let slots = self.busy_until.entry(class).or_insert_with(|| vec![0; SLOTS]);
        let free = slots.iter_mut().min_by_key(|until| **until);
        let Some(free) = free else { return moment };
        // Nobody waits longer than ten minutes here: work that long is moved on by the queue's rules.
        let started = (*free).clamp(moment, moment + 10 * MINUTE);
        *free = started + run_time;
        started
    }

    fn query_and_text(&mut self, run: &Run) {
        let w = run.worker;
        let visible = self.visible(run.ended);
        let row = [
            Int(w.id),
            Int(run.query),
            Text(w.group),
            Int(run.xid),
            Int(run.pid),
            Text(w.database),
            Text(&run.sql),
            Time(run.queued),
            Time(run.ended),
            Int(run.aborted.into()),
        ];
        self.sinks.query.push(visible, &row);
        let visible = self.visible(run.ended);
        for (text, sequence) in fragments(&run.sql).zip(0..) {
            let row = [Int(w.id), Int(run.xid), Int(run.pid), Int(run.query), Int(sequence), Text(text)];
            self.sinks.querytext.push(visible, &row);
        }
    }

    fn wlm(&mut self, run: &Run) {
        let w = run.worker;
        // The row is written when the service class is left, long after the queue was.
        let left = run.ended + self.rng.random_range(0..40_000_i64);
        let visible = self.visible(left);
        let memory = part(300_000_000, run.pressure);
        let row = [
            Int(w.id),
            Int(run.xid),
            Int(run.query + 7),
            Int(run.query),
            Int(w.service_class),
            Int(1),
            Time(run.queued),
            Time(run.queued),
            Time(run.started),
            Int(run.started - run.queued),
            Time(run.started),
            Time(run.ended),
            Int(run.ended - run.started),
            Time(left),
            Text(if run.aborted { "Evicted" } else { "Completed" }),
            Int(memory),
            Text("Normal"),
            Text(queue(w.service_class)),
        ];
        self.sinks.wlm_query.push(visible, &row);
        if run.ended - run.started > 15 * MINUTE {
            let time = run.started + 15 * MINUTE;
            let visible = self.visible(time);
            let row = [
                Int(w.id),
                Int(run.query),
                Int(w.service_class),
                Text("long_running"),
                Text("log"),
                Time(time),
                Text("query_execution_time > 900"),
                Text(queue(w.service_class)),
            ];
            self.sinks.wlm_rule_action.push(visible, &row);
        }
    }

    /// The plan: one node per line of EXPLAIN, each tied to the segment that ran it.
    fn plan(&mut self, run: &Run, segments: i64) {
        let mut nodes: Vec<(String, String)> = Vec::new();
        for then in run.shape.then.iter().rev() {
            nodes.push(match then {
                Then::Aggregate => ("XN HashAggregate".to_owned(), String::new()),
                Then::Sort => ("XN Sort".to_owned(), "Sort Key: 1".to_owned()),
                Then::Window => ("XN Window".to_owned(), "Partition: 1".to_owned()),
                Then::Unique => ("XN Unique".to_owned(), String::new()),
                Then::Limit => ("XN Limit".to_owned(), String::new()),
            });
        }
        for pair in run.shape.tables.windows(2) {
            let (outer, inner) = (&RELATIONS[pair[0]], &RELATIONS[pair[1]]);
            nodes.push(if run.shape.nested {
                (
                    "XN Nested Loop DS_BCAST_INNER".to_owned(),
                    "Join Filter: (\"outer\".ip_address <> \"inner\".last_ip)".to_owned(),
                )
            } else {
                let how = if inner.rows > 1_000_000 { "DS_DIST_INNER" } else { "DS_BCAST_INNER" };
                let on = inner.key;
                (
                    format!("XN Hash Join {how}"),
                    format!("Hash Cond: (\"outer\".{on} = \"inner\".{on})  -- {}", outer.name),
                )
            });
        }
        for table in run.shape.tables {
            let relation = &RELATIONS[*table];
            nodes
                .push((format!("XN Seq Scan on {}", relation.name), format!("Filter: ({} IS NOT NULL)", relation.key)));
        }
        let (visible, also) = (self.visible(run.ended), self.visible(run.ended));
        let count = i64::try_from(nodes.len()).unwrap_or(1);
        for ((node, info), id) in nodes.iter().zip(1_i64..) {
            let rows = part(run.rows, 1.0 / (count - id + 1).max(1).cast());
            let cost = 0.01 * run.rows.cast() * id.cast();
            let arrow =
                if id == 1 { String::new() } else { format!("{}->  ", "  ".repeat(usize::try_from(id).unwrap_or(1))) };
            let line = format!("{arrow}{node}  (cost=0.00..{cost:.2} rows={rows} width=24)");
            let row = [Int(run.worker.id), Int(run.query), Int(id), Int(id - 1), Text(&line), Text(info)];
            self.sinks.explain.push(visible, &row);
            let row = [
                Int(run.worker.id),
                Int(run.query),
                Int(id),
                Int((id - 1).min(segments - 1)),
                Int(0),
                Int(1),
                Int(100 + id),
                Double(0.0),
                Double(cost),
                Int(rows),
                Int(rows * 24),
            ];
            self.sinks.plan_info.push(also, &row);
        }
        for segment in 0..segments {
            let row = [Int(run.worker.id), Int(run.query), Int(segment / 2), Int(segment)];
            self.sinks.stream_segs.push(visible, &row);
        }
    }

    /// A row for the whole query and one for each segment.
    fn metrics(&mut self, run: &Run, segments: i64) {
        let w = run.worker;
        let visible = self.visible(run.ended);
        let spilled = if run.pressure > 1.0 { part(run.rows / 2_000, run.pressure) } else { 0 };
        for segment in -1..segments {
            let share = if segment < 0 { 1.0 } else { 1.0 / segments.cast() };
            let (rows, time) = (part(run.rows, share), part(run.ended - run.started, share));
            let blocks = rows / 9_000 + 1;
            let row = [
                Int(w.id),
                Int(w.service_class),
                Int(run.query),
                Int(segment),
                Int(-1),
                Time(run.started),
                Int(4),
                Int(rows / 3),
                Int(rows),
                Int(time / 2),
                Int(time),
                Int(blocks / 3),
                Int(blocks),
                Int(time),
                Int(time),
                Int(spilled / 3),
                Int(spilled),
                Int(-1),
                Int(blocks / 3),
                Int(blocks),
                Int(2),
                Int((run.started - run.queued) / SECOND),
                Text(queue(w.service_class)),
            ];
            self.sinks.query_metrics.push(visible, &row);
        }
        if run.pressure > 1.55 && run.ended - run.started > 10 * MINUTE {
            let time = run.ended - SECOND;
            let visible = self.visible(time);
            let row = [Int(time - lookback_schemas::time::Y2000), Int(1), Int(run.query), Int(spilled)];
            self.sinks.disk_full_diag.push(visible, &row);
        }
    }

    fn alerts(&mut self, run: &Run) {
        let mut alerts: Vec<(String, &str)> = Vec::new();
        let joined = run.shape.tables.len() > 1;
        if run.shape.nested {
            alerts.push((
                "Nested Loop Join in the query plan".to_owned(),
                "Review the join predicates to avoid Cartesian products",
            ));
        }
        let stale = match self.kind {
            super::Kind::AdHoc => 0.06,
            _ => 0.01,
        };
        if self.some(stale) {
            alerts.push(("Missing query planner statistics".to_owned(), "Run the ANALYZE command"));
        }
        if self.some(0.05) {
            let (out, scanned) = (run.rows / 900, run.rows);
            let share = out.cast() / scanned.max(1).cast();
            alerts.push((
                format!("Very selective query filter:ratio=rows({out})/rows_pre_user_filter({scanned})={share:.6}"),
                "Review the choice of sort key to enable range restricted scans, or run the VACUUM command to ensure the table is sorted",
            ));
        }
        if joined && self.some(0.05) {
            alerts.push((
                format!("Distributed a large number of rows across the network: {} rows were distributed in order to process the join", run.rows),
                "Review the choice of distribution key to collocate the join or aggregation",
            ));
        }
        if run.rows > 1_000_000 && self.some(0.04) {
            alerts.push((
                format!("Scanned a large number of deleted rows: {} rows deleted", run.rows / 5),
                "Run the VACUUM command to reclaim deleted space",
            ));
        }
        for (event, solution) in alerts {
            let time = run.started + (run.ended - run.started) / 4;
            let visible = self.visible(run.ended);
            let row = [
                Int(run.worker.id),
                Int(run.query),
                Int(0),
                Int(1),
                Int(1),
                Int(run.pid),
                Int(run.xid),
                Text(&event),
                Text(solution),
                Time(time),
            ];
            self.sinks.alert.push(visible, &row);
            // The same alert twice, down to the microsecond: both are rows of the log.
            if self.some(0.03) {
                self.sinks.alert.push(visible, &row);
            }
        }
    }

    fn failure(&mut self, run: &Run) {
        let errors = [
            (1_014, "Query (%) cancelled on user's request", "query_cancel.cpp"),
            (8_001, "Serializable isolation violation on table", "xen_transaction.cpp"),
            (1_012, "Disk Full", "fabric_block.cpp"),
            (9_999, "Invalid digit, Value 'N', Pos 0, Type: Integer", "cast_numeric.cpp"),
        ];
        let (code, message, file) = errors[self.rng.random_range(0..errors.len())];
        let writes = matches!(run.shape.work, Work::Insert | Work::Delete | Work::Copy);
        let visible = self.visible(run.ended);
        let message = message.replace('%', &run.query.to_string());
        let context = format!("query {}", run.query);
        let row = [
            Int(run.worker.id),
            Text("padbmaster"),
            Time(run.ended),
            Int(run.pid),
            Int(code),
            Text(file),
            Int(412),
            Text(&context),
            Text(&message),
        ];
        self.sinks.error.push(visible, &row);
        if code == 1_014 {
            let row = [Int(run.worker.id), Time(run.ended), Int(run.pid), Text("WLM: query evicted from its queue")];
            self.sinks.wlm_error.push(visible, &row);
        }
        let table = run.shape.tables.first().map_or(0, |t| RELATIONS[*t].id);
        if writes {
            let undo = run.ended + SECOND / 10;
            let row = [Int(run.worker.id), Int(run.xid + 1), Int(run.xid), Time(run.ended), Time(undo), Int(table)];
            self.sinks.undone.push(visible.max(undo), &row);
        }
        if writes && code == 8_001 {
            let row = [Int(run.xid), Int(run.pid), Time(run.started), Time(run.ended), Int(table)];
            self.sinks.tr_conflict.push(visible, &row);
        }
    }
}

/// A count as a number to calculate with.
trait Cast {
    fn cast(self) -> f64;
}

impl Cast for i64 {
    #[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^52")]
    fn cast(self) -> f64 {
        self as f64
    }
}
