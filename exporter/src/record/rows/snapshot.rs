//! What a snapshot says of itself, as a row of `snapshot_encryption_state`.

use aws_sdk_redshift::types::Snapshot;
use aws_sdk_redshiftserverless::types::Snapshot as NamespaceSnapshot;
use lookback_schemas::encryption::{Row, SNAPSHOT_ENCRYPTION_STATE};

use super::key::Keys;
use super::{Origin, micros, sorted, tags};

/// The calls that give snapshots.
pub(crate) const SNAPSHOTS_CALL: &str = "redshift:DescribeClusterSnapshots";
pub(crate) const NAMESPACE_SNAPSHOTS_CALL: &str = "redshift-serverless:ListSnapshots";

/// A snapshot of a cluster. `clusters` are the rows of all that there are now, `None` if they could not be listed: then nobody
/// can say whether the source exists.
pub(crate) fn snapshot_row(
    snapshot: &Snapshot,
    clusters: Option<&[Row]>,
    orphan: bool,
    origin: &Origin,
    keys: &Keys,
) -> Row {
    let (name, cluster) =
        (snapshot.snapshot_identifier().unwrap_or_default(), snapshot.cluster_identifier().unwrap_or_default());
    let created = snapshot.cluster_create_time().map(micros);
    // A restored cluster has its source's name at most, a renamed one its create time.
    let source = clusters.and_then(|all| {
        let same_time = |row: &&Row| created.is_some() && row.get_time("create_time") == created;
        let same_name = |row: &&Row| {
            let others = created.zip(row.get_time("create_time")).is_some_and(|(one, other)| one != other);
            row.get_text("cluster_identifier") == Some(cluster) && !others
        };
        all.iter().find(same_time).or_else(|| all.iter().find(same_name))
    });
    let place = format!("arn:{}:redshift:{}:{}", origin.partition(), origin.region, origin.account);
    let arn = snapshot.snapshot_arn().map_or_else(|| format!("{place}:snapshot:{cluster}/{name}"), str::to_owned);
    let mut row = Row::new(&SNAPSHOT_ENCRYPTION_STATE);
    row.text("source_call", Some(SNAPSHOTS_CALL)).text("snapshot_arn", Some(arn));
    row.text("snapshot_identifier", Some(name)).text("snapshot_type", snapshot.snapshot_type());
    row.text("cluster_identifier", Some(cluster));
    row.text("cluster_namespace_arn", source.and_then(|row| row.get_text("cluster_namespace_arn")));
    row.flag("source_cluster_exists", clusters.map(|_| source.is_some()).or(orphan.then_some(false)));
    row.time("snapshot_create_time", snapshot.snapshot_create_time().map(micros)).time("cluster_create_time", created);
    row.text("status", snapshot.status()).flag("encrypted", snapshot.encrypted);
    let key = snapshot.kms_key_id().filter(|_| snapshot.encrypted != Some(false));
    row.text("kms_key_arn", key.and_then(|key| keys.resolve(key, &origin.region, &origin.account)));
    row.flag("encrypted_with_hsm", snapshot.encrypted_with_hsm);
    row.text("source_region", snapshot.source_region()).text("owner_account", snapshot.owner_account());
    let accounts = snapshot.accounts_with_restore_access().iter().filter_map(|account| account.account_id());
    row.json("restore_accounts", Some(&sorted(accounts)));
    row.long("retention_days", snapshot.manual_snapshot_retention_period.map(i64::from));
    row.long("remaining_days", snapshot.manual_snapshot_remaining_days.map(i64::from));
    row.double("size_mb", snapshot.total_backup_size_in_mega_bytes);
    row.json("tags", Some(&tags(snapshot.tags().iter().map(|tag| (tag.key(), tag.value())))));
    row
}

/// A snapshot of a namespace, which is always encrypted.
pub(crate) fn namespace_snapshot_row(
    snapshot: &NamespaceSnapshot,
    namespaces: Option<&[Row]>,
    origin: &Origin,
    keys: &Keys,
) -> Row {
    let name = snapshot.snapshot_name().unwrap_or_default();
    let place = format!("arn:{}:redshift-serverless:{}:{}", origin.partition(), origin.region, origin.account);
    let arn = snapshot.snapshot_arn().map_or_else(|| format!("{place}:snapshot/{name}"), str::to_owned);
    let source = namespaces.map(|all| {
        let known = |row: &&Row| match snapshot.namespace_arn() {
            Some(arn) => row.get_text("cluster_namespace_arn") == Some(arn),
            None => row.get_text("cluster_identifier") == snapshot.namespace_name(),
        };
        all.iter().any(|row| known(&row))
    });
    let mut row = Row::new(&SNAPSHOT_ENCRYPTION_STATE);
    row.text("source_call", Some(NAMESPACE_SNAPSHOTS_CALL)).text("snapshot_arn", Some(arn));
    row.text("snapshot_identifier", Some(name)).text("snapshot_type", Some("manual"));
    row.text("cluster_identifier", snapshot.namespace_name());
    row.text("cluster_namespace_arn", snapshot.namespace_arn());
    row.flag("source_cluster_exists", source).flag("encrypted", Some(true));
    row.time("snapshot_create_time", snapshot.snapshot_create_time().map(micros));
    row.text("status", snapshot.status().map(|status| status.as_str().to_ascii_lowercase()));
    let key = snapshot.kms_key_id();
    row.text("kms_key_arn", key.and_then(|key| keys.resolve(key, &origin.region, &origin.account)));
    row.text("owner_account", snapshot.owner_account());
    let accounts = snapshot.accounts_with_restore_access().iter().map(String::as_str);
    let provisioned = snapshot.accounts_with_provisioned_restore_access().iter().map(String::as_str);
    row.json("restore_accounts", Some(&sorted(accounts.chain(provisioned))));
    row.long("retention_days", snapshot.snapshot_retention_period.map(i64::from));
    row.long("remaining_days", snapshot.snapshot_remaining_days.map(i64::from));
    row.double("size_mb", snapshot.total_backup_size_in_mega_bytes);
    row
}
