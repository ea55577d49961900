//! Clusters, namespaces and snapshots as they are now.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_redshift::types::{Parameter, Snapshot};
use aws_sdk_redshiftserverless::types::Snapshot as NamespaceSnapshot;

use super::hsm::modules;
use super::remember;
use crate::record::calls::Calls;
use crate::record::plane::{Answer, CallError, ControlPlane, Refusal};
use crate::record::rows::cluster::{CLUSTERS_CALL, ClusterFacts, NAMESPACES_CALL, NamespaceFacts};
use crate::record::rows::snapshot::{NAMESPACE_SNAPSHOTS_CALL, SNAPSHOTS_CALL};
use crate::record::rows::{arn, micros};
use crate::record::tally::Tally;

/// What a collector found, and what it took.
#[derive(Debug, Clone)]
pub(crate) struct Found<T> {
    pub(crate) items: Answer<T>,
    pub(crate) problems: Vec<String>,
    pub(crate) tally: Tally,
}

/// Provisioned clusters of an account and region, with what belongs to each.
pub(crate) async fn clusters(
    plane: &dyn ControlPlane,
    account: &str,
    region: &str,
    calls: &Calls,
) -> Found<Vec<ClusterFacts>> {
    let mut problems = Vec::new();
    let items = match calls.all(CLUSTERS_CALL, |token| plane.clusters(token)).await {
        Ok(listed) => {
            let names =
                listed.iter().flat_map(|c| c.cluster_parameter_groups()).filter_map(|g| g.parameter_group_name());
            let groups = groups(plane, calls, names.map(str::to_owned).collect(), &mut problems).await;
            let copies = listed.iter().filter_map(|c| c.cluster_snapshot_copy_status());
            // The grants are where the copies are.
            let regions = copies.filter(|copy| copy.snapshot_copy_grant_name().is_some());
            let regions = regions.map(|copy| copy.destination_region().unwrap_or(region).to_owned()).collect();
            let grants = grants(plane, calls, regions, &mut problems).await;
            let modules = modules(plane, (account, region), &listed, calls, &mut problems).await;
            let mut facts = Vec::with_capacity(listed.len());
            for cluster in listed {
                let name = cluster.cluster_identifier().unwrap_or_default().to_owned();
                let arn = arn::cluster(account, region, &name);
                let logging = calls.call_about("redshift:DescribeLoggingStatus", &arn, || plane.logging(&name)).await;
                let mut incomplete = logging.as_ref().is_err_and(passes);
                let logging = logging.inspect_err(|e| forgive(&mut problems, e)).ok();
                let mut parameters: Option<Vec<Parameter>> = Some(Vec::new());
                for group in cluster.cluster_parameter_groups().iter().filter_map(|g| g.parameter_group_name()) {
                    match (groups.get(group), &mut parameters) {
                        (Some(Ok(found)), Some(all)) => all.extend(found.iter().cloned()),
                        (Some(Err(e)), _) => {
                            incomplete |= passes(e);
                            parameters = None;
                        }
                        _ => parameters = None,
                    }
                }
                let mut copy_key = None;
                if let Some(copy) = cluster.cluster_snapshot_copy_status()
                    && let Some(name) = copy.snapshot_copy_grant_name()
                {
                    match grants.get(copy.destination_region().unwrap_or(region)) {
                        Some(Ok(keys)) => copy_key = keys.get(name).cloned(),
                        Some(Err(e)) => incomplete |= passes(e),
                        None => {}
                    }
                }
                let hsm = modules.as_ref().and_then(|modules| modules.of(&cluster));
                incomplete |= hsm.as_ref().is_some_and(|hsm| hsm.incomplete);
                facts.push(ClusterFacts { cluster, logging, parameters, copy_key, hsm, incomplete });
            }
            Ok(facts)
        }
        Err(e) => Err(e),
    };
    Found { items, problems, tally: calls.tally() }
}

/// Whether the fact may be there next time: then it is not known now, rather than not to be had.
pub(super) fn passes(error: &CallError) -> bool {
    !matches!(error.refusal, Refusal::Denied | Refusal::NotFound | Refusal::Unsupported)
}

/// A cluster that was deleted while it was looked at is no problem.
pub(super) fn forgive(problems: &mut Vec<String>, error: &CallError) {
    if error.refusal != Refusal::NotFound {
        remember(problems, error);
    }
}

/// Each parameter group once, however many clusters have it.
async fn groups(
    plane: &dyn ControlPlane,
    calls: &Calls,
    names: BTreeSet<String>,
    problems: &mut Vec<String>,
) -> BTreeMap<String, Answer<Vec<Parameter>>> {
    let mut groups = BTreeMap::new();
    for name in names {
        let found = calls.all("redshift:DescribeClusterParameters", |token| plane.parameters(&name, token)).await;
        groups.insert(name, found.inspect_err(|e| forgive(problems, e)));
    }
    groups
}

/// The keys of grants for copies by name, of each region.
async fn grants(
    plane: &dyn ControlPlane,
    calls: &Calls,
    regions: BTreeSet<String>,
    problems: &mut Vec<String>,
) -> BTreeMap<String, Answer<BTreeMap<String, String>>> {
    let mut keys = BTreeMap::new();
    for region in regions {
        let found = calls.all("redshift:DescribeSnapshotCopyGrants", |token| plane.copy_grants(&region, token)).await;
        let found = found.inspect_err(|e| remember(problems, e)).map(|grants| {
            let named =
                grants.into_iter().filter_map(|grant| Some((grant.snapshot_copy_grant_name?, grant.kms_key_id?)));
            named.collect::<BTreeMap<_, _>>()
        });
        keys.insert(region, found);
    }
    keys
}

/// Serverless namespaces of an account and region, with their workgroups.
pub(crate) async fn namespaces(
    plane: &dyn ControlPlane,
    account: &str,
    region: &str,
    calls: &Calls,
) -> Found<Vec<NamespaceFacts>> {
    let mut problems = Vec::new();
    let items = match calls.all(NAMESPACES_CALL, |token| plane.namespaces(token)).await {
        Ok(listed) if listed.is_empty() => Ok(Vec::new()),
        Ok(listed) => {
            let workgroups = calls.all("redshift-serverless:ListWorkgroups", |token| plane.workgroups(token)).await;
            let mut incomplete = workgroups.as_ref().is_err_and(passes);
            let workgroups = workgroups.inspect_err(|e| remember(&mut problems, e)).unwrap_or_default();
            let name = "redshift-serverless:ListSnapshotCopyConfigurations";
            let copies = calls.all(name, |token| plane.copy_configurations(token)).await;
            incomplete |= copies.as_ref().is_err_and(passes);
            let copies = copies.inspect_err(|e| remember(&mut problems, e)).unwrap_or_default();
            // How a namespace is encrypted is known without them: whether they can be had decides nothing else.
            let name = "redshift-serverless:ListRecoveryPoints";
            let about =
                format!("arn:{}:redshift-serverless:{region}:{account}:recoverypoint/*", arn::partition_of(region));
            let points = calls.all_about(name, &about, |token| plane.recovery_points(token)).await.ok();
            let facts = listed.into_iter().map(|namespace| {
                let own = |name: Option<&str>| name.is_some() && name == namespace.namespace_name();
                let workgroup = workgroups.iter().find(|w| own(w.namespace_name())).cloned();
                let copy = copies.iter().find(|c| own(c.namespace_name())).cloned();
                let points = points.as_ref().map(|all| {
                    let own = all.iter().filter(|point| own(point.namespace_name()));
                    own.filter_map(|point| point.recovery_point_create_time()).map(micros).collect()
                });
                NamespaceFacts { workgroup, copy, recovery_points: points, namespace, incomplete }
            });
            Ok(facts.collect())
        }
        Err(e) => Err(e),
    };
    Found { items, problems, tally: calls.tally() }
}

/// Snapshots of both kinds, each list for itself.
pub(crate) struct Snapshots {
    /// Of clusters, and whether AWS calls it one of a cluster that is no more.
    pub(crate) clusters: Answer<Vec<(Snapshot, bool)>>,
    /// Of namespaces.
    pub(crate) namespaces: Answer<Vec<NamespaceSnapshot>>,
    pub(crate) problems: Vec<String>,
    pub(crate) tally: Tally,
}

/// Snapshots. Those of deleted clusters are a listing of their own, which adds what the first does not have.
pub(crate) async fn snapshots(plane: &dyn ControlPlane, calls: &Calls) -> Snapshots {
    let mut problems = Vec::new();
    let mut clusters = match calls.all(SNAPSHOTS_CALL, |token| plane.snapshots(false, token)).await {
        Ok(listed) => Ok(listed.into_iter().map(|snapshot| (snapshot, false)).collect::<Vec<_>>()),
        Err(e) => Err(e),
    };
    if let Ok(all) = &mut clusters {
        match calls.all(SNAPSHOTS_CALL, |token| plane.snapshots(true, token)).await {
            Ok(orphans) => {
                let id = |s: &Snapshot| {
                    let arn = s.snapshot_arn().map(str::to_owned);
                    (arn, s.cluster_identifier().map(str::to_owned), s.snapshot_identifier().map(str::to_owned))
                };
                let known: BTreeSet<_> = all.iter().map(|(snapshot, _)| id(snapshot)).collect();
                all.extend(orphans.into_iter().filter(|o| !known.contains(&id(o))).map(|orphan| (orphan, true)));
            }
            // Without it nobody can say which of those that were there are gone.
            Err(e) => clusters = Err(e),
        }
    }
    let namespaces = calls.all(NAMESPACE_SNAPSHOTS_CALL, |token| plane.namespace_snapshots(token)).await;
    for error in [clusters.as_ref().err(), namespaces.as_ref().err()].into_iter().flatten() {
        remember(&mut problems, error);
    }
    Snapshots { clusters, namespaces, problems, tally: calls.tally() }
}
