//! The hardware security modules that clusters name: where they are, and whether the certificate is there. It is a way to keep keys
//! that newer node types do not have, so nothing is asked where no cluster names one.
//!
//! A refusal is kept apart from the clusters: how a cluster is encrypted is known without it.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_redshift::types::{Cluster, HsmConfiguration};

use super::describe::{forgive, passes};
use crate::record::calls::Calls;
use crate::record::plane::{Answer, ControlPlane};
use crate::record::rows::arn;
use crate::record::rows::cluster::HsmFacts;

/// The modules of an account and region.
pub(crate) struct Modules {
    configurations: Answer<BTreeMap<String, HsmConfiguration>>,
    certificates: Answer<BTreeSet<String>>,
}

/// The module that a cluster names, if it does: configuration and certificate.
fn names(cluster: &Cluster) -> Option<(&str, Option<&str>)> {
    let hsm = cluster.hsm_status()?;
    let configuration = hsm.hsm_configuration_identifier().filter(|name| !name.is_empty())?;
    Some((configuration, hsm.hsm_client_certificate_identifier().filter(|name| !name.is_empty())))
}

/// Asks for all modules, if one of the clusters names one.
pub(crate) async fn modules(
    plane: &dyn ControlPlane,
    (account, region): (&str, &str),
    clusters: &[Cluster],
    calls: &Calls,
    problems: &mut Vec<String>,
) -> Option<Modules> {
    clusters.iter().find_map(names)?;
    let about = arn::redshift(account, region, "hsmconfiguration:*");
    let listed = calls.all_about("redshift:DescribeHsmConfigurations", &about, |token| plane.hsm_configurations(token));
    let configurations = listed.await.inspect_err(|e| forgive(problems, e)).map(|all| {
        let named = all.into_iter().filter_map(|one| Some((one.hsm_configuration_identifier.clone()?, one)));
        named.collect::<BTreeMap<_, _>>()
    });
    let about = arn::redshift(account, region, "hsmclientcertificate:*");
    let listed =
        calls.all_about("redshift:DescribeHsmClientCertificates", &about, |token| plane.hsm_certificates(token));
    let certificates = listed.await.inspect_err(|e| forgive(problems, e)).map(BTreeSet::from_iter);
    Some(Modules { configurations, certificates })
}

impl Modules {
    /// What is known of a cluster's module; `None` if it names none.
    pub(crate) fn of(&self, cluster: &Cluster) -> Option<HsmFacts> {
        let (configuration, certificate) = names(cluster)?;
        let failed = [self.configurations.as_ref().err(), self.certificates.as_ref().err()];
        Some(HsmFacts {
            configuration: self.configurations.as_ref().ok().and_then(|all| all.get(configuration)).cloned(),
            certificate_exists: self.certificates.as_ref().ok().zip(certificate).map(|(all, name)| all.contains(name)),
            incomplete: failed.into_iter().flatten().any(passes),
        })
    }
}
