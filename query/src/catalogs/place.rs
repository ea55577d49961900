//! Where a catalog finds the tables: a database's name and the lake's location, checked before they get into statements.

use crate::error::{ErrorKind, QueryError};

/// A database of the Glue Data Catalog, and the lake in S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    database: String,
    // Without a slash at its end.
    location: String,
}

impl Place {
    /// `database`: lower-case letters, digits and `_`, at most 128 of them. `location`: `s3://bucket/prefix`.
    ///
    /// # Errors
    /// [`ErrorKind::Parameter`] with what is possible.
    pub fn new(database: &str, location: &str) -> Result<Self, QueryError> {
        let wrong = |what: String| QueryError::new(ErrorKind::Parameter, what);
        if !is_name(database) {
            return Err(wrong(format!(
                "'{database}' cannot be a database's name: Glue and Athena take lower-case letters, digits and _, at most 128"
            )));
        }
        let bucket = location.strip_prefix("s3://").map(|rest| rest.split('/').next().unwrap_or_default());
        let Some(bucket) = bucket else {
            return Err(wrong(format!(
                "'{location}' is not in S3, and Athena reads nothing else; give the lake's place there, as s3://bucket/prefix"
            )));
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '=' | '+' | ':' | '@');
        if bucket.is_empty() || !location.chars().all(plain) {
            return Err(wrong(format!("'{location}' has no bucket, or characters that a location cannot have")));
        }
        Ok(Self { database: database.to_owned(), location: location.trim_end_matches('/').to_owned() })
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The lake, without a slash at the end.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.location
    }

    /// The folder of a table.
    pub(super) fn of_table(&self, table: &str) -> String {
        format!("{}/{table}/", self.location)
    }
}

/// Whether Glue and Athena take it as a name as it is.
pub(super) fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    !name.is_empty() && name.len() <= 128 && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::Place;

    #[test]
    fn what_could_change_a_statement_is_refused() {
        for database in ["", "Lookback", "a b", "a\"b", "a`b", "a-b", "a;b", &"x".repeat(129)] {
            assert!(Place::new(database, "s3://bucket/lake").is_err(), "{database}");
        }
        for location in
            ["", "lake", "/lake", "s3://", "s3:///lake", "file:///lake", "s3://b/a'b", "s3://b/a b", "s3://b/\\"]
        {
            assert!(Place::new("lookback", location).is_err(), "{location}");
        }
        let place = Place::new("lookback", "s3://bucket/a/lake/").unwrap();
        assert_eq!(place.of_table("stl_query"), "s3://bucket/a/lake/stl_query/");
        assert_eq!(Place::new("lookback", "s3://bucket").unwrap().of_table("t"), "s3://bucket/t/");
    }
}
