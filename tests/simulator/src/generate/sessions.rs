//! Who connects: sessions, failed logins, and changes of users.

use lookback_schemas::time::{DAY, HOUR, SECOND};
use rand::Rng;

use super::World;
use super::warehouse::{Worker, workers};
use crate::build::Cell::{self, Int, Null, Text, Time};

/// How long a session is used before its worker opens another.
const SESSION: i64 = 4 * HOUR;

/// A connection of a worker.
pub(super) struct Session {
    worker: &'static Worker,
    pid: i64,
    opened: i64,
    last_used: i64,
}

impl World {
    /// The process id of the worker's session at that moment; a session begins with its first statement.
    pub(super) fn session(&mut self, worker: &'static Worker, moment: i64) -> i64 {
        let key = (worker.id, moment.div_euclid(SESSION));
        if let Some(session) = self.sessions.get(&key) {
            return session.pid;
        }
        self.next_pid += self.rng.random_range(1..90);
        let pid = self.next_pid;
        let opened = moment - self.rng.random_range(20_000..2 * SECOND);
        self.sessions.insert(key, Session { worker, pid, opened, last_used: moment });
        for (event, time) in [("authenticated", opened), ("initiating session", opened + 900)] {
            self.connection(worker, event, time, pid, 0);
        }
        pid
    }

    /// Keeps the worker's session of that moment open until `end`.
    pub(super) fn used_until(&mut self, worker: &'static Worker, moment: i64, end: i64) {
        if let Some(session) = self.sessions.get_mut(&(worker.id, moment.div_euclid(SESSION))) {
            session.last_used = session.last_used.max(end);
        }
    }

    /// Ends the sessions of the day.
    pub(super) fn close_sessions(&mut self) {
        let mut ending: Vec<_> = std::mem::take(&mut self.sessions).into_iter().collect();
        // A hash map has no order of its own; the history must not depend on chance.
        ending.sort_unstable_by_key(|(key, _)| *key);
        for (_, session) in ending {
            let w = session.worker;
            let idle = self.rng.random_range(SECOND..600 * SECOND);
            let end = session.last_used + idle;
            self.connection(w, "disconnecting session", end, session.pid, end - session.opened);
            let visible = self.visible(end);
            let timed_out = i64::from(idle > 500 * SECOND);
            let row = [
                Int(w.id),
                Time(session.opened),
                Time(end),
                Int(session.pid),
                Text(w.name),
                Text(w.database),
                Int(0),
                Int(timed_out),
            ];
            self.sinks.sessions.push(visible, &row);
        }
    }

    fn connection(&mut self, worker: &Worker, event: &str, time: i64, pid: i64, duration: i64) {
        let visible = self.visible(time);
        let (version, cipher) = if worker.tls { ("TLSv1.3", "TLS_AES_256_GCM_SHA384") } else { ("", "") };
        let host = format!("10.12.{}.{}", worker.id % 7, worker.id % 200 + 10);
        let port = (40_000 + pid % 20_000).to_string();
        // Documented as microseconds in an integer: 35 minutes are all it can say.
        let duration = duration.min(i64::from(i32::MAX));
        let row = [
            Text(event),
            Time(time),
            Text(&host),
            Text(&port),
            Int(pid),
            Text(worker.database),
            Text(worker.name),
            Text("password"),
            Int(duration),
            Text(version),
            Text(cipher),
            Text(worker.application),
            Null,
            // An unknown driver and an empty name are different things.
            if worker.tls { Text("Redshift JDBC Driver 2.1.0.30") } else { Null },
        ];
        self.sinks.connection_log.push(visible, &row);
    }

    /// A few logins that fail every day: a wrong password, and somebody who tries names.
    pub(super) fn failed_logins(&mut self, start: i64) {
        let all = workers(self.kind);
        for _ in 0..self.rng.random_range(2..6) {
            let time = start + self.rng.random_range(0..DAY);
            let guess = self.some(0.4);
            let name = if guess { "admin" } else { all[self.rng.random_range(0..all.len())].name };
            let visible = self.visible(time);
            self.next_pid += 1;
            let host = if guess { "203.0.113.77" } else { "10.12.3.40" };
            let row = [
                Text("authentication failure"),
                Time(time),
                Text(host),
                Text("51022"),
                Int(self.next_pid),
                Text("retail"),
                Text(name),
                Text("password"),
                Int(0),
                Text(""),
                Text(""),
                Text(""),
                Null,
                Null,
            ];
            self.sinks.connection_log.push(visible, &row);
        }
    }

    /// Now and then a user is created, altered or dropped.
    pub(super) fn user_changes(&mut self, start: i64) {
        for action in ["create", "alter", "drop"] {
            if !self.some(0.5) {
                continue;
            }
            let time = start + 10 * HOUR + self.rng.random_range(0..4 * HOUR);
            let visible = self.visible(time);
            let (id, xid) = (self.rng.random_range(200..220_i64), self.xid());
            let name = format!("contractor_{id}");
            let until: Cell<'_> = if action == "create" { Time(start + 90 * DAY) } else { Null };
            let superuser = i64::from(action == "alter" && self.some(0.2));
            let row = [
                Int(id),
                Text(&name),
                Text(""),
                Text(action),
                Int(0),
                Int(superuser),
                Int(0),
                until,
                Int(9_000),
                Int(xid),
                Time(time),
            ];
            self.sinks.userlog.push(visible, &row);
        }
    }
}
