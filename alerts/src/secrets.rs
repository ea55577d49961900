//! References to secrets: where one is kept, never what it is.

use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_sdk_ssm::error::ProvideErrorMetadata;
use aws_sdk_ssm::types::ParameterType;
use lookback_storage::{Aws, first_line};
use secrecy::SecretString;

/// Longest wait for a parameter with all attempts.
const LIMIT: Duration = Duration::from_secs(30);
/// Most bytes of a file with a secret.
const MAX_FILE: u64 = 64 * 1_024;

/// Where a secret is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// In an environment variable.
    Env(String),
    /// In the first line of a file; a relative path is relative to the file of rules.
    File(PathBuf),
    /// In a SecureString of SSM Parameter Store, by name or ARN.
    Ssm(String),
}

impl Reference {
    /// Whether it is at AWS.
    #[must_use]
    pub fn needs_aws(&self) -> bool {
        matches!(self, Self::Ssm(_))
    }

    /// Reads it. The error says where, and never what.
    ///
    /// # Errors
    /// If it is not there, empty, or may not be read; a parameter that is no SecureString is refused.
    pub async fn resolve(&self, base: &Path, aws: Option<&Aws>) -> Result<SecretString, String> {
        let (place, text) = match self {
            Self::Env(name) => (format!("the environment variable {name}"), std::env::var(name).ok()),
            Self::File(path) => {
                let path = base.join(path);
                let place = format!("the file {}", path.display());
                let size = std::fs::metadata(&path).map_err(|e| format!("{place}: {e}"))?.len();
                if size > MAX_FILE {
                    return Err(format!("{place} has {size} bytes: that is no secret"));
                }
                let text = std::fs::read_to_string(&path).map_err(|e| format!("{place}: {}", e.kind()))?;
                (place, text.lines().next().map(str::to_owned))
            }
            Self::Ssm(name) => (format!("the parameter {name}"), Some(parameter(name, aws).await?)),
        };
        let text = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        text.map(SecretString::from).ok_or_else(|| format!("{place} is not set or empty"))
    }
}

async fn parameter(name: &str, aws: Option<&Aws>) -> Result<String, String> {
    let what = format!("ssm:GetParameters (parameter {name})");
    let Some(aws) = aws else { return Err(format!("{what}: there is no connection to AWS")) };
    let config = aws_sdk_ssm::config::Builder::from(aws.config()).interceptor(aws.counter()).build();
    let call = aws_sdk_ssm::Client::from_conf(config).get_parameters().names(name).with_decryption(true).send();
    let answer = match tokio::time::timeout(LIMIT, aws.run(call)).await {
        Ok(Ok(answer)) => answer.map_err(|e| {
            let code = e.code().unwrap_or("no answer that can be read");
            format!("{what}: {code}: {}", e.message().map(first_line).unwrap_or_default())
        })?,
        Ok(Err(abandoned)) => return Err(format!("{what}: {abandoned}")),
        Err(_) => return Err(format!("{what}: no answer within {} s", LIMIT.as_secs())),
    };
    let found = answer.parameters.unwrap_or_default().into_iter().next();
    let found = found.ok_or_else(|| format!("{what}: there is no such parameter in this account and region"))?;
    if found.r#type != Some(ParameterType::SecureString) {
        return Err(format!("{what}: it is not a SecureString, so that everybody who may list parameters can read it"));
    }
    Ok(found.value.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[tokio::test]
    async fn a_file_gives_its_first_line_and_nothing_is_an_error_that_says_where() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key"), "  abc \nrest\n").unwrap();
        std::fs::write(folder.path().join("empty"), "\n").unwrap();
        let read = async |name: &str| Reference::File(name.into()).resolve(folder.path(), None).await;
        assert_eq!(read("key").await.unwrap().expose_secret(), "abc");
        assert!(read("empty").await.unwrap_err().ends_with("empty is not set or empty"));
        assert!(read("none").await.unwrap_err().contains("none: "));
        let missing = Reference::Env("LOOKBACK_TEST_THAT_IS_NOT_SET".to_owned());
        assert!(missing.resolve(folder.path(), None).await.unwrap_err().contains("LOOKBACK_TEST_THAT_IS_NOT_SET"));
        let ssm = Reference::Ssm("/a".to_owned());
        assert!(ssm.resolve(folder.path(), None).await.unwrap_err().contains("no connection to AWS"));
    }
}
