//! Where AWS says that a cluster is.

use super::accounts::{Account, Call};
use super::plan::{DEFAULT_PORT, Target};
use crate::error::{Error, ErrorKind, Result};

/// Where a cluster is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
    /// The database that the cluster was created with; not known of a workgroup.
    pub(super) database: Option<String>,
}

/// Asks for the address of a cluster or workgroup.
///
/// # Errors
/// [`ErrorKind::Config`] if there is none of that name, [`ErrorKind::Connect`] if it has no address (while it is being created,
/// for instance), [`ErrorKind::Aws`] if it may not or cannot be asked for.
pub(super) async fn address(account: &Account, cluster: &str, target: &Target) -> Result<Address> {
    let (state, found) = match target {
        Target::Cluster(identifier) => provisioned(account, cluster, identifier).await?,
        Target::Workgroup(name) => serverless(account, cluster, name).await?,
    };
    found.ok_or_else(|| {
        let error =
            Error::new(ErrorKind::Connect, format!("cluster '{cluster}': it has no address; its state is {state}"));
        error.transient().advise("wait until it is available, or take it out of the list")
    })
}

async fn provisioned(account: &Account, cluster: &str, identifier: &str) -> Result<(String, Option<Address>)> {
    let call =
        Call { cluster: Some(cluster), action: "redshift:DescribeClusters", on: format!("cluster {identifier}") };
    let request = account.redshift().describe_clusters().cluster_identifier(identifier);
    let found = account.call(&call, request.send()).await.map_err(|e| not_found(e, cluster))?;
    let Some(found) = found.clusters.unwrap_or_default().into_iter().next() else {
        let what = call.what(account);
        return Err(not_found(Error::new(ErrorKind::Config, format!("{what}: there is no such cluster")), cluster));
    };
    let state = found.cluster_status.unwrap_or_default();
    let database = found.db_name.filter(|d| !d.is_empty());
    let address = found.endpoint.and_then(|e| Some(Address { host: e.address?, port: port(e.port), database }));
    Ok((state, address))
}

async fn serverless(account: &Account, cluster: &str, name: &str) -> Result<(String, Option<Address>)> {
    let call =
        Call { cluster: Some(cluster), action: "redshift-serverless:GetWorkgroup", on: format!("workgroup {name}") };
    let request = account.serverless().get_workgroup().workgroup_name(name);
    let found = account.call(&call, request.send()).await?.workgroup;
    let state = found.as_ref().and_then(|w| w.status.as_ref()).map(|s| s.as_str().to_owned()).unwrap_or_default();
    let endpoint = found.and_then(|w| w.endpoint);
    let address = endpoint.and_then(|e| Some(Address { host: e.address?, port: port(e.port), database: None }));
    Ok((state, address))
}

fn not_found(error: Error, cluster: &str) -> Error {
    if error.kind() != ErrorKind::Config {
        return error;
    }
    error.advise(format!(
        "give its cluster_identifier, workgroup, region or assume_role in [clusters.\"{cluster}\"], or its host"
    ))
}

fn port(port: Option<i32>) -> u16 {
    port.and_then(|p| u16::try_from(p).ok()).filter(|p| *p > 0).unwrap_or(DEFAULT_PORT)
}
