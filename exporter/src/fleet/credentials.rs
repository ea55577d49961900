//! Passwords, from where they are kept.

use secrecy::SecretString;
use serde_json::Value;

use super::accounts::{Account, Call};
use super::plan::{Kept, Target, refuse};
use crate::error::{Error, ErrorKind, Result};

/// How long temporary credentials are asked for, in seconds. It is the shortest that AWS gives, and outlasts any log-in.
pub(super) const TEMPORARY: i32 = 900;

/// A user and its password.
#[derive(Debug, Clone)]
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) password: Option<SecretString>,
}

/// Reads a password from an environment variable or a file; `None` if it is kept elsewhere.
///
/// # Errors
/// [`ErrorKind::Config`] if the variable is not set or the file cannot be read.
pub(super) fn local(cluster: &str, at: &Kept) -> Result<Option<SecretString>> {
    let password = match at {
        Kept::Variable(variable) => std::env::var(variable).map_err(|_| {
            refuse(cluster, &format!("the environment variable {variable} is not set"))
                .advise("it holds the password of the export user")
        })?,
        Kept::File(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|e| refuse(cluster, &format!("password_file {}", path.display())).because(e))?;
            text.lines().next().unwrap_or_default().to_owned()
        }
        Kept::Parameter(_) => return Ok(None),
    };
    Ok(Some(password.into()))
}

/// What a Secrets Manager secret says.
#[derive(Debug, Clone, Default)]
pub(super) struct Secret {
    pub(super) user: Option<String>,
    pub(super) password: Option<SecretString>,
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) database: Option<String>,
    pub(super) identifier: Option<String>,
}

impl Secret {
    /// Reads the JSON of a database secret (Secrets Manager User Guide, "Amazon Redshift secret structure").
    fn parse(text: &str) -> Option<Self> {
        let Ok(Value::Object(fields)) = serde_json::from_str(text) else { return None };
        let text = |key: &str| {
            let value = match fields.get(key)? {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            Some(value).filter(|v| !v.is_empty())
        };
        Some(Self {
            user: text("username"),
            password: text("password").map(SecretString::from),
            host: text("host"),
            port: text("port").and_then(|p| p.parse().ok()).filter(|p| *p > 0),
            database: text("dbname").or_else(|| text("dbName")),
            identifier: text("dbClusterIdentifier"),
        })
    }
}

/// The region that an ARN names.
pub(super) fn region_of(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:")?.split(':').nth(2).filter(|region| !region.is_empty())
}

/// Reads a secret.
///
/// # Errors
/// [`ErrorKind::Config`] if it does not exist or is no database secret, [`ErrorKind::Aws`] if it may not or cannot be read.
pub(super) async fn secret(account: &Account, cluster: &str, id: &str) -> Result<Secret> {
    let call = Call { cluster: Some(cluster), action: "secretsmanager:GetSecretValue", on: format!("secret {id}") };
    let found = account.call(&call, account.secrets().get_secret_value().secret_id(id).send()).await?;
    let secret = found.secret_string.as_deref().and_then(Secret::parse);
    // Not even the parser's reason: it could repeat a part of what it read.
    secret.filter(|s| s.password.is_some()).ok_or_else(|| {
        refuse(cluster, &format!("the secret {id} has no password"))
            .advise("it must be a JSON object with `username` and `password`, as Redshift itself manages them")
    })
}

/// Temporary credentials and when they end.
#[derive(Debug, Clone)]
pub(super) struct Temporary {
    pub(super) credentials: Credentials,
    /// Microseconds since the Unix epoch, UTC.
    pub(super) ends: Option<i64>,
}

/// Asks for temporary credentials, of a database user or of the caller's own identity.
///
/// # Errors
/// [`ErrorKind::Config`] if the cluster does not exist, [`ErrorKind::Aws`] if they are refused.
pub(super) async fn temporary(
    account: &Account,
    cluster: &str,
    target: &Target,
    user: Option<&str>,
    database: &str,
) -> Result<Temporary> {
    let call = |action, on| Call { cluster: Some(cluster), action, on };
    let (user, password, ends) = match (target, user) {
        (Target::Cluster(id), Some(user)) => {
            let request = account.redshift().get_cluster_credentials().cluster_identifier(id).db_user(user);
            let request = request.db_name(database).auto_create(false).duration_seconds(TEMPORARY);
            let on = format!("database user {user} and database {database} of cluster {id}");
            let given = account.call(&call("redshift:GetClusterCredentials", on), request.send()).await?;
            (given.db_user, given.db_password, given.expiration.map(|e| e.secs()))
        }
        (Target::Cluster(id), None) => {
            let request = account.redshift().get_cluster_credentials_with_iam().cluster_identifier(id);
            let request = request.db_name(database).duration_seconds(TEMPORARY);
            let on = format!("database {database} of cluster {id}");
            let given = account.call(&call("redshift:GetClusterCredentialsWithIAM", on), request.send()).await?;
            (given.db_user, given.db_password, given.expiration.map(|e| e.secs()))
        }
        (Target::Workgroup(name), _) => {
            let request = account.serverless().get_credentials().workgroup_name(name);
            let request = request.db_name(database).duration_seconds(TEMPORARY);
            let on = format!("workgroup {name}");
            let given = account.call(&call("redshift-serverless:GetCredentials", on), request.send()).await?;
            (given.db_user, given.db_password, given.expiration.map(|e| e.secs()))
        }
    };
    let (Some(user), Some(password)) = (user, password) else {
        return Err(Error::new(ErrorKind::Aws, format!("cluster '{cluster}': AWS gave no credentials")).transient());
    };
    let ends = ends.map(|seconds| seconds.saturating_mul(lookback_schemas::time::SECOND));
    Ok(Temporary { credentials: Credentials { user, password: Some(password.into()) }, ends })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_managed_secret_is_understood() {
        let secret = Secret::parse(
            r#"{"username":"u","password":"p","engine":"redshift","host":"h","port":5439,"dbname":"d","dbClusterIdentifier":"c"}"#,
        );
        let secret = secret.unwrap();
        assert_eq!((secret.user.as_deref(), secret.password.unwrap().expose_secret()), (Some("u"), "p"));
        assert_eq!((secret.host.as_deref(), secret.port), (Some("h"), Some(5_439)));
        assert_eq!((secret.database.as_deref(), secret.identifier.as_deref()), (Some("d"), Some("c")));
        let secret = Secret::parse(r#"{"username":"u","password":"p","port":"5440","host":"","extra":[1]}"#).unwrap();
        assert_eq!((secret.host, secret.port), (None, Some(5_440)));
    }

    #[test]
    fn what_is_no_object_is_no_secret() {
        for text in ["", "p", "\"p\"", "[]", "{", "{\"a\":1"] {
            assert!(Secret::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn an_arn_names_its_region() {
        assert_eq!(region_of("arn:aws:secretsmanager:eu-west-1:123456789012:secret:x-AbCdEf"), Some("eu-west-1"));
        assert_eq!(region_of("x"), None);
        assert_eq!(region_of("arn:aws:iam::123456789012:role/x"), None);
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reading_of_secrets(text in ".{0,60}") {
            let _ = (Secret::parse(&text), region_of(&text));
        }
    }
}
