//! An AWS for one test: a moto server on a port of its own, and what a test wants to find in it.
//!
//! The server ends when its standard input closes, so it does not outlive a test that is killed and whose destructors never run.
//! `tests/aws/moto/server.py` says what was added to moto.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use lookback_storage::Aws;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// The account of every request whose keys moto did not make itself.
pub(crate) const ACCOUNT: &str = "123456789012";
/// Access key of whoever asks. moto takes a key for one only if it has twenty capitals and digits.
pub(crate) const ACCESS_KEY: &str = "AKIALOOKBACKTESTS001";
/// Its secret. Signatures are not checked unless a test switches that on.
pub(crate) const SECRET_KEY: &str = "not-a-secret";

/// The role that is assumed in other accounts.
const ROLE: &str = "lookback-collector";
/// A tag of this name gives a cluster or workgroup the endpoint that it names; it is not kept.
const ENDPOINT_TAG: &str = "lookback-test-endpoint";
const START_LIMIT: Duration = Duration::from_secs(60);
/// Longest wait of what a test sets up with: on a busy machine a service of moto takes that long to load. It is not tried again,
/// or a slow creation would find itself.
const PATIENCE: Duration = Duration::from_secs(120);
/// As many attempts as in production.
const ATTEMPTS: u32 = 4;
/// Long enough to see that somebody waits, short enough for a test of every failure.
const BACKOFF: Duration = Duration::from_millis(10);
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// A running server. Everything in it is gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Moto {
    /// Killed when dropped; its standard input closes then as well.
    _server: Child,
    endpoint: String,
}

impl Moto {
    /// Starts a server, which takes about a second.
    ///
    /// # Panics
    /// If there is no Python with moto, or the server does not start; the message says what to do.
    pub(crate) async fn start() -> Self {
        Self::start_script(&[concat!(env!("CARGO_MANIFEST_DIR"), "/tests/aws/moto/server.py")]).await
    }

    /// As [`Moto::start`], with what the record of encryption asks for: `tests/aws/extension` says what that is.
    pub(crate) async fn start_for_record() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/aws/extension/lookback_moto.py");
        Self::start_script(&[script, "--until-input-ends"]).await
    }

    async fn start_script(script: &[&str]) -> Self {
        let python = python();
        let mut server = Command::new(&python)
            .arg("-B")
            .args(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|e| panic!("{} did not start: {e}", python.display()));
        let mut line = String::new();
        let mut output = BufReader::new(server.stdout.take().unwrap());
        tokio::time::timeout(START_LIMIT, output.read_line(&mut line))
            .await
            .unwrap_or_else(|_| panic!("moto did not say within {START_LIMIT:?} where it is"))
            .unwrap();
        let endpoint = line.trim().to_owned();
        assert!(endpoint.starts_with("http://"), "moto did not start, its error output is above (it printed {line:?})");
        Self { _server: server, endpoint }
    }

    /// Where it is: `http://127.0.0.1:PORT`.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// A connection to it.
    pub(crate) async fn aws(&self, region: &str) -> Aws {
        connect(&self.endpoint, region).await
    }

    /// A connection with given keys.
    pub(crate) async fn aws_with(&self, region: &str, access_key: &str, secret: &str, token: Option<&str>) -> Aws {
        connect_with(&self.endpoint, region, credentials(access_key, secret, token)).await
    }

    /// A connection as a role of another account, which has its own clusters, buckets and keys.
    pub(crate) async fn aws_as_account(&self, region: &str, account: &str) -> Aws {
        connect_with(&self.endpoint, region, self.assume(region, account).await).await
    }

    /// Keys of a role of another account.
    pub(crate) async fn assume(&self, region: &str, account: &str) -> Credentials {
        let answer = aws_sdk_sts::Client::new(&self.config(region).await)
            .assume_role()
            .role_arn(format!("arn:aws:iam::{account}:role/{ROLE}"))
            .role_session_name("test")
            .send()
            .await
            .unwrap();
        let keys = answer.credentials().unwrap();
        credentials(keys.access_key_id(), keys.secret_access_key(), Some(keys.session_token()))
    }

    /// What clients that a test sets up with are built from: they wait long and try once.
    pub(crate) async fn config(&self, region: &str) -> SdkConfig {
        patient(&self.endpoint, region, credentials(ACCESS_KEY, SECRET_KEY, None)).await
    }

    /// As [`Moto::config`], as a role of another account.
    pub(crate) async fn config_as_account(&self, region: &str, account: &str) -> SdkConfig {
        patient(&self.endpoint, region, self.assume(region, account).await).await
    }

    /// Makes a bucket without encryption of its own.
    pub(crate) async fn create_bucket(&self, region: &str, bucket: &str) {
        let place = aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(region.into()).build();
        aws_sdk_s3::Client::new(&self.config(region).await)
            .create_bucket()
            .bucket(bucket)
            // The first region is the one that must not be named.
            .set_create_bucket_configuration((region != "us-east-1").then_some(place))
            .send()
            .await
            .unwrap();
    }

    /// Makes a KMS key and returns its full ARN.
    pub(crate) async fn create_key(&self, region: &str) -> String {
        let answer = aws_sdk_kms::Client::new(&self.config(region).await).create_key().send().await.unwrap();
        answer.key_metadata().unwrap().arn().unwrap().to_owned()
    }

    /// Makes the table that watermarks and leases are in.
    pub(crate) async fn create_table(&self, region: &str, table: &str) {
        use aws_sdk_dynamodb::types::{
            AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
        };
        let mut call = aws_sdk_dynamodb::Client::new(&self.config(region).await)
            .create_table()
            .table_name(table)
            .billing_mode(BillingMode::PayPerRequest);
        for (name, kind) in [("cluster_id", KeyType::Hash), ("table_name", KeyType::Range)] {
            let text = ScalarAttributeType::S;
            call = call
                .attribute_definitions(
                    AttributeDefinition::builder().attribute_name(name).attribute_type(text).build().unwrap(),
                )
                .key_schema(KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap());
        }
        call.send().await.unwrap();
    }

    /// Sets a SecureString parameter, under a key or under the one that AWS keeps for SSM.
    pub(crate) async fn put_parameter(&self, region: &str, name: &str, value: &str, key: Option<&str>) {
        aws_sdk_ssm::Client::new(&self.config(region).await)
            .put_parameter()
            .name(name)
            .value(value)
            .r#type(aws_sdk_ssm::types::ParameterType::SecureString)
            .set_key_id(key.map(ToOwned::to_owned))
            .overwrite(true)
            .send()
            .await
            .unwrap();
    }

    /// Makes a secret and returns its ARN.
    pub(crate) async fn create_secret(&self, region: &str, name: &str, value: &str) -> String {
        let answer = aws_sdk_secretsmanager::Client::new(&self.config(region).await)
            .create_secret()
            .name(name)
            .secret_string(value)
            .send()
            .await
            .unwrap();
        answer.arn().unwrap().to_owned()
    }

    /// Makes a provisioned cluster whose endpoint is `address`, as in `127.0.0.1:5439`.
    pub(crate) async fn create_cluster(&self, region: &str, cluster: &str, address: &str, tags: &[(&str, &str)]) {
        create_cluster(&self.config(region).await, cluster, address, tags).await;
    }

    /// Makes a Serverless workgroup, and a namespace of the same name for it, whose endpoint is `address`.
    pub(crate) async fn create_workgroup(&self, region: &str, workgroup: &str, address: &str) {
        let client = aws_sdk_redshiftserverless::Client::new(&self.config(region).await);
        let tag = aws_sdk_redshiftserverless::types::Tag::builder().key(ENDPOINT_TAG).value(address).build().unwrap();
        client.create_namespace().namespace_name(workgroup).db_name("dev").send().await.unwrap();
        let call = client.create_workgroup().workgroup_name(workgroup).namespace_name(workgroup).tags(tag);
        call.send().await.unwrap();
    }

    /// Moves a cluster's endpoint.
    pub(crate) async fn move_cluster(&self, region: &str, cluster: &str, address: &str) {
        let (host, port) = address.rsplit_once(':').unwrap();
        let port: u16 = port.parse().unwrap();
        let body = json!({"region": region, "cluster": cluster, "address": host, "port": port});
        self.ask("POST", "/lookback-test/endpoint", "application/json", &body.to_string()).await;
    }

    /// Sets a cluster's status, such as `paused` or `resizing`.
    pub(crate) async fn set_cluster_status(&self, region: &str, cluster: &str, status: &str) {
        let body = json!({"region": region, "cluster": cluster, "status": status});
        self.ask("POST", "/lookback-test/cluster", "application/json", &body.to_string()).await;
    }

    /// Every temporary database password that was handed out, oldest first: objects with `operation`, `cluster` or `workgroup`,
    /// `account`, `region`, `user`, `password`, `duration` in seconds, `expiration`.
    pub(crate) async fn passwords(&self) -> Vec<Value> {
        self.ask("GET", "/lookback-test/credentials", "application/json", "").await.as_array().unwrap().clone()
    }

    /// Every temporary database password is this one from now on, so that a cluster can know it before it is asked for.
    pub(crate) async fn choose_password(&self, password: &str) {
        let body = json!({"password": password});
        self.ask("POST", "/lookback-test/password", "application/json", &body.to_string()).await;
    }

    /// Keys of every role that was assumed: objects with `role`, `secret` and `token`.
    pub(crate) async fn sessions(&self) -> Vec<Value> {
        self.ask("GET", "/lookback-test/sessions", "application/json", "").await.as_array().unwrap().clone()
    }

    /// Asks one of the routes for tests for something.
    pub(crate) async fn tell(&self, route: &str, body: &Value) -> Value {
        self.ask("POST", &format!("/lookback-test/{route}"), "application/json", &body.to_string()).await
    }

    /// Asks one of the extension's routes for tests for something.
    pub(crate) async fn control(&self, route: &str, body: &Value) -> Value {
        self.ask("POST", &format!("/lookback-control/{route}"), "application/json", &body.to_string()).await
    }

    /// From now on signatures and the identity's policies are checked, after `free` more calls.
    pub(crate) async fn check_access(&self, free: u32) {
        self.ask("POST", "/moto-api/reset-auth", "text/plain", &free.to_string()).await;
    }

    /// Nothing is checked any more.
    pub(crate) async fn allow_everything(&self) {
        self.ask("POST", "/moto-api/reset-auth", "text/plain", "inf").await;
    }

    /// Asks something that is not AWS.
    async fn ask(&self, method: &str, path: &str, kind: &str, body: &str) -> Value {
        let address = self.endpoint.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).await.unwrap();
        let size = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: {kind}\r\ncontent-length: {size}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{method} {path}: {answer}");
        serde_json::from_str(body).unwrap()
    }
}

/// Makes a provisioned cluster with a given configuration, such as one of another account.
pub(crate) async fn create_cluster(config: &SdkConfig, cluster: &str, address: &str, tags: &[(&str, &str)]) {
    let mut call = aws_sdk_redshift::Client::new(config)
        .create_cluster()
        .cluster_identifier(cluster)
        .node_type("ra3.large")
        .master_username("admin")
        .master_user_password("Not-a-secret-1")
        .db_name("dev");
    for (key, value) in tags.iter().copied().chain([(ENDPOINT_TAG, address)]) {
        call = call.tags(aws_sdk_redshift::types::Tag::builder().key(key).value(value).build());
    }
    call.send().await.unwrap();
}

/// A connection to an AWS that is elsewhere, such as behind a proxy.
pub(crate) async fn connect(endpoint: &str, region: &str) -> Aws {
    connect_with(endpoint, region, credentials(ACCESS_KEY, SECRET_KEY, None)).await
}

/// As [`connect`], with given keys.
pub(crate) async fn connect_with(endpoint: &str, region: &str, credentials: Credentials) -> Aws {
    Aws::with_config(configuration(endpoint, region, credentials).await)
}

/// Keys.
pub(crate) fn credentials(access_key: &str, secret: &str, token: Option<&str>) -> Credentials {
    Credentials::new(access_key, secret, token.map(ToOwned::to_owned), None, "tests")
}

/// What a process needs in its environment to find this AWS and no other.
pub(crate) fn environment(endpoint: &str, region: &str) -> [(&'static str, String); 8] {
    [
        ("AWS_ENDPOINT_URL", endpoint.to_owned()),
        ("AWS_REGION", region.to_owned()),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()),
        ("AWS_SESSION_TOKEN", String::new()),
        ("AWS_CONFIG_FILE", "/dev/null".to_owned()),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ]
}

async fn configuration(endpoint: &str, region: &str, credentials: Credentials) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .endpoint_url(endpoint)
        .region(Region::new(region.to_owned()))
        .credentials_provider(credentials)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(BACKOFF))
        .timeout_config(TimeoutConfig::builder().read_timeout(READ_TIMEOUT).build())
        .load()
        .await
}

async fn patient(endpoint: &str, region: &str, credentials: Credentials) -> SdkConfig {
    configuration(endpoint, region, credentials)
        .await
        .into_builder()
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().read_timeout(PATIENCE).build())
        .build()
}

/// The Python that has moto.
pub(crate) fn python() -> PathBuf {
    let given = std::env::var_os("LOOKBACK_TEST_PYTHON").filter(|path| !path.is_empty()).map(PathBuf::from);
    let python = given.unwrap_or_else(|| {
        let cache = std::env::var_os("XDG_CACHE_HOME")
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
            .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
            .unwrap_or_default();
        cache.join("lookback/venv-aws/bin/python")
    });
    assert!(python.exists(), "there is no {}: run tests/run, which makes a Python with moto there", python.display());
    python
}
