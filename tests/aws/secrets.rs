//! Nothing that is secret leaves the process but to where it belongs: every command with the most talkative logs, with clusters
//! that work and clusters that fail, and then a search through everything that was written.

use std::collections::BTreeSet;
use std::time::Duration;

use lookback_schemas::time::{MINUTE, SECOND};
use lookback_simulator::{Access, Cluster, Row, ServeOptions, Server, Tls};
use rand::distr::{Alphanumeric, SampleString as _};

use crate::support::binary::{Binary, Ran};
use crate::support::moto::create_cluster;
use crate::support::proxy::{Fault, Rule};
use crate::support::search::Secret;
use crate::support::site::{BUCKET, REGION, Site, TABLE};
use crate::world::texts;

const OTHER_ACCOUNT: &str = "222222222222";
const LIMIT: Duration = Duration::from_secs(60);
/// Clusters whose rows must arrive: a search through what never happened would find nothing.
const GOOD: [&str; 5] = ["assumed", "parameter", "secret", "temporary", "variable"];

/// A simulated cluster that logs the statements it is sent.
struct Sim {
    cluster: Cluster,
    server: Server,
}

impl Sim {
    async fn start(name: &str, user: &str, password: &str) -> Self {
        let now = chrono::Utc::now().timestamp_micros();
        let cluster = Cluster::empty(name, now);
        cluster.set_user(user, password, Access::Unrestricted);
        cluster.log_own_queries(true);
        let row = |n: i64| {
            let end = now - 180 * MINUTE + n * MINUTE;
            Row::new(end)
                .with("userid", 100)
                .with("query", n)
                .with("xid", 1_000 + n)
                .with("pid", 77)
                .with("database", "dev")
                .with("querytxt", format!("select {n}"))
                .at("starttime", end - SECOND)
                .at("endtime", end)
                .with("aborted", 0)
        };
        cluster.insert("stl_query", (1..=5).map(row).collect());
        let server = cluster.serve(ServeOptions { tls: Tls::Off, ..ServeOptions::default() }).await.unwrap();
        Self { cluster, server }
    }

    fn address(&self) -> String {
        self.server.addr().to_string()
    }

    fn port(&self) -> u16 {
        self.server.addr().port()
    }
}

/// What was written, and what must not be in it.
#[derive(Default)]
struct Search {
    secrets: Vec<Secret>,
    seen: Vec<(String, String)>,
}

impl Search {
    fn see(&mut self, place: impl Into<String>, bytes: impl AsRef<[u8]>) {
        // What is not text is looked at all the same: a secret is ASCII, and that stays as it is.
        self.seen.push((place.into(), String::from_utf8_lossy(bytes.as_ref()).into_owned()));
    }

    fn see_run(&mut self, what: &str, ran: &Ran) {
        assert!(!ran.stderr.contains("panicked"), "{what}: {}", ran.stderr);
        self.see(format!("stdout of {what}"), &ran.stdout);
        self.see(format!("stderr of {what}"), &ran.stderr);
        self.see(format!("arguments of {what}"), &ran.cmdline);
    }

    /// Where this is.
    fn places(&self, text: &str) -> Vec<&str> {
        self.seen.iter().filter(|(_, seen)| seen.contains(text)).map(|(place, _)| place.as_str()).collect()
    }

    /// Every secret that is somewhere, with what stands around it.
    fn leaks(&self) -> Vec<String> {
        let mut leaks = Vec::new();
        for (place, text) in &self.seen {
            for secret in &self.secrets {
                let Some(form) = secret.found_in(text) else { continue };
                let line = text.lines().find(|line| secret.found_in(line).is_some()).unwrap_or_default();
                let line: String = line.chars().take(160).collect();
                leaks.push(format!("{} {form} in {place}: {line}", secret.name));
            }
        }
        leaks
    }

    #[track_caller]
    fn assert_clean(&self) {
        let leaks = self.leaks();
        let few: Vec<&str> = leaks.iter().take(20).map(String::as_str).collect();
        assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), few.join("\n"));
    }
}

/// Everything that the commands meet: five clusters that work, each with a password from another place, and three that do not.
struct World {
    site: Site,
    binary: Binary,
    sims: Vec<Sim>,
    search: Search,
}

impl World {
    async fn new() -> Self {
        let site = Site::new().await;
        let mut search = Search::default();
        let mut secret = |name: &str, length: usize| {
            let value = format!("Zq7{}", Alphanumeric.sample_string(&mut rand::rng(), length));
            search.secrets.push(Secret::new(name, &value));
            value
        };
        let password = GOOD.map(|name| secret(&format!("password of '{name}'"), 21));
        let [assumed, parameter, managed, temporary, variable] = &password;
        let wrong = secret("wrong password", 21);
        // As long as AWS's, with what is not a letter or a digit in them.
        let access = format!("{}/+a", secret("secret access key", 34));
        let token = format!("{}/+/w==", secret("session token", 300));

        let sims = vec![
            Sim::start("assumed", "lookback", assumed).await,
            Sim::start("parameter", "lookback", parameter).await,
            Sim::start("secret", "admin", managed).await,
            Sim::start("temporary", "IAM:lookback", temporary).await,
            Sim::start("variable", "lookback", variable).await,
        ];
        let moto = &site.moto;
        let elsewhere = moto.config_as_account(REGION, OTHER_ACCOUNT).await;
        create_cluster(&elsewhere, "assumed", &sims[0].address(), &[]).await;
        moto.create_cluster(REGION, "temporary", &sims[3].address(), &[]).await;
        moto.choose_password(temporary).await;
        let put = async |name: &str, value: &str| {
            moto.put_parameter(REGION, &format!("redshift_query_logs.{name}"), value, Some(&site.key)).await;
        };
        put("global.enabled_cluster_list", "parameter,incomplete").await;
        put("parameter.connection", &format!("{}/dev", sims[1].address())).await;
        put("parameter.user", "lookback").await;
        put("parameter.password", parameter).await;
        put("incomplete.connection", &format!("{}/dev", sims[1].address())).await;
        put("incomplete.user", "lookback").await;
        let value = serde_json::json!({
            "username": "admin", "password": managed, "host": "127.0.0.1", "port": sims[2].port(), "dbname": "dev",
        });
        let arn = moto.create_secret(REGION, "lookback/secret", &value.to_string()).await;

        let plain = "tls = \"plaintext\"\n";
        let here = |sim: &Sim| format!("host = \"127.0.0.1\"\nport = {}\nuser = \"lookback\"\n", sim.port());
        let configuration = [
            site.configuration(),
            "[export]\ntables = [\"stl_query\"]\nretries = 1\nretry_delay = \"10ms\"\ncommit_linger = \"100ms\"\n"
                .into(),
            "connect_timeout = \"5s\"\n[schedule]\njitter = \"0s\"\n[ssm]\n".into(),
            format!("[clusters.parameter]\n{plain}[clusters.incomplete]\n{plain}"),
            format!("[clusters.secret]\nhost = \"127.0.0.1\"\nport = {}\nsecret = \"{arn}\"\n{plain}", sims[2].port()),
            format!("[clusters.temporary]\ncluster_identifier = \"temporary\"\niam = true\nuser = \"lookback\"\n{plain}"),
            format!("[clusters.variable]\n{}password_env = \"PW\"\n{plain}", here(&sims[4])),
            format!("[clusters.assumed]\ncluster_identifier = \"assumed\"\nuser = \"lookback\"\npassword_env = \"PW_ASSUMED\"\n{plain}"),
            format!("assume_role = \"arn:aws:iam::{OTHER_ACCOUNT}:role/lookback-collector\"\nexternal_id = \"x\"\n"),
            format!("[clusters.refused]\n{}password_env = \"PW_WRONG\"\n{plain}", here(&sims[4])),
            format!(
                "[clusters.unreachable]\nhost = \"127.0.0.1\"\nport = 1\nuser = \"u\"\npassword_env = \"PW\"\n{plain}"
            ),
        ]
        .concat();
        let mut binary = Binary::new(site.proxy.endpoint(), REGION, &configuration);
        for (name, value) in [
            ("AWS_SECRET_ACCESS_KEY", access.as_str()),
            ("AWS_SESSION_TOKEN", &token),
            ("PW", variable),
            ("PW_ASSUMED", assumed),
            ("PW_WRONG", &wrong),
            ("RUST_LOG", "trace"),
            ("LOG_SENSITIVE_BODIES", "true"),
        ] {
            binary.set(name, value);
        }
        Self { site, binary, sims, search }
    }

    /// Runs a command with the most talkative logs, in one format of them.
    async fn run(&mut self, format: &str, args: &[&str]) -> Ran {
        let args = [args, &["-vv", "--log-format", format]].concat();
        let ran = self.binary.run(&args).await;
        self.search.see_run(&args.join(" "), &ran);
        ran
    }

    /// Exports twice on a schedule, and reads the metrics after each.
    async fn schedule(&mut self, format: &str) {
        let args = ["export", "--schedule", "* * * * * *", "--listen", "127.0.0.1:0", "-vv", "--log-format", format];
        let service = self.binary.start(&args);
        let mut ticks = BTreeSet::new();
        let waited = tokio::time::timeout(LIMIT, async {
            while ticks.len() < 2 {
                tokio::time::sleep(Duration::from_millis(100)).await;
                let Some(metrics) = service.get("/metrics").await else { continue };
                let tick = metrics.lines().find(|l| l.starts_with("lookback_last_tick_timestamp_seconds "));
                // Until the first tick it is 0.
                ticks.extend(tick.filter(|t| !t.ends_with(" 0") && !t.ends_with(" 0.0")).map(ToOwned::to_owned));
                self.search.see("/metrics", metrics);
            }
        });
        assert!(waited.await.is_ok(), "no two ticks: {ticks:?}");
        for path in ["/healthz", "/readyz"] {
            self.search.see(path, service.get(path).await.unwrap());
        }
        service.terminate().await;
        self.search.see_run("export --schedule", &service.finish().await.expect(0));
    }

    /// Looks at everything that stays when the commands have ended.
    async fn see_what_stays(&mut self) {
        let mut folders = vec![self.binary.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    self.search.see(path.display().to_string(), std::fs::read(&path).unwrap());
                }
            }
        }
        let config = self.site.moto.config(REGION).await;
        let s3 =
            aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build());
        let mut tables = BTreeSet::new();
        let mut pages = s3.list_objects_v2().bucket(BUCKET).into_paginator().send();
        while let Some(page) = pages.next().await {
            for object in page.unwrap().contents() {
                let key = object.key().unwrap();
                tables.extend(
                    key.strip_prefix("logs/").and_then(|k| k.split_once("/_delta_log/")).map(|(t, _)| t.to_owned()),
                );
                let answer = s3.get_object().bucket(BUCKET).key(key).send().await.unwrap();
                let metadata = format!("{:?}", answer.metadata());
                let bytes = answer.body.collect().await.unwrap().into_bytes().to_vec();
                self.search.see(format!("s3://{BUCKET}/{key}"), [metadata.into_bytes(), bytes].concat());
            }
        }
        assert!(tables.contains("stl_query") && tables.contains("lookback_export_runs"), "{tables:?}");
        // Parquet is compressed: its rows are looked at as rows.
        for table in tables {
            let ran = self.run("text", &["sql", "--format", "csv", &format!("select * from {table}")]).await.expect(0);
            assert!(ran.stdout.lines().count() > 1, "{table} has no rows");
        }
        let items = aws_sdk_dynamodb::Client::new(&config).scan().table_name(TABLE).send().await.unwrap();
        assert!(items.count() > 0);
        self.search.see("DynamoDB", format!("{:?}", items.items()));
        for sim in &self.sims {
            let rows = texts(&sim.cluster.truth("stl_query"));
            self.search.see(format!("statements of '{}'", sim.cluster.name()), format!("{rows:?}"));
        }
    }

    /// What AWS itself made, and told nobody but the binary.
    async fn learn(&mut self) {
        let sessions = self.site.moto.sessions().await;
        assert!(sessions.len() > 1, "the role was assumed");
        for session in sessions {
            for part in ["secret", "token"] {
                let name = format!("{part} of {}", session["role"]);
                self.search.secrets.push(Secret::as_text(&name, session[part].as_str().unwrap()));
            }
        }
        let given = self.site.moto.passwords().await;
        assert!(!given.is_empty(), "a temporary password was asked for");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_nowhere_but_where_it_belongs() {
    let mut world = World::new().await;
    let first = world.run("text", &["check"]).await.expect(1);
    // The folder is made, the first objects are put, and then S3 refuses once.
    world.site.proxy.inject(Rule::new(Fault::answer(403, "AccessDenied")).operation("PutObject").nth(3));
    for format in ["text", "json"] {
        world.run(format, &["export", "--once", "--metrics-file", "metrics.prom"]).await.expect(1);
        world.run(format, &["export", "--dry-run"]).await.expect(1);
        for command in [&["maintain"][..], &["verify"], &["status"], &["check"]] {
            let ran = world.run(format, command).await;
            assert!(matches!(ran.code, Some(0 | 1)), "{command:?}: {}", ran.stderr);
        }
        world.run(format, &["sql", "select * from lookback_export_runs"]).await.expect(0);
        world.schedule(format).await;
    }
    let sql = "select distinct cluster_id from stl_query order by 1";
    let ran = world.run("text", &["sql", "--format", "csv", sql]).await.expect(0);
    assert_eq!(ran.stdout.lines().skip(1).collect::<Vec<_>>(), GOOD, "{}", first.stdout);
    world.learn().await;
    world.see_what_stays().await;
    world.search.assert_clean();

    // The same search finds what is known to be written, in every kind of place, and a secret if there is one.
    for (text, place) in [
        ("TRACE", "stderr of export"),
        ("password authentication failed", "stderr of export"),
        ("127.0.0.1:1:", "stdout of check"),
        ("redshift_query_logs.incomplete.password", "stdout of check"),
        ("temporary", "/metrics"),
        ("temporary", "metrics.prom"),
        ("temporary", "DynamoDB"),
        ("temporary", "stdout of sql"),
        ("stl_query", "s3://"),
        ("stl_query", "statements of 'temporary'"),
        ("--metrics-file", "arguments of export"),
        ("password_env", "lookback.toml"),
    ] {
        let places = world.search.places(text);
        assert!(places.iter().any(|p| p.contains(place)), "'{text}' is in {places:?} only");
    }
    world.search.secrets.push(Secret::new("control", "select * from lookback_export_runs"));
    assert!(world.search.leaks().iter().any(|l| l.contains("control")));
}

/// AWS's answer to a wrong signature repeats what was to be signed, and with it the headers, of which one is the session's token.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_repeats_the_request_is_not_passed_on() {
    let mut world = World::new().await;
    let token = Alphanumeric.sample_string(&mut rand::rng(), 300);
    world.search.secrets.push(Secret::new("repeated token", &token));
    world.binary.set("AWS_SESSION_TOKEN", &token);
    world.run("text", &["export"]).await.expect(1);
    let canonical = format!("POST\n/\n\nhost:x\nx-amz-date:20260101T000000Z\nx-amz-security-token:{token}\n");
    for (service, code) in [
        ("s3", "SignatureDoesNotMatch"),
        ("ssm", "InvalidSignatureException"),
        ("secretsmanager", "InvalidSignatureException"),
        ("dynamodb", "InvalidSignatureException"),
        ("kms", "InvalidSignatureException"),
        ("sts", "SignatureDoesNotMatch"),
        ("redshift", "SignatureDoesNotMatch"),
    ] {
        let said =
            format!("The request signature we calculated does not match.\n\nThe Canonical String was\n'{canonical}'");
        let body = match service {
            "s3" => format!(
                "<Error><Code>{code}</Code><Message>{said}</Message><CanonicalRequest>{canonical}</CanonicalRequest></Error>"
            ),
            "sts" | "redshift" => format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{said}</Message></Error></ErrorResponse>"
            ),
            _ => serde_json::json!({"__type": code, "message": said}).to_string(),
        };
        world.site.proxy.clear_rules();
        world.site.proxy.inject(Rule::new(Fault::Answer { status: 403, code, body }).service(service));
        for command in [&["check"][..], &["export"], &["status"]] {
            let ran = world.run("text", command).await;
            assert!(ran.code.is_some(), "{command:?}");
        }
        assert!(!world.search.places(code).is_empty(), "the answer of {service} was met");
    }
    world.search.assert_clean();
}
