//! The text of a `connection` parameter: `host:port/database`, `host:port`, `host/database`, `host`, or a JDBC URL. What is
//! wrong with one is said without repeating it, because people write passwords into such texts.

/// What a connection text says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Connection {
    /// Host name or address.
    pub(super) host: String,
    /// TCP port.
    pub(super) port: Option<u16>,
    /// Database.
    pub(super) database: Option<String>,
}

/// How Redshift's JDBC URLs begin (Redshift Management Guide, "Building the connection URL").
const SCHEMES: [&str; 3] = ["jdbc:redshift:iam://", "jdbc:redshift://", "jdbc:postgresql://"];

impl Connection {
    /// Reads a text; `None` if it is blank. The options of a URL are left out.
    ///
    /// # Errors
    /// What is wrong, in words that hold nothing of the text.
    pub(super) fn parse(text: &str) -> Result<Option<Self>, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let scheme = SCHEMES.iter().find(|s| text.get(..s.len()).is_some_and(|t| t.eq_ignore_ascii_case(s)));
        let rest = match scheme {
            Some(scheme) => text[scheme.len()..].split(['?', ';']).next().unwrap_or_default(),
            None if text.contains("://") => return Err("it is a URL, but none of jdbc:redshift://"),
            None => text,
        };
        if rest.contains('@') {
            return Err("it has a user or password in it, which belong into parameters of their own");
        }
        let (address, database) = match rest.split_once('/') {
            Some((address, database)) => (address, database.trim()),
            None => (rest, ""),
        };
        if database.contains('/') || database.chars().any(char::is_control) {
            return Err("its database cannot be one");
        }
        let (host, port) = host_and_port(address.trim())?;
        let port = match port {
            None => None,
            Some(port) => {
                Some(port.parse::<u16>().ok().filter(|p| *p > 0).ok_or("its port is no number from 1 to 65535")?)
            }
        };
        let database = Some(database.to_owned()).filter(|d| !d.is_empty());
        Ok(Some(Self { host: host.to_owned(), port, database }))
    }
}

fn host_and_port(address: &str) -> Result<(&str, Option<&str>), &'static str> {
    if let Some(rest) = address.strip_prefix('[') {
        let (host, behind) = rest.split_once(']').ok_or("its address has no closing bracket")?;
        host.parse::<std::net::Ipv6Addr>().map_err(|_| "its address in brackets is none of IPv6")?;
        return match behind {
            "" => Ok((host, None)),
            _ => Ok((host, Some(behind.strip_prefix(':').ok_or("something follows the address in brackets")?))),
        };
    }
    let (host, port) = match address.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (address, None),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if host.is_empty() || !host.chars().all(plain) {
        return Err("it does not begin with the name of a host");
    }
    Ok((host, port))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> (String, Option<u16>, Option<String>) {
        let connection = Connection::parse(text).unwrap().unwrap();
        (connection.host, connection.port, connection.database)
    }

    #[test]
    fn every_way_to_write_it_is_understood() {
        let host = "c.abc123.eu-central-1.redshift.amazonaws.com";
        let whole = (host.to_owned(), Some(5_440), Some("prod".to_owned()));
        for text in [
            format!("{host}:5440/prod"),
            format!("  {host}:5440/prod\n"),
            format!("jdbc:redshift://{host}:5440/prod"),
            format!("JDBC:Redshift://{host}:5440/prod?ssl=true&PWD=secret/x"),
            format!("jdbc:redshift://{host}:5440/prod;UID=a;PWD=b@c"),
            format!("jdbc:redshift:iam://{host}:5440/prod"),
            format!("jdbc:postgresql://{host}:5440/prod"),
        ] {
            assert_eq!(parsed(&text), whole, "{text}");
        }
        assert_eq!(parsed("h:5439"), ("h".to_owned(), Some(5_439), None));
        assert_eq!(parsed("h/dev"), ("h".to_owned(), None, Some("dev".to_owned())));
        assert_eq!(parsed("h/"), ("h".to_owned(), None, None));
        assert_eq!(parsed("10.0.0.7"), ("10.0.0.7".to_owned(), None, None));
        assert_eq!(parsed("[::1]:5439/dev"), ("::1".to_owned(), Some(5_439), Some("dev".to_owned())));
        assert_eq!(parsed("[fe80::2]"), ("fe80::2".to_owned(), None, None));
    }

    #[test]
    fn a_blank_text_says_nothing() {
        for text in ["", " ", "\t\n"] {
            assert_eq!(Connection::parse(text), Ok(None));
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_the_text() {
        for text in [
            "h:port/dev",
            "h:0/dev",
            "h:65536/dev",
            "h:/dev",
            ":5439/dev",
            "/dev",
            "h h/dev",
            "h/a/b",
            "h:1:2/dev",
            "user:S3cret@h:5439/dev",
            "postgres://user:S3cret@h/dev",
            "jdbc:redshift://",
            "[::1",
            "[h]/d",
            "[::1]5439/d",
        ] {
            let why = Connection::parse(text).unwrap_err();
            assert!(!why.contains("S3cret"), "{why}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,80}") {
            let _ = Connection::parse(&text);
        }

        #[test]
        fn texts_of_the_right_letters_never_give_half_a_host(text in "(jdbc:redshift:(iam:)?//)?[a-z:/@?;.\\[\\]0-9 -]{0,40}") {
            if let Ok(Some(connection)) = Connection::parse(&text) {
                prop_assert!(!connection.host.is_empty());
                prop_assert!(connection.port != Some(0));
                prop_assert!(!connection.database.is_some_and(|d| d.is_empty() || d.contains('/')));
            }
        }

        #[test]
        fn what_is_written_is_what_is_read(
            host in "[a-z0-9][a-z0-9.-]{0,30}", port in proptest::option::of(1u16..), database in proptest::option::of("[a-z_]{1,20}")
        ) {
            let mut text = host.clone();
            if let Some(port) = port { text.push_str(&format!(":{port}")); }
            if let Some(database) = &database { text.push_str(&format!("/{database}")); }
            prop_assert_eq!(parsed(&text), (host, port, database));
        }
    }
}
