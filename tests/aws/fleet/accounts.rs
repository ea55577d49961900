//! Clusters of other regions and other accounts.

use aws_credential_types::credential_fn::provide_credentials_fn;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_credential_types::provider::error::CredentialsError;
use lookback_exporter::ErrorKind;

use super::*;
use crate::support::moto::{connect, create_cluster};

const OTHER: &str = "222222222222";
const THIRD: &str = "333333333333";

fn role(account: &str) -> String {
    format!("arn:aws:iam::{account}:role/lookback")
}

/// A file with the password of every cluster here.
fn password() -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "pw\n").unwrap();
    file
}

fn section(name: &str, password: &tempfile::NamedTempFile, more: &str) -> String {
    let file = password.path().display();
    format!("[clusters.{name}]\ntls = \"plaintext\"\nuser = \"lookback\"\npassword_file = \"{file}\"\n{more}\n")
}

async fn sim() -> Sim {
    Sim::start("lookback", "pw").await
}

#[tokio::test]
async fn clusters_of_one_name_in_three_accounts_are_three() {
    let (moto, pw) = (Moto::start().await, password());
    let (here, there, third) = (sim().await, sim().await, sim().await);
    moto.create_cluster(REGION, "sales", &here.address(), &[]).await;
    for (account, sim) in [(OTHER, &there), (THIRD, &third)] {
        let aws = moto.aws_as_account(REGION, account).await;
        create_cluster(aws.config(), "sales", &sim.address(), &[]).await;
        create_cluster(aws.config(), "other", &sim.address(), &[]).await;
    }
    let as_role = |account: &str, id: &str| {
        format!("cluster_identifier = \"{id}\"\nassume_role = \"{}\"\nexternal_id = \"x\"", role(account))
    };
    let text = [
        section("sales", &pw, ""),
        section("sales-2", &pw, &as_role(OTHER, "sales")),
        section("sales-3", &pw, &as_role(THIRD, "sales")),
        section("other-3", &pw, &as_role(THIRD, "other")),
        section("wrong", &pw, "cluster_identifier = \"other\""),
    ]
    .concat();
    let world = World::new(&moto, &text).await;
    let members = world.members().await;
    assert_eq!(names(&members), ["other-3", "sales", "sales-2", "sales-3", "wrong"]);
    for member in &members.members[..4] {
        log_in(member).await.unwrap();
    }
    for (sim, sessions) in [(&here, 1), (&there, 1), (&third, 2)] {
        // Each session asks a few things, and nobody else asks.
        assert!(sim.cluster.queries_served() >= sessions, "{}", sim.cluster.queries_served());
    }
    // What is in another account is not seen in this one.
    assert_eq!(refusal(&members.members[4]).await.kind(), ErrorKind::Config);
    assert_eq!(world.asked("Redshift", "DescribeClusters"), 5);
}

#[tokio::test]
async fn clusters_of_two_regions_are_found_in_theirs() {
    let (moto, pw) = (Moto::start().await, password());
    let (here, there) = (sim().await, sim().await);
    moto.create_cluster(REGION, "sales", &here.address(), &[]).await;
    moto.create_cluster("us-west-2", "sales-us", &there.address(), &[]).await;
    let text = [
        section("sales", &pw, ""),
        section("sales-us", &pw, "region = \"us-west-2\""),
        section("lost", &pw, "region = \"us-west-2\"\ncluster_identifier = \"sales\""),
    ]
    .concat();
    let members = World::new(&moto, &text).await.members().await;
    assert_eq!(names(&members), ["lost", "sales", "sales-us"]);
    log_in(&members.members[1]).await.unwrap();
    log_in(&members.members[2]).await.unwrap();
    assert!(refusal(&members.members[0]).await.to_string().contains("us-west-2"));
}

#[tokio::test]
async fn a_secret_of_another_region_is_read_where_its_arn_says() {
    let moto = Moto::start().await;
    let sim = Sim::start("admin", "pw").await;
    let port = sim.server.addr().port();
    let value = "{\"username\":\"admin\",\"password\":\"pw\"}";
    let arn = moto.create_secret("us-west-2", "sales", value).await;
    let text =
        format!("[clusters.sales]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"plaintext\"\nsecret = \"{arn}\"\n");
    log_in(&World::new(&moto, &text).await.only().await).await.unwrap();
}

#[tokio::test]
async fn a_role_that_cannot_be_assumed_costs_the_clusters_of_its_account_only() {
    let (moto, pw) = (Moto::start().await, password());
    let sim = sim().await;
    let port = sim.server.addr().port();
    let text = [
        section("here", &pw, &format!("host = \"127.0.0.1\"\nport = {port}")),
        section("there", &pw, &format!("assume_role = \"{}\"", role(OTHER))),
    ]
    .concat();
    let world = World::new(&moto, &text).await;
    moto.check_access(0).await;
    let members = world.members().await;
    assert_eq!(names(&members), ["here", "there"]);
    log_in(&members.members[0]).await.unwrap();
    let error = refusal(&members.members[1]).await;
    assert_eq!(error.kind(), ErrorKind::Aws, "{error}");
    assert!(error.to_string().contains("cluster 'there'") && error.to_string().contains(&role(OTHER)), "{error}");
    assert!(error.advice().unwrap().contains("trust policy"), "{error:?}");
}

#[tokio::test]
async fn without_credentials_it_says_so() {
    let moto = Moto::start().await;
    let nothing = provide_credentials_fn(|| async { Err(CredentialsError::not_loaded("nobody gave any")) });
    let config = moto.config(REGION).await.into_builder();
    let config = config.credentials_provider(SharedCredentialsProvider::new(nothing)).build();
    let fleet = Fleet::new(&settings(SSM[0]), Some(Aws::with_config(config))).unwrap();
    let error = fleet.members().await.unwrap_err();
    assert!(error.kind() == ErrorKind::Aws && !error.is_transient(), "{error:?}");
    assert!(
        error.to_string().contains("nobody gave any") && error.to_string().contains("ssm:GetParameters"),
        "{error}"
    );
    assert!(error.advice().unwrap().contains("credentials"), "{error:?}");
}

#[tokio::test]
async fn an_aws_that_cannot_be_reached_may_be_back_soon() {
    let aws = connect("http://127.0.0.1:1", REGION).await;
    let error = Fleet::new(&settings(SSM[1]), Some(aws)).unwrap().members().await.unwrap_err();
    assert!(error.kind() == ErrorKind::Aws && error.is_transient(), "{error:?}");
    assert!(error.advice().unwrap().contains("reached"), "{error:?}");
}
