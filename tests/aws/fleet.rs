//! Which clusters there are and how they are reached, with SSM, STS, Secrets Manager and both kinds of Redshift as moto has them.
//! Log-ins go to clusters of the simulator.

mod accounts;
mod login;
mod members;

use std::sync::Arc;

use aws_sdk_ssm::types::ParameterType;
use lookback_exporter::clock::ManualClock;
use lookback_exporter::fleet::{Fleet, Member, Members};
use lookback_exporter::{Error, Settings};
use lookback_simulator::{Access, Cluster, ServeOptions, Server, Tls};
use lookback_storage::Aws;

use crate::support::moto::Moto;

const REGION: &str = "eu-central-1";
const DOTS: &str = "redshift_query_logs";
const PATH: &str = "/lookback";
/// The section `[ssm]` for either.
const SSM: [&str; 2] = ["[ssm]\n", "[ssm]\nprefix = \"/lookback\"\n"];

/// The parameters below one prefix.
struct Store {
    client: aws_sdk_ssm::Client,
    prefix: &'static str,
}

impl Store {
    async fn new(moto: &Moto, prefix: &'static str) -> Self {
        Self { client: aws_sdk_ssm::Client::new(&moto.config(REGION).await), prefix }
    }

    /// The name of a parameter.
    fn name(&self, cluster: &str, key: &str) -> String {
        let separator = if self.prefix.starts_with('/') { '/' } else { '.' };
        format!("{}{separator}{cluster}{separator}{key}", self.prefix)
    }

    async fn put_as(&self, kind: ParameterType, name: &str, value: &str) {
        self.client.put_parameter().name(name).value(value).r#type(kind).overwrite(true).send().await.unwrap();
    }

    async fn put(&self, cluster: &str, key: &str, value: &str) {
        let kind = if key == "password" { ParameterType::SecureString } else { ParameterType::String };
        self.put_as(kind, &self.name(cluster, key), value).await;
    }

    /// Sets the list.
    async fn enable(&self, list: &str) {
        self.put_as(ParameterType::StringList, &self.name("global", "enabled_cluster_list"), list).await;
    }

    /// Sets what the blog post has for a cluster.
    async fn describe(&self, cluster: &str, connection: &str, password: &str) {
        for (key, value) in [("connection", connection), ("user", "lookback"), ("password", password)] {
            self.put(cluster, key, value).await;
        }
    }

    async fn remove(&self, cluster: &str, key: &str) {
        self.client.delete_parameter().name(self.name(cluster, key)).send().await.unwrap();
    }
}

fn settings(text: &str) -> Settings {
    toml::from_str(text).unwrap()
}

/// A fleet, and its connection and clock.
struct World {
    fleet: Fleet,
    aws: Aws,
    clock: Arc<ManualClock>,
}

impl World {
    async fn new(moto: &Moto, text: &str) -> Self {
        let aws = moto.aws(REGION).await;
        let clock = Arc::new(ManualClock::new(chrono::Utc::now().timestamp_micros()));
        let fleet = Fleet::with_clock(&settings(text), Some(aws.clone()), clock.clone()).unwrap();
        Self { fleet, aws, clock }
    }

    async fn members(&self) -> Members {
        self.fleet.members().await.unwrap()
    }

    /// The one cluster that is configured.
    async fn only(&self) -> Member {
        let members = self.members().await;
        assert!(members.problems.is_empty(), "{members:?}");
        assert_eq!(members.members.len(), 1);
        members.members.into_iter().next().unwrap()
    }

    /// Requests so far.
    fn asked(&self, service: &str, operation: &str) -> u64 {
        self.aws.requests().all().get(&(service.to_owned(), operation.to_owned())).copied().unwrap_or(0)
    }
}

fn names(members: &Members) -> Vec<&str> {
    members.members.iter().map(|m| m.name.as_str()).collect()
}

/// A cluster that answers, without TLS.
struct Sim {
    cluster: Cluster,
    server: Server,
}

impl Sim {
    async fn start(user: &str, password: &str) -> Self {
        let cluster = Cluster::empty("sim", chrono::Utc::now().timestamp_micros());
        cluster.set_user(user, password, Access::Unrestricted);
        Self::serve(cluster).await
    }

    async fn serve(cluster: Cluster) -> Self {
        let server = cluster.serve(ServeOptions { tls: Tls::Off, ..ServeOptions::default() }).await.unwrap();
        Self { cluster, server }
    }

    fn address(&self) -> String {
        self.server.addr().to_string()
    }
}

/// Logs in and asks for the time.
async fn log_in(member: &Member) -> Result<i64, Error> {
    member.source.connect().await?.clock().await
}

async fn refusal(member: &Member) -> Error {
    log_in(member).await.unwrap_err()
}
