//! SSM Parameter Store.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_ssm::types::Parameter;
use secrecy::SecretString;

use super::accounts::{Account, Call};
use super::listed::{ParameterStore, Values};
use crate::error::{Error, ErrorKind, Result};

/// Most parameters on a page of a path (GetParametersByPath, `MaxResults`).
const PAGE: i32 = 10;

/// The parameters of the exporter's own account.
pub(super) struct Ssm {
    account: Arc<Account>,
}

impl Ssm {
    pub(super) fn new(account: Arc<Account>) -> Self {
        Self { account }
    }
}

fn values(parameters: Option<Vec<Parameter>>) -> Values {
    let pair = |p: Parameter| Some((p.name?, SecretString::from(p.value?)));
    parameters.unwrap_or_default().into_iter().filter_map(pair).collect()
}

#[async_trait]
impl ParameterStore for Ssm {
    async fn get(&self, names: &[String]) -> Result<Values> {
        let request = self.account.ssm().get_parameters().set_names(Some(names.to_vec())).with_decryption(true);
        let call = Call { cluster: None, action: "ssm:GetParameters", on: format!("parameters {}", names.join(", ")) };
        // Names that do not exist come back as `InvalidParameters`, and are simply not among the values.
        Ok(values(self.account.call(&call, request.send()).await?.parameters))
    }

    async fn page(&self, path: &str, token: Option<String>) -> Result<(Values, Option<String>)> {
        let request = self.account.ssm().get_parameters_by_path().path(path).recursive(true).with_decryption(true);
        let request = request.max_results(PAGE).set_next_token(token);
        let call = Call { cluster: None, action: "ssm:GetParametersByPath", on: format!("parameters below {path}") };
        let page = self.account.call(&call, request.send()).await?;
        Ok((values(page.parameters), page.next_token.filter(|t| !t.is_empty())))
    }
}

/// The value of one SecureString, by name or ARN.
///
/// # Errors
/// [`ErrorKind::Config`] if it does not exist; [`ErrorKind::Aws`] if it may not or cannot be read.
pub(super) async fn password(account: &Account, cluster: &str, name: &str) -> Result<SecretString> {
    let request = account.ssm().get_parameters().names(name).with_decryption(true);
    let call = Call { cluster: Some(cluster), action: "ssm:GetParameters", on: format!("parameter {name}") };
    let found = account.call(&call, request.send()).await?;
    let value = found.parameters.unwrap_or_default().into_iter().find_map(|p| p.value);
    let value = value.map(|v| v.trim().to_owned()).filter(|v| !v.is_empty());
    value.map(SecretString::from).ok_or_else(|| {
        Error::new(ErrorKind::Config, format!("cluster '{cluster}': the parameter {name} cannot be found"))
            .advise("it is named by password_parameter, and looked for in the account and region of the exporter")
    })
}
