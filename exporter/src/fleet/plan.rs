//! What is known about one cluster before anything is asked, put together from its section of the file and its parameters.
//!
//! Field by field, what the section says wins, and the parameters give the rest. Host and port belong together: a section
//! with a host does not take its port from the parameters. A section that names a way to log in (`iam`, `secret`,
//! `password_parameter`, `password_env`, `password_file`) makes the `password` parameter unnecessary.

use std::path::PathBuf;

use lookback_schemas::names::{MAX_CLUSTER_NAME, valid_cluster_name};
use secrecy::{ExposeSecret, SecretString};

use super::connection::Connection;
use super::listed::Parameters;
use super::names::{CONNECTION, Names, PASSWORD, USER};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::{ClusterSettings, TlsSetting};
use crate::source::TlsMode;

/// Redshift's own port.
pub(super) const DEFAULT_PORT: u16 = 5439;
/// The database that every cluster and workgroup is created with, unless it is told otherwise.
pub(super) const DEFAULT_DATABASE: &str = "dev";
/// What is in the host name of every Serverless workgroup:
/// `<workgroup>.<account>.<region>.redshift-serverless.amazonaws.com`.
const SERVERLESS_HOST: &str = ".redshift-serverless.";

/// A cluster as AWS knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// A provisioned cluster, by identifier.
    Cluster(String),
    /// A Serverless workgroup, by name.
    Workgroup(String),
}

/// Where the password of a user is kept, when it is not in the cluster's own parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kept {
    /// In an environment variable.
    Variable(String),
    /// In the first line of a file.
    File(PathBuf),
    /// In an SSM SecureString of this name.
    Parameter(String),
}

/// How to log in.
#[derive(Debug, Clone)]
pub(super) enum Login {
    /// With this password, or with none.
    Given { user: String, password: Option<SecretString> },
    /// With a password that is kept elsewhere.
    Kept { user: String, at: Kept },
    /// With a Secrets Manager secret; `user` counts if the secret names none.
    Secret { secret: String, user: Option<String> },
    /// With temporary credentials of a database user, or of the caller's own identity.
    Temporary { user: Option<String> },
}

/// What is known about a cluster.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Host, if it need not be looked up.
    pub(super) host: Option<String>,
    /// Port, if it is given.
    pub(super) port: Option<u16>,
    /// Database, if it is given.
    pub(super) database: Option<String>,
    /// What AWS knows the cluster as.
    pub(super) target: Target,
    /// How to log in.
    pub(super) login: Login,
    /// Protection of the connection.
    pub(super) tls: TlsMode,
}

impl Plan {
    /// Puts together what is known. `listed` are the cluster's parameters, if it is in the list of Parameter Store.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if something contradicts itself, is missing, or cannot be read.
    pub(super) fn of(name: &str, section: &ClusterSettings, listed: Option<(&Names, &Parameters)>) -> Result<Self> {
        check_name(name)?;
        check_section(name, section)?;
        let connection = match listed.and_then(|(names, p)| Some((names, p.connection.as_ref()?))) {
            Some((names, text)) => Connection::parse(text.expose_secret()).map_err(|why| {
                refuse(name, &format!("the parameter {}: {why}", names.of(name, CONNECTION)))
                    .advise("write it as host:port/database")
            })?,
            None => None,
        };
        let database = section.database.clone().or_else(|| connection.as_ref()?.database.clone());
        let (host, port) = match (&section.host, connection) {
            (Some(host), _) => (Some(host.clone()), section.port),
            (None, Some(connection)) => (Some(connection.host), section.port.or(connection.port)),
            (None, None) => (None, section.port),
        };
        let target = match (&section.workgroup, &section.cluster_identifier, &host) {
            (Some(workgroup), _, _) => Target::Workgroup(workgroup.clone()),
            (None, Some(identifier), _) => Target::Cluster(identifier.clone()),
            (None, None, Some(host)) if host.contains(SERVERLESS_HOST) => {
                Target::Workgroup(host.split('.').next().unwrap_or_default().to_owned())
            }
            (None, None, _) => Target::Cluster(name.to_owned()),
        };
        let login = login(name, section, listed)?;
        Ok(Self { host, port, database, target, login, tls: tls(name, section)? })
    }

    /// Whether the cluster is a Serverless workgroup.
    pub(super) fn is_serverless(&self) -> bool {
        matches!(self.target, Target::Workgroup(_))
    }
}

/// Whether the section names a way to log in, so that no `password` parameter is needed.
pub(super) fn names_login(section: &ClusterSettings) -> bool {
    !ways(section).is_empty()
}

/// Whether the section says by itself where the cluster is.
pub(super) fn names_place(section: &ClusterSettings) -> bool {
    section.host.is_some() || section.cluster_identifier.is_some() || section.workgroup.is_some()
}

/// An error about what is written about a cluster.
pub(super) fn refuse(name: &str, message: &str) -> Error {
    Error::new(ErrorKind::Config, format!("cluster '{name}': {message}"))
}

/// Refuses a name that cannot be a folder of the lake, nor part of a parameter's name.
pub(super) fn check_name(name: &str) -> Result<()> {
    if valid_cluster_name(name) {
        return Ok(());
    }
    Err(refuse(name, "its name cannot be used")
        .advise(format!("letters, digits, '-', '_' and '.', up to {MAX_CLUSTER_NAME} characters")))
}

fn ways(section: &ClusterSettings) -> Vec<&'static str> {
    [
        (section.iam, "iam"),
        (section.secret.is_some(), "secret"),
        (section.password_parameter.is_some(), "password_parameter"),
        (section.password_env.is_some(), "password_env"),
        (section.password_file.is_some(), "password_file"),
    ]
    .into_iter()
    .filter_map(|(given, name)| given.then_some(name))
    .collect()
}

fn check_section(name: &str, section: &ClusterSettings) -> Result<()> {
    if let [one, other, ..] = ways(section)[..] {
        return Err(refuse(name, &format!("give {one} or {other}, not both")));
    }
    if section.cluster_identifier.is_some() && section.workgroup.is_some() {
        return Err(refuse(name, "give cluster_identifier or workgroup, not both"));
    }
    if section.iam && section.workgroup.is_some() && section.user.is_some() {
        return Err(refuse(name, "user has no use with iam = true and a workgroup")
            .advise("the credentials that AWS gives for a workgroup are those of the exporter's own identity"));
    }
    if section.external_id.is_some() && section.assume_role.is_none() {
        return Err(refuse(name, "external_id has no use without assume_role"));
    }
    match &section.assume_role {
        Some(role) if !(role.starts_with("arn:") && role.contains(":role/")) => {
            Err(refuse(name, "assume_role is not the ARN of a role")
                .advise("it looks like arn:aws:iam::123456789012:role/lookback"))
        }
        _ => Ok(()),
    }
}

fn login(name: &str, section: &ClusterSettings, listed: Option<(&Names, &Parameters)>) -> Result<Login> {
    let user = section.user.clone().or_else(|| listed?.1.user.clone());
    if section.iam {
        return Ok(Login::Temporary { user });
    }
    if let Some(secret) = &section.secret {
        return Ok(Login::Secret { secret: secret.clone(), user });
    }
    let kept = if let Some(variable) = &section.password_env {
        Some(Kept::Variable(variable.clone()))
    } else if let Some(path) = &section.password_file {
        Some(Kept::File(path.clone()))
    } else {
        section.password_parameter.clone().map(Kept::Parameter)
    };
    let given = listed.and_then(|(_, p)| p.password.clone());
    // All that is missing at once, so that one look at the error is enough.
    let mut missing = Vec::new();
    if let Some((names, _)) = listed {
        if user.is_none() {
            missing.push(names.of(name, USER));
        }
        if kept.is_none() && given.is_none() {
            missing.push(names.of(name, PASSWORD));
        }
    } else if user.is_none() {
        return Err(
            refuse(name, "user is missing").advise("name the database user, or a way to log in that needs none")
        );
    }
    if !missing.is_empty() {
        let (word, them) = if missing.len() == 1 { ("parameter", "it") } else { ("parameters", "them") };
        return Err(refuse(name, &format!("the {word} {} cannot be found", missing.join(" and "))).advise(format!(
            "add {them} to Parameter Store (and let the exporter read {them}), or say in [clusters.{name}] how to log in"
        )));
    }
    let user = user.unwrap_or_default();
    Ok(match kept {
        Some(at) => Login::Kept { user, at },
        None => Login::Given { user, password: given },
    })
}

fn tls(name: &str, section: &ClusterSettings) -> Result<TlsMode> {
    match (section.tls, &section.ca_file) {
        (TlsSetting::Plaintext, Some(_)) => Err(refuse(name, "ca_file has no use with tls = \"plaintext\"")),
        (TlsSetting::Plaintext, None) => Ok(TlsMode::Plaintext),
        (TlsSetting::Verify, Some(path)) => Ok(TlsMode::VerifyWith(path.clone())),
        (TlsSetting::Verify, None) => Ok(TlsMode::Verify),
    }
}

#[cfg(test)]
mod tests;
