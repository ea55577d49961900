//! What a cluster or namespace says of itself, as a row of `cluster_encryption_state`.

use aws_sdk_redshift::operation::describe_logging_status::DescribeLoggingStatusOutput;
use aws_sdk_redshift::types::{Cluster, HsmConfiguration, Parameter};
use aws_sdk_redshiftserverless::types::{Namespace, SnapshotCopyConfiguration, Workgroup};
use lookback_schemas::encryption::{CLUSTER_ENCRYPTION_STATE, Row, encryption_type};

use super::arn::{self, KeyReference, key_reference};
use super::key::Keys;
use super::{Origin, micros, sorted, tags};

/// The call that gives clusters, and the one that gives namespaces.
pub(crate) const CLUSTERS_CALL: &str = "redshift:DescribeClusters";
pub(crate) const NAMESPACES_CALL: &str = "redshift-serverless:ListNamespaces";

/// A provisioned cluster and what had to be asked beside it; `None` for what was refused.
#[derive(Debug, Clone)]
pub(crate) struct ClusterFacts {
    pub(crate) cluster: Cluster,
    pub(crate) logging: Option<DescribeLoggingStatusOutput>,
    /// Of all of its groups.
    pub(crate) parameters: Option<Vec<Parameter>>,
    /// Of the grant for copies, in the region that they go to.
    pub(crate) copy_key: Option<String>,
    /// Of the hardware security module that it names.
    pub(crate) hsm: Option<HsmFacts>,
    /// Whether something is missing that may be there next time: the state is not known now.
    pub(crate) incomplete: bool,
}

/// What is known of the hardware security module that a cluster names; `None` for what was not to be had.
#[derive(Debug, Clone, Default)]
pub(crate) struct HsmFacts {
    pub(crate) configuration: Option<HsmConfiguration>,
    /// Whether the certificate that the cluster names exists.
    pub(crate) certificate_exists: Option<bool>,
    /// As [`ClusterFacts::incomplete`].
    pub(crate) incomplete: bool,
}

/// A namespace, its workgroup and where its snapshots are copied to.
#[derive(Debug, Clone)]
pub(crate) struct NamespaceFacts {
    pub(crate) namespace: Namespace,
    pub(crate) workgroup: Option<Workgroup>,
    pub(crate) copy: Option<SnapshotCopyConfiguration>,
    /// When its recovery points were made, microseconds UTC; `None` if they could not be listed.
    pub(crate) recovery_points: Option<Vec<i64>>,
    /// As [`ClusterFacts::incomplete`].
    pub(crate) incomplete: bool,
}

impl ClusterFacts {
    /// The references to keys, each with the region that it is to be read in.
    pub(crate) fn key_references(&self, region: &str) -> Vec<(String, String)> {
        let cluster = &self.cluster;
        let copies = cluster.cluster_snapshot_copy_status().and_then(|s| s.destination_region()).unwrap_or(region);
        let here = [cluster.kms_key_id(), cluster.master_password_secret_kms_key_id()];
        let here = here.into_iter().flatten().map(|key| (key.to_owned(), region.to_owned()));
        here.chain(self.copy_key.iter().map(|key| (key.clone(), copies.to_owned()))).collect()
    }
}

impl NamespaceFacts {
    /// As [`ClusterFacts::key_references`].
    pub(crate) fn key_references(&self, region: &str) -> Vec<(String, String)> {
        let here = [self.namespace.kms_key_id(), self.namespace.admin_password_secret_kms_key_id()];
        let here = here.into_iter().flatten().map(|key| (key.to_owned(), region.to_owned()));
        let copy = self.copy.as_ref().and_then(|copy| {
            Some((copy.destination_kms_key_id()?.to_owned(), copy.destination_region().unwrap_or(region).to_owned()))
        });
        here.chain(copy).collect()
    }
}

/// A cluster's row. Without the ARN of its namespace, which old interfaces do not give, it is known by its own.
pub(crate) fn cluster_row(facts: &ClusterFacts, origin: &Origin, keys: &Keys) -> Row {
    let cluster = &facts.cluster;
    let name = cluster.cluster_identifier().unwrap_or_default();
    let arn = arn::cluster(&origin.account, &origin.region, name);
    let mut row = Row::new(&CLUSTER_ENCRYPTION_STATE);
    row.text("source_call", Some(CLUSTERS_CALL)).text("deployment", Some("provisioned"));
    row.text("cluster_namespace_arn", Some(cluster.cluster_namespace_arn().unwrap_or(&arn)));
    row.text("cluster_identifier", Some(name)).text("cluster_arn", Some(arn.clone()));
    row.time("create_time", cluster.cluster_create_time().map(micros));
    let hsm = cluster.hsm_status();
    let has_hsm = hsm.is_some_and(|hsm| hsm.hsm_configuration_identifier().is_some_and(|id| !id.is_empty()));
    encryption(&mut row, origin, keys, cluster.encrypted, cluster.kms_key_id(), has_hsm);
    row.text("pending_encryption_type", cluster.pending_modified_values().and_then(|p| p.encryption_type()));
    row.text("hsm_client_certificate_identifier", hsm.and_then(|hsm| hsm.hsm_client_certificate_identifier()));
    row.text("hsm_configuration_identifier", hsm.and_then(|hsm| hsm.hsm_configuration_identifier()));
    row.text("hsm_status", hsm.and_then(|hsm| hsm.status()));
    if let Some(hsm) = &facts.hsm {
        row.text("hsm_ip_address", hsm.configuration.as_ref().and_then(|one| one.hsm_ip_address()));
        row.text("hsm_partition_name", hsm.configuration.as_ref().and_then(|one| one.hsm_partition_name()));
        row.flag("hsm_client_certificate_exists", hsm.certificate_exists);
    }
    row.text("cluster_status", cluster.cluster_status());
    row.text("availability_status", cluster.cluster_availability_status());
    row.text("node_type", cluster.node_type());
    if let Some(copy) = cluster.cluster_snapshot_copy_status() {
        let region = copy.destination_region().unwrap_or_default();
        row.text("snapshot_copy_region", Some(region));
        row.text("snapshot_copy_grant_name", copy.snapshot_copy_grant_name());
        row.long("snapshot_copy_retention_days", copy.retention_period);
        let key = facts.copy_key.as_ref().and_then(|key| keys.resolve(key, region, &origin.account));
        row.text("snapshot_copy_grant_kms_key_arn", key);
    }
    row.long("auto_snapshot_retention_days", cluster.automated_snapshot_retention_period.map(i64::from));
    row.text("master_secret_arn", cluster.master_password_secret_arn());
    let secret = cluster.master_password_secret_kms_key_id();
    row.text("master_secret_kms_key_arn", secret.and_then(|k| keys.resolve(k, &origin.region, &origin.account)));
    parameters(&mut row, facts);
    logging(&mut row, facts.logging.as_ref());
    row.flag("publicly_accessible", cluster.publicly_accessible);
    row.flag("enhanced_vpc_routing", cluster.enhanced_vpc_routing);
    row.flag("multi_az", cluster.multi_az().map(|text| text.eq_ignore_ascii_case("enabled")));
    row.flag("allow_version_upgrade", cluster.allow_version_upgrade);
    row.flag("db_name_is_default", cluster.db_name().map(|name| name == "dev"));
    row.flag("master_username_is_default", cluster.master_username().map(|name| name == "awsuser"));
    row.json("iam_role_arns", Some(&sorted(cluster.iam_roles().iter().filter_map(|role| role.iam_role_arn()))));
    let groups = cluster.vpc_security_groups().iter().filter_map(|group| group.vpc_security_group_id());
    row.json("security_group_ids", Some(&sorted(groups)));
    row.json("tags", Some(&tags(cluster.tags().iter().map(|tag| (tag.key(), tag.value())))));
    row.text("maintenance_track", cluster.maintenance_track_name());
    row
}

/// A namespace's row.
pub(crate) fn namespace_row(facts: &NamespaceFacts, origin: &Origin, keys: &Keys) -> Row {
    let (namespace, workgroup) = (&facts.namespace, facts.workgroup.as_ref());
    let name = namespace.namespace_name().unwrap_or_default();
    let id = namespace.namespace_id().unwrap_or(name);
    let place = format!("arn:{}:redshift-serverless:{}:{}", origin.partition(), origin.region, origin.account);
    let arn = namespace.namespace_arn().map_or_else(|| format!("{place}:namespace/{id}"), str::to_owned);
    let mut row = Row::new(&CLUSTER_ENCRYPTION_STATE);
    row.text("source_call", Some(NAMESPACES_CALL)).text("deployment", Some("serverless"));
    row.text("cluster_namespace_arn", Some(arn)).text("cluster_identifier", Some(name));
    row.text("cluster_arn", workgroup.and_then(|w| w.workgroup_arn()));
    row.time("create_time", namespace.creation_date().map(micros));
    // A namespace is always encrypted: without a key of the account, under one that AWS owns.
    encryption(&mut row, origin, keys, Some(true), namespace.kms_key_id().or(Some("AWS_OWNED_KMS_KEY")), false);
    row.text("cluster_status", namespace.status().map(|status| status.as_str().to_owned()));
    row.text("availability_status", workgroup.and_then(|w| w.status()).map(|status| status.as_str().to_owned()));
    if let Some(copy) = &facts.copy {
        let region = copy.destination_region().unwrap_or_default();
        row.text("snapshot_copy_region", Some(region));
        row.long("snapshot_copy_retention_days", copy.snapshot_retention_period.map(i64::from));
        let key = copy.destination_kms_key_id().and_then(|key| keys.resolve(key, region, &origin.account));
        row.text("snapshot_copy_grant_kms_key_arn", key);
    }
    if let Some(points) = &facts.recovery_points {
        row.long("recovery_points", i64::try_from(points.len()).ok());
        row.time("recovery_point_oldest", points.iter().min().copied());
        row.time("recovery_point_newest", points.iter().max().copied());
    }
    row.text("master_secret_arn", namespace.admin_password_secret_arn());
    let secret = namespace.admin_password_secret_kms_key_id();
    row.text("master_secret_kms_key_arn", secret.and_then(|k| keys.resolve(k, &origin.region, &origin.account)));
    let parameter = |wanted: &str| {
        let mut all = workgroup.into_iter().flat_map(|w| w.config_parameters());
        all.find(|p| p.parameter_key() == Some(wanted)).and_then(|p| truth(p.parameter_value()?))
    };
    row.flag("require_ssl", parameter("require_ssl")).flag("use_fips_ssl", parameter("use_fips_ssl"));
    row.flag("user_activity_logging", parameter("enable_user_activity_logging"));
    // A workgroup applies its parameters at once.
    row.text("ssl_parameter_status", parameter("require_ssl").map(|_| "in-sync"));
    let exports = namespace.log_exports();
    row.flag("logging_enabled", Some(!exports.is_empty())).text("log_destination", Some("cloudwatch"));
    row.json("log_exports", Some(&sorted(exports.iter().map(|export| export.as_str()))));
    row.flag("publicly_accessible", workgroup.and_then(|w| w.publicly_accessible));
    row.flag("enhanced_vpc_routing", workgroup.and_then(|w| w.enhanced_vpc_routing));
    row.flag("db_name_is_default", namespace.db_name().map(|name| name == "dev"));
    row.flag("master_username_is_default", namespace.admin_username().map(|name| name == "admin"));
    row.json("iam_role_arns", Some(&sorted(namespace.iam_roles().iter().map(String::as_str))));
    if let Some(workgroup) = workgroup {
        let groups = workgroup.security_group_ids().iter().map(String::as_str);
        row.json("security_group_ids", Some(&sorted(groups)));
        row.text("maintenance_track", workgroup.track_name());
    }
    row
}

/// Whether, how and under which key. Whose key it is has to be known from the key itself: that there is one says nothing.
fn encryption(row: &mut Row, origin: &Origin, keys: &Keys, encrypted: Option<bool>, key: Option<&str>, has_hsm: bool) {
    row.flag("encrypted", encrypted);
    let reference = key.and_then(|key| key_reference(key, &origin.region, &origin.account));
    let arn = key.and_then(|key| keys.resolve(key, &origin.region, &origin.account));
    let kind = match (encrypted, &reference) {
        (Some(false), _) => encryption_type::NONE,
        (None, _) => encryption_type::UNKNOWN,
        _ if has_hsm => encryption_type::HSM,
        (_, Some(KeyReference::Owned)) => encryption_type::KMS_AWS_OWNED,
        (_, Some(KeyReference::Alias(alias))) if alias.contains(":alias/aws/") => encryption_type::KMS_AWS_MANAGED,
        _ => arn.as_deref().map_or(encryption_type::UNKNOWN, |arn| keys.encryption_type(arn)),
    };
    row.text("encryption_type", Some(kind));
    // An unencrypted cluster has no key, whatever an answer says.
    if let Some(arn) = arn.filter(|_| encrypted != Some(false)) {
        row.text("kms_key_region", arn::region(&arn)).text("kms_key_account", arn::account(&arn));
        row.text("kms_key_arn", Some(arn));
    }
}

/// What the parameter groups say, and whether it is in force. A cluster with several groups is as weak as the weakest.
fn parameters(row: &mut Row, facts: &ClusterFacts) {
    if let Some(parameters) = &facts.parameters {
        let all = |wanted: &str| {
            let found = parameters.iter().filter(|p| p.parameter_name() == Some(wanted));
            let values: Vec<bool> = found.filter_map(|p| truth(p.parameter_value()?)).collect();
            (!values.is_empty()).then(|| values.iter().all(|value| *value))
        };
        row.flag("require_ssl", all("require_ssl")).flag("use_fips_ssl", all("use_fips_ssl"));
        row.flag("user_activity_logging", all("enable_user_activity_logging"));
    }
    // The parameter's own status, or that of its group where the list does not have it.
    let statuses = facts.cluster.cluster_parameter_groups().iter().filter_map(|group| {
        let mut list = group.cluster_parameter_status_list().iter();
        let own = list.find(|status| status.parameter_name() == Some("require_ssl"));
        own.and_then(|status| status.parameter_apply_status()).or(group.parameter_apply_status())
    });
    let statuses: Vec<&str> = statuses.collect();
    let not_in_force = statuses.iter().find(|status| **status != "in-sync");
    row.text("ssl_parameter_status", not_in_force.or(statuses.first()).copied());
}

fn logging(row: &mut Row, logging: Option<&DescribeLoggingStatusOutput>) {
    let Some(logging) = logging else { return };
    let enabled = logging.logging_enabled.unwrap_or(false);
    row.flag("logging_enabled", Some(enabled));
    let bucket = logging.bucket_name().filter(|_| enabled);
    // Before there were others, the only destination had no name.
    let named = logging.log_destination_type().map(|kind| kind.as_str().to_owned());
    row.text("log_destination", named.or(bucket.map(|_| "s3".to_owned())));
    row.text("log_bucket", bucket);
    row.json("log_exports", Some(&sorted(logging.log_exports().iter().map(String::as_str))));
    row.time("log_last_success", logging.last_successful_delivery_time().map(micros));
    row.time("log_last_failure", logging.last_failure_time().map(micros));
    row.text("log_last_failure_message", logging.last_failure_message());
}

/// A truth value as parameters have it.
fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "on" | "1" | "yes" => Some(true),
        "false" | "off" | "0" | "no" => Some(false),
        _ => None,
    }
}
