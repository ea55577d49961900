//! Alerts to SNS and Security Hub, by the real binary with the policy of deploy/iam, against moto: what arrives, what is refused.
//! moto checks signatures and the policy, so that what is signed by hand is checked by somebody else.

use lookback_schemas::encryption::table;
use serde_json::{Value, json};

use crate::lakes::TestLake;
use crate::support::Moto;
use crate::support::binary::{Binary, Ran};
use crate::support::identities::{policy, user};
use crate::support::moto::{ACCOUNT, environment, python};

const REGION: &str = "eu-central-1";
const FAILING: &str = "2026-01-20";
const FIXED: &str = "2026-01-21";
const SECRET: &str = "hunter2-hunter2-hunter2";

fn topic(name: &str) -> String {
    format!("arn:aws:sns:{REGION}:{ACCOUNT}:{name}")
}

struct World {
    moto: Moto,
    lake: TestLake,
    binary: Binary,
    key: String,
}

impl World {
    /// A cluster that is not encrypted on one day, and is on the next; an identity that may tell what `deploy/iam/alerts.json` says.
    async fn new() -> Self {
        let moto = Moto::start_for_record().await;
        let lake = TestLake::new();
        for (day, encrypted) in [(FAILING, false), (FIXED, true)] {
            let state = json!([{
                "observed_at": format!("{day}T00:00:00Z"), "obs_kind": "heartbeat", "state_hash": day, "region": REGION,
                "run_id": "r", "source_call": "redshift:DescribeClusters", "deployment": "provisioned",
                "cluster_namespace_arn": format!("arn:aws:redshift:{REGION}:{ACCOUNT}:namespace:open"),
                "cluster_identifier": "open", "create_time": "2025-12-01T00:00:00Z", "encrypted": encrypted,
                "encryption_type": if encrypted { "kms_cmk" } else { "none" }, "cluster_status": "available",
            }]);
            lake.add_record(table("cluster_encryption_state").unwrap(), ACCOUNT, day, &state).await;
        }
        let run = |collector: &str| {
            json!({
                "run_id": collector, "collector": collector, "collector_version": "1", "region": REGION,
                "started_at": "2026-01-21T00:00:00Z", "finished_at": "2026-01-21T00:00:00Z", "status": "ok",
                "window_from": "2025-10-01T00:00:00Z", "window_to": "2026-01-21T00:00:00Z",
                "calls": 1, "throttles": 0, "rows": 1,
            })
        };
        let runs = json!([run("clusters"), run("serverless")]);
        lake.add_record(table("collection_runs").unwrap(), ACCOUNT, "2026-01-10", &runs).await;
        let key = moto.create_key(REGION).await;
        let configuration = format!("[lake]\nlocation = \"{}\"\n", lake.location());
        let mut binary = Binary::new(moto.endpoint(), REGION, &configuration);
        let values = json!({
            "AccountId": ACCOUNT, "Region": REGION, "AlertTopicArns": [topic("alerts"), topic("managed"), topic("open")],
            "AlertKeyArns": [key],
        });
        let keys = user(&moto, "alerter", &policy("alerts", &values)).await;
        binary.set("AWS_ACCESS_KEY_ID", &keys.access_key);
        binary.set("AWS_SECRET_ACCESS_KEY", &keys.secret);
        Self { moto, lake, binary, key }
    }

    /// Answers to calls of boto3, past every check.
    async fn ask(&self, calls: Value) -> Vec<Value> {
        self.moto.allow_everything().await;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/aws/alerts/ask.py");
        let output = tokio::process::Command::new(python())
            .args(["-B", script, self.moto.endpoint(), &calls.to_string()])
            .envs(environment(self.moto.endpoint(), REGION))
            .output()
            .await
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn rules(&self, destinations: &str, to: &str) {
        let rule = format!("[[rule]]\nname = \"encryption\"\nchecks = [\"LB-ENC-01\"]\nto = [{to}]\n");
        let text = format!("retry_delay = \"10ms\"\n{destinations}{rule}");
        std::fs::write(self.binary.folder.path().join("alerts.toml"), text).unwrap();
    }

    /// Runs alerts with signatures and policies checked.
    async fn alert(&self, as_of: &str) -> Ran {
        self.moto.check_access(0).await;
        let ran = self.binary.run(&["alert", "--rules", "alerts.toml", "--as-of", as_of]).await;
        self.moto.allow_everything().await;
        assert!(!ran.stdout.contains(SECRET) && !ran.stderr.contains(SECRET), "{}{}", ran.stdout, ran.stderr);
        ran
    }
}

fn sns(name: &str) -> String {
    format!("[destinations.{name}]\ntype = \"sns\"\ntopic_arn = \"{}\"\n", topic(name))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_is_told_once_and_only_if_it_is_encrypted() {
    let world = World::new().await;
    let queue = format!("arn:aws:sqs:{REGION}:{ACCOUNT}:inbox");
    let raw = json!({"RawMessageDelivery": "true"});
    let subscribe = |name: &str| json!(["sns", "subscribe", {"TopicArn": topic(name), "Protocol": "sqs", "Endpoint": queue, "Attributes": raw}]);
    let made = world
        .ask(json!([
            ["sqs", "create_queue", {"QueueName": "inbox"}],
            ["sns", "create_topic", {"Name": "alerts", "Attributes": {"KmsMasterKeyId": world.key}}],
            ["sns", "create_topic", {"Name": "managed", "Attributes": {"KmsMasterKeyId": "alias/aws/sns"}}],
            ["sns", "create_topic", {"Name": "open"}],
            subscribe("alerts"),
            subscribe("managed"),
            subscribe("open"),
        ]))
        .await;
    let url = made[0]["QueueUrl"].clone();
    let received = async || {
        let get = json!({
            "QueueUrl": url, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"], "VisibilityTimeout": 600,
        });
        let answers = world.ask(json!([["sqs", "receive_message", get]])).await;
        answers[0]["Messages"].as_array().cloned().unwrap_or_default()
    };

    // Nothing is sent to a topic in the clear, or under the key that AWS keeps, and the encrypted one is told all the same.
    world.rules(&format!("{}{}{}", sns("alerts"), sns("managed"), sns("open")), "\"alerts\", \"managed\", \"open\"");
    let ran = world.alert(FAILING).await.expect(1);
    ran.says(&["open is not encrypted", "managed is under the key that AWS manages"]);
    let messages = received().await;
    assert_eq!(messages.len(), 1, "{messages:?}");
    let body: Value = serde_json::from_str(messages[0]["Body"].as_str().unwrap()).unwrap();
    assert_eq!((&body["change"], &body["entity"]["name"]), (&json!("FAIL"), &json!("open")));
    let attributes = &messages[0]["MessageAttributes"];
    assert_eq!(attributes["idempotency_key"]["StringValue"], body["id"]);
    assert_eq!(attributes["severity"]["StringValue"], "critical");

    // Put right, they are told what waited; the first is not told again.
    let encrypt = json!({"TopicArn": topic("open"), "AttributeName": "KmsMasterKeyId", "AttributeValue": world.key});
    world.ask(json!([["sns", "set_topic_attributes", encrypt]])).await;
    let allowed = format!("{}allow_aws_managed_key = true\n", sns("managed"));
    world.rules(&format!("{}{allowed}{}", sns("alerts"), sns("open")), "\"alerts\", \"managed\", \"open\"");
    world.alert(FAILING).await.expect(0);
    assert_eq!(received().await.len(), 2);
    world.alert(FIXED).await.expect(0);
    let over = received().await;
    assert_eq!(over.len(), 3);
    assert!(over.iter().all(|message| message["Body"].as_str().unwrap().contains("\"change\":\"OVER\"")));
    world.alert(FIXED).await.expect(0);
    assert_eq!(received().await.len(), 0);

    // A topic that the policy does not name is refused, and the message says which action.
    world.ask(json!([["sns", "create_topic", {"Name": "other", "Attributes": {"KmsMasterKeyId": world.key}}]])).await;
    world.rules(&sns("other"), "\"other\"");
    world.alert(FAILING).await.expect(1).says(&["sns:GetTopicAttributes", "AccessDenied"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finding_of_security_hub_is_updated_in_place_and_archived() {
    let world = World::new().await;
    let hub = format!("[destinations.hub]\ntype = \"security_hub\"\naccount_id = \"{ACCOUNT}\"\n");
    world.rules(&hub, "\"hub\"");
    let findings = async || {
        let answers = world.ask(json!([["securityhub", "get_findings", {}]])).await;
        answers[0]["Findings"].as_array().cloned().unwrap_or_default()
    };
    world.alert(FAILING).await.expect(0);
    let open = findings().await;
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!((&open[0]["RecordState"], &open[0]["Compliance"]["Status"]), (&json!("ACTIVE"), &json!("FAILED")));
    assert_eq!(open[0]["Severity"]["Label"], "CRITICAL");
    world.alert(FIXED).await.expect(0);
    let over = findings().await;
    assert_eq!((over.len(), &over[0]["Id"]), (1, &open[0]["Id"]));
    assert_eq!((&over[0]["RecordState"], &over[0]["Compliance"]["Status"]), (&json!("ARCHIVED"), &json!("PASSED")));
    assert!(over[0]["UpdatedAt"].as_str() > open[0]["UpdatedAt"].as_str());

    // Somebody with other keys: the signature is looked at, and nothing is taken for sent.
    let mut world = world;
    world.binary.set("AWS_SECRET_ACCESS_KEY", "wrong");
    std::fs::remove_dir_all(world.lake.dir.path().join("alert_changes")).unwrap();
    world.alert(FAILING).await.expect(1).says(&["securityhub:BatchImportFindings", "403"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_come_from_secure_strings_only() {
    let world = World::new().await;
    world.moto.put_parameter(REGION, "/alerts/url", &format!("http://127.0.0.1:1/{SECRET}"), Some(&world.key)).await;
    world.moto.put_parameter(REGION, "/alerts/key", SECRET, Some(&world.key)).await;
    world.ask(json!([["ssm", "put_parameter", {"Name": "/alerts/plain", "Value": SECRET, "Type": "String"}]])).await;
    let hook = |key: &str| {
        format!(
            "[destinations.hook]\ntype = \"webhook\"\nurl = {{ ssm = \"/alerts/url\" }}\nsecret = {{ ssm = \"/alerts/{key}\" }}\n"
        )
    };
    let run = async |key: &str| {
        world.rules(&hook(key), "\"hook\"");
        let ran = world.binary.run(&["-vv", "alert", "--rules", "alerts.toml", "--as-of", FAILING]).await;
        assert!(!ran.stdout.contains(SECRET) && !ran.stderr.contains(SECRET), "{}{}", ran.stdout, ran.stderr);
        ran.expect(1)
    };
    run("plain").await.says(&["/alerts/plain", "not a SecureString"]);
    run("none").await.says(&["there is no such parameter"]);
    run("key").await.says(&["destination 'hook': no answer"]);
}
