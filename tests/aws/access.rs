//! Least privilege: the binary with exactly the policies of deploy/iam, and what these refuse.
//!
//! The fake AWS decides as tests/aws/moto/access.py says: actions under their names in IAM, on the resources that AWS checks them
//! on, with the condition keys that the policies use. It does not know bucket and key policies, and it checks what is called, not
//! what is granted beyond that. tests/deploy holds the policies against sample requests and against lists of what exists, and the
//! templates against the policies.

use lookback_schemas::time::{MINUTE, SECOND};
use lookback_simulator::{Access, Cluster, Row, ServeOptions, Server, Tls};
use serde_json::{Value, json};

use crate::support::binary::Binary;
use crate::support::identities::{Keys, OTHER_ACCOUNT, codes, policy, role, user, without};
use crate::support::moto::{ACCOUNT, create_cluster};
use crate::support::site::{BUCKET, REGION, Site, TABLE};

const PASSWORD: &str = "not-a-secret-either";
const EXTERNAL_ID: &str = "0123456789abcdef";
/// Clusters, by how the exporter gets in.
const CLUSTERS: [&str; 5] = ["assumed", "identity", "parameter", "secret", "temporary"];

/// An account with an identity for each policy, and clusters to log in to.
struct Account {
    site: Site,
    values: Value,
    configuration: String,
    _servers: Vec<Server>,
}

async fn serve(name: &str, user: &str) -> Server {
    let now = chrono::Utc::now().timestamp_micros();
    let cluster = Cluster::empty(name, now);
    for user in [user, "IAM:exporter", "IAM:maintainer", "IAM:lookback"] {
        cluster.set_user(user, PASSWORD, Access::Unrestricted);
    }
    let row = |n: i64| {
        let end = now - 180 * MINUTE + n * MINUTE;
        Row::new(end)
            .with("userid", 100)
            .with("query", n)
            .with("xid", n)
            .with("pid", 77)
            .with("database", "dev")
            .with("querytxt", "select 1")
            .at("starttime", end - SECOND)
            .at("endtime", end)
            .with("aborted", 0)
    };
    cluster.insert("stl_query", (1..=5).map(row).collect());
    cluster.serve(ServeOptions { tls: Tls::Off, ..ServeOptions::default() }).await.unwrap()
}

impl Account {
    async fn new() -> Self {
        let site = Site::new().await;
        let moto = &site.moto;
        let arn = |name: &str| format!("arn:aws:iam::{ACCOUNT}:user/{name}");
        let values = json!({
            "AccountId": ACCOUNT, "Region": REGION, "LakeBucket": BUCKET, "LakePrefix": "logs", "StateTable": TABLE,
            "ParameterPrefix": "redshift_query_logs", "SecretPrefix": "lookback/", "DatabaseUser": "lookback",
            "KeyArn": site.key, "KeyArns": [site.key], "CollectorRoleArns": ["arn:aws:iam::*:role/lookback-collector"],
            "OrganizationId": "o-exampleorg1", "ExternalId": EXTERNAL_ID,
            "ExporterRoleArn": arn("exporter"), "MaintainerRoleArn": arn("maintainer"),
        });
        let servers = [
            serve("assumed", "lookback").await,
            serve("identity", "lookback").await,
            serve("parameter", "lookback").await,
            serve("secret", "lookback").await,
            serve("temporary", "lookback").await,
        ];
        let address = |n: usize| servers[n].addr().to_string();
        let elsewhere = moto.config_as_account(REGION, OTHER_ACCOUNT).await;
        create_cluster(&elsewhere, "assumed", &address(0), &[]).await;
        moto.create_cluster(REGION, "identity", &address(1), &[]).await;
        moto.create_cluster(REGION, "temporary", &address(4), &[]).await;
        moto.choose_password(PASSWORD).await;
        for (name, value) in [
            ("global.enabled_cluster_list", "parameter"),
            ("parameter.connection", &format!("{}/dev", address(2))),
            ("parameter.user", "lookback"),
            ("parameter.password", PASSWORD),
        ] {
            moto.put_parameter(REGION, &format!("redshift_query_logs.{name}"), value, Some(&site.key)).await;
        }
        let value = json!({"username": "lookback", "password": PASSWORD});
        let secret = moto.create_secret(REGION, "lookback/secret", &value.to_string()).await;
        let collector = values.as_object().unwrap().clone();
        let mut collector = Value::Object(collector);
        collector["AccountId"] = OTHER_ACCOUNT.into();
        let (own, trust) = (policy("collector", &collector), policy("trust-collector", &collector));
        role(moto, "lookback-collector", &own, &trust).await;

        let plain = "tls = \"plaintext\"\n";
        let configuration = [
            site.configuration(),
            "[export]\ntables = [\"stl_query\"]\nretries = 0\ncommit_linger = \"100ms\"\nconnect_timeout = \"5s\"\n".into(),
            format!("[ssm]\n[clusters.parameter]\n{plain}"),
            format!("[clusters.secret]\nhost = \"127.0.0.1\"\nport = {}\nsecret = \"{secret}\"\n{plain}", servers[3].addr().port()),
            format!("[clusters.temporary]\ncluster_identifier = \"temporary\"\niam = true\nuser = \"lookback\"\n{plain}"),
            format!("[clusters.identity]\ncluster_identifier = \"identity\"\niam = true\n{plain}"),
            format!("[clusters.assumed]\ncluster_identifier = \"assumed\"\niam = true\nuser = \"lookback\"\n{plain}"),
            format!("assume_role = \"arn:aws:iam::{OTHER_ACCOUNT}:role/lookback-collector\"\nexternal_id = \"{EXTERNAL_ID}\"\n"),
        ]
        .concat();
        Self { site, values, configuration, _servers: servers.into() }
    }

    /// A user with a policy of deploy/iam.
    async fn identity(&self, name: &str) -> Keys {
        user(&self.site.moto, name, &policy(name, &self.values)).await
    }

    /// The binary as one of them.
    fn binary(&self, keys: &Keys) -> Binary {
        let mut binary = Binary::new(self.site.proxy.endpoint(), REGION, &self.configuration);
        binary.set("AWS_ACCESS_KEY_ID", &keys.access_key);
        binary.set("AWS_SECRET_ACCESS_KEY", &keys.secret);
        binary
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_works_with_the_policy_that_is_made_for_it_and_no_more() {
    let account = Account::new().await;
    let (exporter, maintainer) = (account.identity("exporter").await, account.identity("maintainer").await);
    let reader = account.identity("reader").await;
    account.site.moto.check_access(0).await;

    let binary = account.binary(&exporter);
    binary.run(&["check"]).await.expect(0);
    binary.run(&["export", "--dry-run"]).await.expect(0);
    binary.run(&["export"]).await.expect(0);
    // With a lake that is there, the check tries to write and looks at what it could not see before.
    let checked = binary.run(&["check"]).await.expect(0).says(&["may write objects under the key"]);
    assert!(!checked.stdout.contains("could not be looked at"), "{}", checked.stdout);
    binary.run(&["verify"]).await.expect(0);

    let binary = account.binary(&maintainer);
    for command in ["maintain", "export", "verify"] {
        binary.run(&[command]).await.expect(0);
    }

    let binary = account.binary(&reader);
    let sql = "select distinct cluster_id from stl_query order by 1";
    let ran = binary.run(&["sql", "--format", "csv", sql]).await.expect(0);
    assert_eq!(ran.stdout.lines().skip(1).collect::<Vec<_>>(), CLUSTERS);
    let lake = account.site.proxy.requests().len();
    binary.run(&["status"]).await.expect(0);
    let asked = account.site.proxy.requests().split_off(lake);
    assert!(!asked.is_empty() && asked.iter().all(|r| r.status != Some(403)), "{asked:?}");
    // Who may read may not export.
    let refused = binary.run(&["export"]).await;
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_role_is_not_for_is_refused() {
    let account = Account::new().await;
    let (exporter, maintainer) = (account.identity("exporter").await, account.identity("maintainer").await);
    let reader = account.identity("reader").await;
    account.site.moto.check_access(0).await;
    account.binary(&exporter).run(&["export"]).await.expect(0);
    let (key, object) = (&account.site.key, "logs/stl_query/_delta_log/00000000000000000000.json");
    let collector = format!("arn:aws:iam::{OTHER_ACCOUNT}:role/lookback-collector");
    let item = json!({"cluster_id": {"S": "a"}, "table_name": {"S": "b"}});
    // What nobody may, whose keys a process has.
    let everybody = vec![
        json!(["s3", "delete_object", {"Bucket": BUCKET, "Key": object, "VersionId": "1"}]),
        json!(["s3", "put_object", {"Bucket": BUCKET, "Key": "elsewhere/x", "Body": "x"}]),
        json!(["s3", "put_bucket_policy", {"Bucket": BUCKET, "Policy": "{}"}]),
        json!(["s3", "delete_bucket_policy", {"Bucket": BUCKET}]),
        json!(["s3", "delete_bucket", {"Bucket": BUCKET}]),
        json!(["s3", "list_objects_v2", {"Bucket": BUCKET, "Prefix": "elsewhere/"}]),
        json!(["dynamodb", "delete_table", {"TableName": TABLE}]),
        json!(["dynamodb", "delete_item", {"TableName": TABLE, "Key": item}]),
        json!(["dynamodb", "scan", {"TableName": "another"}]),
        json!(["kms", "schedule_key_deletion", {"KeyId": key}]),
        json!(["kms", "disable_key", {"KeyId": key}]),
        json!(["kms", "put_key_policy", {"KeyId": key, "PolicyName": "default", "Policy": "{}"}]),
        // Not through S3.
        json!(["kms", "generate_data_key", {"KeyId": key, "KeySpec": "AES_256"}]),
        json!(["kms", "decrypt", {"KeyId": key, "CiphertextBlob": "x"}]),
        json!(["iam", "create_user", {"UserName": "x"}]),
        json!(["iam", "create_access_key", {"UserName": "exporter"}]),
        json!(["iam", "put_user_policy", {"UserName": "exporter", "PolicyName": "x", "PolicyDocument": "{}"}]),
        json!(["redshift", "delete_cluster", {"ClusterIdentifier": "temporary", "SkipFinalClusterSnapshot": true}]),
        json!(["redshift", "modify_cluster", {"ClusterIdentifier": "temporary", "Encrypted": false}]),
        json!(["redshift", "get_cluster_credentials", {"ClusterIdentifier": "temporary", "DbUser": "admin", "DbName": "dev"}]),
        json!(["ssm", "put_parameter", {"Name": "redshift_query_logs.x", "Value": "x", "Type": "String", "Overwrite": true}]),
        json!(["ssm", "get_parameters", {"Names": ["another"], "WithDecryption": true}]),
        json!(["secretsmanager", "get_secret_value", {"SecretId": "another"}]),
        json!(["secretsmanager", "put_secret_value", {"SecretId": "lookback/secret", "SecretString": "x"}]),
        json!(["sts", "assume_role", {"RoleArn": format!("arn:aws:iam::{OTHER_ACCOUNT}:role/admin"), "RoleSessionName": "session"}]),
        // Without the external id.
        json!(["sts", "assume_role", {"RoleArn": collector, "RoleSessionName": "session"}]),
    ];
    let delete = json!(["s3", "delete_object", {"Bucket": BUCKET, "Key": object}]);
    let assume =
        json!(["sts", "assume_role", {"RoleArn": collector, "RoleSessionName": "session", "ExternalId": EXTERNAL_ID}]);
    let exports = vec![
        json!(["s3", "put_object", {"Bucket": BUCKET, "Key": "logs/x", "Body": "x"}]),
        json!(["dynamodb", "get_item", {"TableName": TABLE, "Key": item}]),
        json!(["dynamodb", "scan", {"TableName": TABLE}]),
        json!(["ssm", "get_parameters", {"Names": ["redshift_query_logs.parameter.password"], "WithDecryption": true}]),
        json!(["secretsmanager", "get_secret_value", {"SecretId": "lookback/secret"}]),
        json!(["redshift", "describe_clusters", {}]),
        assume,
    ];
    let reads = json!(["s3", "get_object", {"Bucket": BUCKET, "Key": object}]);

    let endpoint = account.site.moto.endpoint();
    let ask = async |keys: &Keys, calls: &[Value]| codes(endpoint, REGION, keys, &json!(calls)).await;
    for (name, keys, more) in [
        ("exporter", &exporter, vec![delete.clone()]),
        ("maintainer", &maintainer, vec![]),
        ("reader", &reader, { [exports.clone(), vec![delete.clone()]].concat() }),
    ] {
        let calls = [everybody.clone(), more].concat();
        for (call, code) in calls.iter().zip(ask(keys, &calls).await) {
            assert!(code.starts_with("AccessDenied"), "{name}: {call} is answered with {code}");
        }
    }
    // The same calls are not refused to those that they are for, so it is not for another reason that they are refused.
    assert!(ask(&exporter, &exports).await.iter().all(|code| code == "ok"));
    for keys in [&exporter, &maintainer, &reader] {
        assert_eq!(ask(keys, std::slice::from_ref(&reads)).await, ["ok"]);
    }
    assert_eq!(ask(&maintainer, &[delete]).await, ["ok"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_permission_is_named() {
    let account = Account::new().await;
    let whole = policy("exporter", &account.values);
    let moto = &account.site.moto;
    let exporter = user(moto, "exporter", &whole).await;
    moto.check_access(0).await;
    let binary = account.binary(&exporter);
    binary.run(&["export"]).await.expect(0);
    for (command, action, says) in [
        ("export", "s3:PutObject", ["s3:PutObject", "deploy/iam/exporter.json"]),
        ("export", "kms:GenerateDataKey", ["kms:GenerateDataKey", "deploy/iam/exporter.json"]),
        ("export", "s3:ListBucket", ["s3:ListBucket", "deploy/iam/"]),
        ("export", "s3:GetObject", ["s3:GetObject", "deploy/iam/"]),
        ("export", "dynamodb:UpdateItem", ["dynamodb:UpdateItem is not allowed", "deploy/"]),
        ("check", "dynamodb:Scan", ["dynamodb:Scan is not allowed", "deploy/"]),
        ("export", "ssm:GetParameters", ["allow ssm:GetParameters", "redshift_query_logs"]),
        ("export", "secretsmanager:GetSecretValue", ["allow secretsmanager:GetSecretValue", "lookback/secret"]),
        ("export", "redshift:DescribeClusters", ["allow redshift:DescribeClusters", "cluster 'temporary'"]),
        ("export", "redshift:GetClusterCredentials", ["allow redshift:GetClusterCredentials", "cluster 'temporary'"]),
        (
            "export",
            "redshift:GetClusterCredentialsWithIAM",
            ["allow redshift:GetClusterCredentialsWithIAM", "cluster 'identity'"],
        ),
        ("export", "sts:AssumeRole", ["needs sts:AssumeRole", "role/lookback-collector"]),
    ] {
        user(moto, "exporter", &without(whole.clone(), action)).await;
        println!("{command} without {action}");
        binary.run(&[command]).await.expect(1).says(&says);
    }
    // What only the check looks at is no problem when it may not.
    for (action, what) in [
        ("kms:DescribeKey", "key"),
        ("s3:GetBucketPolicy", "policy"),
        ("s3:GetBucketVersioning", "versions"),
        ("s3:GetEncryptionConfiguration", "bucket"),
        ("dynamodb:DescribeTable", "table"),
    ] {
        user(moto, "exporter", &without(whole.clone(), action)).await;
        println!("check without {action}, which is about {what}");
        binary.run(&["check"]).await.expect(0).says(&["could not be looked at", &format!("allow {action}")]);
    }
}
