//! Passwords and addresses, from where they are kept, and again when they have changed.

use lookback_exporter::ErrorKind;

use super::*;

const MINUTE: i64 = 60_000_000;
const PLAIN: &str = "tls = \"plaintext\"\n";

#[tokio::test]
async fn a_rotated_password_is_picked_up_after_a_refused_log_in() {
    for (prefix, ssm) in [(DOTS, SSM[0]), (PATH, SSM[1])] {
        let moto = Moto::start().await;
        let store = Store::new(&moto, prefix).await;
        let sim = Sim::start("lookback", "first").await;
        store.describe("sales", &format!("{}/dev", sim.address()), "first").await;
        store.enable("sales").await;
        let world = World::new(&moto, &format!("{ssm}[clusters.sales]\n{PLAIN}")).await;
        let member = world.only().await;
        log_in(&member).await.unwrap();
        sim.cluster.set_user("lookback", "second", Access::Unrestricted);
        let error = refusal(&member).await;
        assert_eq!(error.kind(), ErrorKind::Auth, "{error}");
        store.put("sales", "password", "second").await;
        log_in(&member).await.unwrap();
        // A password that is right is not read again.
        let asked = world.aws.requests().all();
        log_in(&world.only().await).await.unwrap();
        let list = asked.values().sum::<u64>() + 1;
        assert_eq!(world.aws.requests().all().values().sum::<u64>(), list);
    }
}

#[tokio::test]
async fn a_cluster_without_a_connection_is_looked_up_and_found_again_when_it_moves() {
    let moto = Moto::start().await;
    let store = Store::new(&moto, DOTS).await;
    let sim = Sim::start("lookback", "pw").await;
    moto.create_cluster(REGION, "sales", &sim.address(), &[]).await;
    store.describe("sales", " ", "pw").await;
    store.remove("sales", "connection").await;
    store.enable("sales").await;
    let world = World::new(&moto, &format!("[ssm]\n[clusters.sales]\n{PLAIN}")).await;
    let member = world.only().await;
    log_in(&member).await.unwrap();
    log_in(&member).await.unwrap();
    assert_eq!(world.asked("Redshift", "DescribeClusters"), 1, "{:?}", world.aws.requests());
    let Sim { cluster, server } = sim;
    server.stop().await;
    let error = refusal(&member).await;
    assert!(error.kind() == ErrorKind::Connect && error.is_transient(), "{error}");
    let sim = Sim::serve(cluster).await;
    moto.move_cluster(REGION, "sales", &sim.address()).await;
    log_in(&member).await.unwrap();
}

#[tokio::test]
async fn a_cluster_that_does_not_exist_says_what_to_give() {
    let moto = Moto::start().await;
    let world = World::new(&moto, "[clusters.sales]\ncluster_identifier = \"sails\"\nuser = \"u\"\n").await;
    let error = refusal(&world.only().await).await;
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    for part in ["cluster 'sales'", "sails", REGION, "redshift:DescribeClusters"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert!(error.advice().unwrap().contains("cluster_identifier"));
}

#[tokio::test]
async fn a_workgroup_is_looked_up() {
    let moto = Moto::start().await;
    let sim = Sim::start("lookback", "pw").await;
    moto.create_workgroup(REGION, "etl", &sim.address()).await;
    moto.put_parameter(REGION, "/passwords/etl", "pw", None).await;
    let text = format!(
        "[clusters.logs]\nworkgroup = \"etl\"\nuser = \"lookback\"\npassword_parameter = \"/passwords/etl\"\n{PLAIN}"
    );
    let world = World::new(&moto, &text).await;
    let member = world.only().await;
    log_in(&member).await.unwrap();
    log_in(&member).await.unwrap();
    assert_eq!(world.asked("Redshift Serverless", "GetWorkgroup"), 1, "{:?}", world.aws.requests());
    assert_eq!(world.asked("SSM", "GetParameters"), 1);
    sim.cluster.set_user("lookback", "new", Access::Unrestricted);
    moto.put_parameter(REGION, "/passwords/etl", "new", None).await;
    log_in(&member).await.unwrap();
}

#[tokio::test]
async fn a_secret_gives_user_password_and_place_until_it_is_rotated() {
    let moto = Moto::start().await;
    let sim = Sim::start("admin", "first").await;
    let secret = |user: &str, password: &str| {
        let port = sim.server.addr().port();
        format!(
            "{{\"username\":\"{user}\",\"password\":\"{password}\",\"host\":\"127.0.0.1\",\"port\":{port},\"dbname\":\"dev\"}}"
        )
    };
    let arn = moto.create_secret(REGION, "redshift/sales", &secret("admin", "first")).await;
    for id in [arn.as_str(), "redshift/sales"] {
        let world = World::new(&moto, &format!("[clusters.sales]\nsecret = \"{id}\"\n{PLAIN}")).await;
        log_in(&world.only().await).await.unwrap();
    }
    let world = World::new(&moto, &format!("[clusters.sales]\nsecret = \"{arn}\"\n{PLAIN}")).await;
    let member = world.only().await;
    log_in(&member).await.unwrap();
    log_in(&member).await.unwrap();
    assert_eq!(world.asked("Secrets Manager", "GetSecretValue"), 1, "{:?}", world.aws.requests());
    // A rotation that takes turns between two users.
    sim.cluster.set_user("admin", "gone", Access::Unrestricted);
    sim.cluster.set_user("admin_clone", "second", Access::Unrestricted);
    let client = aws_sdk_secretsmanager::Client::new(&moto.config(REGION).await);
    client.put_secret_value().secret_id(&arn).secret_string(secret("admin_clone", "second")).send().await.unwrap();
    log_in(&member).await.unwrap();
}

#[tokio::test]
async fn a_secret_that_is_none_or_is_missing_is_named_and_not_shown() {
    let moto = Moto::start().await;
    moto.create_secret(REGION, "odd", "{\"username\":\"u\",\"pass\":\"S3cret\"}").await;
    moto.create_secret(REGION, "text", "S3cret").await;
    for id in ["odd", "text", "missing"] {
        let world = World::new(&moto, &format!("[clusters.sales]\nhost = \"h\"\nsecret = \"{id}\"\n")).await;
        let error = refusal(&world.only().await).await;
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(error.to_string().contains("cluster 'sales'") && error.to_string().contains(id), "{error}");
        assert!(!format!("{error:?}").contains("S3cret"), "{error:?}");
    }
}

/// Logs in with temporary credentials: the first two are refused, because nobody but AWS knows them yet.
async fn temporary(moto: &Moto, sim: &Sim, text: &str, operation: &str) {
    let world = World::new(moto, text).await;
    let member = world.only().await;
    let given = moto.passwords().await.len();
    assert_eq!(refusal(&member).await.kind(), ErrorKind::Auth);
    let learn = async |count: usize| {
        let passwords = moto.passwords().await;
        assert_eq!(passwords.len(), given + count, "{passwords:?}");
        let last = passwords.last().unwrap();
        assert_eq!((last["operation"].as_str(), last["duration"].as_i64()), (Some(operation), Some(900)));
        sim.cluster.set_user(last["user"].as_str().unwrap(), last["password"].as_str().unwrap(), Access::Unrestricted);
    };
    learn(2).await;
    log_in(&member).await.unwrap();
    let start = chrono::Utc::now().timestamp_micros();
    world.clock.set(start + 12 * MINUTE);
    log_in(&member).await.unwrap();
    learn(2).await;
    // Less than two minutes are left.
    world.clock.set(start + 13 * MINUTE + MINUTE / 2);
    assert_eq!(refusal(&member).await.kind(), ErrorKind::Auth);
    learn(4).await;
}

#[tokio::test]
async fn temporary_credentials_of_a_database_user() {
    let moto = Moto::start().await;
    let sim = Sim::start("nobody", "pw").await;
    moto.create_cluster(REGION, "sales", &sim.address(), &[]).await;
    let text = format!("[clusters.sales]\niam = true\nuser = \"lookback\"\n{PLAIN}");
    temporary(&moto, &sim, &text, "GetClusterCredentials").await;
    assert_eq!(moto.passwords().await[0]["user"].as_str(), Some("IAM:lookback"), "no user is created");
}

#[tokio::test]
async fn temporary_credentials_of_the_own_identity() {
    let moto = Moto::start().await;
    let sim = Sim::start("nobody", "pw").await;
    moto.create_cluster(REGION, "sales-1", &sim.address(), &[]).await;
    let text = format!("[clusters.sales]\ncluster_identifier = \"sales-1\"\niam = true\n{PLAIN}");
    temporary(&moto, &sim, &text, "GetClusterCredentialsWithIAM").await;
}

#[tokio::test]
async fn temporary_credentials_of_a_workgroup() {
    let moto = Moto::start().await;
    let sim = Sim::start("nobody", "pw").await;
    moto.create_workgroup(REGION, "etl", &sim.address()).await;
    let text = format!("[clusters.logs]\nworkgroup = \"etl\"\niam = true\n{PLAIN}");
    temporary(&moto, &sim, &text, "GetCredentials").await;
}
