//! Settings of one connection: what clients ask for when they begin, and what is answered.
//!
//! A list of what is known. A value that would change how answers look is refused unless it is how they look anyway; the time limit
//! of statements is the one that has an effect. What is set here, nobody else sees.

use std::collections::BTreeMap;
use std::time::Duration;

use super::failure::{Failure, code};
use known::{KNOWN, Kind, Known, REPORTED, known};

mod known;

/// The version of PostgreSQL whose protocol and catalog this is.
pub(super) const SERVER_VERSION: &str = "15.4";
/// What `version()` answers; drivers read the number in it.
pub(super) const VERSION: &str = concat!("PostgreSQL 15.4 (lookback ", env!("CARGO_PKG_VERSION"), ")");

/// Bytes of a value that is kept.
const MAX_VALUE: usize = 1_024;

/// The settings of a connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Parameters {
    // By the name in lower case.
    set: BTreeMap<String, String>,
    user: String,
}

/// A setting as `pg_settings` has it.
pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) default: String,
    pub(super) unit: Option<&'static str>,
    /// Whether it cannot be set.
    pub(super) fixed: bool,
}

/// What became of a setting.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Changed {
    /// The name and value that the client has to be told.
    pub(super) report: Option<(&'static str, String)>,
    /// A remark.
    pub(super) notice: Option<&'static str>,
}

/// Whether a setting is one of the list.
pub(super) fn is_known(name: &str) -> bool {
    known(name).is_some()
}

impl Parameters {
    /// Those of a connection that begins with what its start-up message asks for. What is not known in it is left out, as drivers send
    /// all sorts of things; what is known and not possible is an error.
    pub(super) fn new(user: &str, asked: &BTreeMap<String, String>) -> Result<Self, Failure> {
        let mut parameters = Self { set: BTreeMap::new(), user: user.to_owned() };
        let options = asked.get("options").map(|options| options_of(options)).unwrap_or_default();
        let own = ["user", "database", "options", "replication"];
        let given = asked.iter().filter(|(name, _)| !own.contains(&name.as_str()) && !name.starts_with("_pq_."));
        for (name, value) in options.into_iter().chain(given.map(|(name, value)| (name.clone(), value.clone()))) {
            if known(&name.to_lowercase()).is_some_and(|known| known.kind != Kind::Fixed) {
                parameters
                    .set(&name.to_lowercase(), Some(&value))
                    .map_err(|failure| Failure { fatal: true, ..failure })?;
            }
        }
        Ok(parameters)
    }

    /// Sets one; without a value, to what it was.
    pub(super) fn set(&mut self, name: &str, value: Option<&str>) -> Result<Changed, Failure> {
        let Some(known) = known(name) else {
            return Err(Failure::new(
                code::UNKNOWN_SETTING,
                format!("unrecognized configuration parameter \"{name}\""),
            ));
        };
        let key = known.name.to_lowercase();
        let refused = |why: &str| Failure::new(code::INVALID_PARAMETER, format!("{} {why}", known.name));
        let mut notice = None;
        if let Some(value) = value {
            if value.len() > MAX_VALUE {
                return Err(refused("has a value that is too long"));
            }
            // Some drivers quote values at start-up.
            let plain = value.trim().trim_matches('\'');
            let first = plain.split([',', ' ']).next().unwrap_or_default().to_lowercase();
            match known.kind {
                Kind::Kept => {}
                Kind::Fixed => {
                    return Err(Failure::new("55P02", format!("parameter \"{}\" cannot be changed", known.name)));
                }
                Kind::Only(possible) if possible.contains(&first.as_str()) => {}
                Kind::Only(_) => return Err(refused(&format!("cannot be '{value}'; it is {} here", known.default))),
                Kind::Timeout => {
                    duration(value)
                        .ok_or_else(|| refused(&format!("cannot be '{value}'; write 30s or a number of ms")))?;
                }
                Kind::Zone => {
                    let utc = ["utc", "gmt", "etc/utc", "zulu", "0"].contains(&first.as_str());
                    notice = (!utc).then_some("times are in UTC here, whatever the time zone is set to");
                }
            }
        }
        match value.filter(|_| matches!(known.kind, Kind::Kept | Kind::Timeout)) {
            Some(value) => self.set.insert(key, value.to_owned()),
            None => self.set.remove(&key),
        };
        let report = REPORTED.contains(&known.name).then(|| (known.name, self.value(known)));
        Ok(Changed { report, notice })
    }

    /// All as they were.
    pub(super) fn reset(&mut self) {
        self.set.clear();
    }

    /// The name as it is written, and the value.
    pub(super) fn show(&self, name: &str) -> Result<(&'static str, String), Failure> {
        let unknown =
            || Failure::new(code::UNKNOWN_SETTING, format!("unrecognized configuration parameter \"{name}\""));
        known(name).map(|known| (known.name, self.value(known))).ok_or_else(unknown)
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = (&'static str, String)> {
        KNOWN.iter().map(|known| (known.name, self.value(known)))
    }

    /// All of them, with times in milliseconds.
    pub(super) fn settings(&self) -> impl Iterator<Item = Setting> {
        KNOWN.iter().map(|known| {
            let limited = known.kind == Kind::Timeout;
            let value =
                if limited { self.timeout().unwrap_or_default().as_millis().to_string() } else { self.value(known) };
            let default = if known.name == "session_authorization" { value.clone() } else { known.default.to_owned() };
            let unit = limited.then_some("ms");
            Setting { name: known.name, value, default, unit, fixed: known.kind == Kind::Fixed }
        })
    }

    /// Those that a client is told when it begins.
    pub(super) fn reported(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.all().filter(|(name, _)| REPORTED.contains(name))
    }

    /// How long a statement may take, if the client has said so.
    pub(super) fn timeout(&self) -> Option<Duration> {
        self.set.get("statement_timeout").and_then(|value| duration(value)).filter(|limit| !limit.is_zero())
    }

    fn value(&self, known: &Known) -> String {
        if known.name == "session_authorization" {
            return self.user.clone();
        }
        if known.kind == Kind::Timeout {
            return in_units(self.timeout().unwrap_or_default());
        }
        self.set.get(&known.name.to_lowercase()).cloned().unwrap_or_else(|| known.default.to_owned())
    }
}

/// A time as PostgreSQL takes it: a number of milliseconds, or with a unit.
fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text.get(..digits)?.parse().ok()?;
    let unit = match text.get(digits..)?.trim() {
        "" | "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    Some(Duration::from_millis(number.checked_mul(unit)?.min(86_400_000 * 365)))
}

/// A time as PostgreSQL shows it: in the largest unit that it is a whole number of.
fn in_units(time: Duration) -> String {
    let millis = time.as_millis();
    let units = [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000), ("ms", 1)];
    match units.iter().find(|(_, unit)| millis > 0 && millis.is_multiple_of(*unit)) {
        Some((name, unit)) => format!("{}{name}", millis / unit),
        None => "0".to_owned(),
    }
}

/// The settings of `options`: `-c name=value` and `--name=value`.
fn options_of(text: &str) -> Vec<(String, String)> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => word.extend(letters.next()),
            ' ' => words.push(std::mem::take(&mut word)),
            other => word.push(other),
        }
    }
    words.push(word);
    let pair = |text: &str| text.split_once('=').map(|(name, value)| (name.replace('-', "_"), value.to_owned()));
    let mut found = Vec::new();
    let mut after_c = false;
    for word in words.iter().filter(|word| !word.is_empty()) {
        let text = word.strip_prefix("--").or_else(|| word.strip_prefix("-c").filter(|rest| !rest.is_empty()));
        match text {
            Some(text) => found.extend(pair(text)),
            None if after_c => found.extend(pair(word)),
            None => {}
        }
        after_c = word == "-c";
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(asked: &[(&str, &str)]) -> Result<Parameters, Failure> {
        let asked = asked.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Parameters::new("ana", &asked)
    }

    #[test]
    fn what_drivers_ask_for_at_the_start_is_accepted() {
        let jdbc = [
            ("DateStyle", "ISO"),
            ("client_encoding", "UTF8"),
            ("TimeZone", "Europe/Berlin"),
            ("extra_float_digits", "2"),
        ];
        let mut parameters = begun(&jdbc).unwrap();
        assert_eq!(parameters.show("timezone").unwrap(), ("TimeZone", "UTC".to_owned()));
        assert_eq!(parameters.show("session_authorization").unwrap().1, "ana");
        assert!(begun(&[("client_encoding", "'utf-8'")]).is_ok());
        assert_eq!(begun(&[("client_encoding", "LATIN1")]).unwrap_err().code, "22023");
        assert!(begun(&[("some_extension.thing", "1"), ("server_version", "9")]).is_ok());
        assert_eq!(parameters.set("datestyle", Some("German")).unwrap_err().code, "22023");
        assert_eq!(parameters.set("server_version", Some("9")).unwrap_err().code, "55P02");
        assert_eq!(parameters.set("datafusion.execution.batch_size", Some("1")).unwrap_err().code, "42704");
        let changed = parameters.set("application_name", Some("psql")).unwrap();
        assert_eq!(changed.report, Some(("application_name", "psql".to_owned())));
        assert!(parameters.set("timezone", Some("Asia/Tokyo")).unwrap().notice.is_some());
    }

    #[test]
    fn a_time_limit_is_read_in_all_units() {
        let parameters =
            begun(&[("options", r"-c statement_timeout=5min -c search_path=a\ b --work-mem=1MB")]).unwrap();
        assert_eq!(parameters.timeout(), Some(Duration::from_secs(300)));
        assert_eq!(parameters.show("search_path").unwrap().1, "a b");
        for (text, millis) in [("100", 100), ("2s", 2_000), ("1 h", 3_600_000)] {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(duration("soon"), None);
        assert_eq!(parameters.show("statement_timeout").unwrap().1, "5min");
        let limit = parameters.settings().find(|one| one.name == "statement_timeout").unwrap();
        assert_eq!((limit.value.as_str(), limit.unit, limit.default.as_str()), ("300000", Some("ms"), "0"));
        for (millis, shown) in [(0, "0"), (1, "1ms"), (90_000, "90s"), (3_600_000, "1h")] {
            assert_eq!(in_units(Duration::from_millis(millis)), shown);
        }
        assert_eq!(begun(&[("statement_timeout", "0")]).unwrap().timeout(), None);
    }
}
