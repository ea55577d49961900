//! The list, the file, and both together.

use lookback_exporter::ErrorKind;
use lookback_exporter::fleet::MemberKind;

use super::*;

fn many() -> Vec<String> {
    (0..12).map(|n| format!("cluster-{n:02}")).collect()
}

#[tokio::test]
async fn a_list_of_a_dozen_is_read_in_full_calls_and_then_only_the_list() {
    for (prefix, ssm, operation, calls) in
        [(DOTS, SSM[0], "GetParameters", 4), (PATH, SSM[1], "GetParametersByPath", 4)]
    {
        let moto = Moto::start().await;
        let store = Store::new(&moto, prefix).await;
        store.enable(&format!(" {}, ,cluster-00", many().join(" , "))).await;
        store.put("global", "s3_prefix", "s3://old/logs").await;
        for cluster in many() {
            store.describe(&cluster, "127.0.0.1:1/dev", "pw").await;
        }
        let world = World::new(&moto, ssm).await;
        let members = world.members().await;
        assert_eq!(names(&members), many());
        assert!(members.problems.is_empty(), "{members:?}");
        assert_eq!(members.s3_prefix.as_deref(), Some("s3://old/logs"));
        assert_eq!(world.asked("SSM", operation), 1 + calls, "{:?}", world.aws.requests());
        world.members().await;
        assert_eq!(world.asked("SSM", operation), 2 + calls);
        assert_eq!(world.aws.requests().all().len(), 1, "{:?}", world.aws.requests());
    }
}

#[tokio::test]
async fn a_cluster_is_there_when_it_is_in_the_list_and_gone_when_it_is_not() {
    for (prefix, ssm) in [(DOTS, SSM[0]), (PATH, SSM[1])] {
        let moto = Moto::start().await;
        let store = Store::new(&moto, prefix).await;
        for cluster in ["a", "b.eu", "c"] {
            store.describe(cluster, "127.0.0.1:1/dev", "pw").await;
        }
        store.enable("a,b.eu").await;
        let world = World::new(&moto, ssm).await;
        let before = world.members().await;
        assert_eq!(names(&before), ["a", "b.eu"]);
        store.enable("b.eu,c").await;
        let after = world.members().await;
        assert_eq!(names(&after), ["b.eu", "c"]);
        assert!(Arc::ptr_eq(&before.members[1].source, &after.members[0].source), "what is unchanged stays as it is");
        store.enable("a,b.eu").await;
        let again = world.members().await;
        assert!(!Arc::ptr_eq(&before.members[0].source, &again.members[0].source), "what was gone begins anew");
    }
}

#[tokio::test]
async fn a_cluster_that_is_broken_hides_no_other() {
    for (prefix, ssm) in [(DOTS, SSM[0]), (PATH, SSM[1])] {
        let moto = Moto::start().await;
        let store = Store::new(&moto, prefix).await;
        for cluster in ["good", "silent", "odd", "last"] {
            store.describe(cluster, "127.0.0.1:1/dev", "pw").await;
        }
        store.remove("silent", "password").await;
        store.put("odd", "connection", "me:S3cret@host/dev").await;
        store.enable("good,silent,nobody,b@d name,odd,last").await;
        let world = World::new(&moto, ssm).await;
        let members = world.members().await;
        assert_eq!(names(&members), ["good", "last"]);
        let problem = |name: &str| {
            let (_, error) = members.problems.iter().find(|(n, _)| n == name).unwrap();
            assert_eq!(error.kind(), ErrorKind::Config, "{error}");
            error.to_string()
        };
        assert_eq!(members.problems.len(), 4, "{members:?}");
        assert!(problem("silent").contains(&store.name("silent", "password")), "{}", problem("silent"));
        let both = problem("nobody");
        assert!(
            both.contains(&store.name("nobody", "user")) && both.contains(&store.name("nobody", "password")),
            "{both}"
        );
        assert!(problem("b@d name").contains("cannot be used"));
        assert!(problem("odd").contains(&store.name("odd", "connection")));
        assert!(!format!("{members:?}").contains("S3cret"), "{members:?}");
        // It is mended without a restart, and at once.
        store.put("silent", "password", "pw").await;
        world.clock.set(chrono::Utc::now().timestamp_micros() + 2 * 3_600_000_000);
        assert_eq!(names(&world.members().await), ["good", "last", "silent"]);
    }
}

#[tokio::test]
async fn the_file_adds_settings_to_the_list_and_clusters_of_its_own() {
    let moto = Moto::start().await;
    let store = Store::new(&moto, DOTS).await;
    store.describe("listed", "127.0.0.1:1/dev", "pw").await;
    store.put("keyed", "user", "lookback").await;
    store.enable("listed,keyed").await;
    let text = r#"
        [ssm]
        [clusters.listed]
        tables = ["stl_query"]
        every = "1h"
        kms_key = "arn:aws:kms:eu-central-1:123456789012:key/k"
        [clusters.keyed]
        workgroup = "keyed"
        secret = "keyed"
        [clusters.own]
        host = "own.example.org"
        user = "u"
        [clusters.waiting]
        tables = ["stl_scan"]
    "#;
    let members = World::new(&moto, text).await.members().await;
    assert!(members.problems.is_empty(), "{members:?}");
    assert_eq!(names(&members), ["keyed", "listed", "own"]);
    let (keyed, listed) = (&members.members[0], &members.members[1]);
    assert_eq!((keyed.kind, listed.kind), (MemberKind::Serverless, MemberKind::Provisioned));
    assert_eq!(listed.tables.as_deref(), Some(&["stl_query".to_owned()][..]));
    assert_eq!(listed.every, Some(std::time::Duration::from_secs(3_600)));
    assert_eq!(listed.kms_key.as_deref(), Some("arn:aws:kms:eu-central-1:123456789012:key/k"));
}

#[tokio::test]
async fn a_list_that_cannot_be_read_leaves_the_clusters_that_are_known() {
    for (prefix, ssm) in [(DOTS, SSM[0]), (PATH, SSM[1])] {
        let moto = Moto::start().await;
        let store = Store::new(&moto, prefix).await;
        let alone = World::new(&moto, ssm).await.fleet.members().await.unwrap_err();
        assert!(alone.kind() == ErrorKind::Config && alone.advice().is_some(), "{alone}");
        assert!(alone.to_string().contains(&store.name("global", "enabled_cluster_list")), "{alone}");

        store.describe("a", "127.0.0.1:1/dev", "pw").await;
        store.enable("a").await;
        let world = World::new(&moto, &format!("{ssm}[clusters.own]\nhost = \"h\"\nuser = \"u\"\n")).await;
        assert_eq!(names(&world.members().await), ["a", "own"]);
        store.remove("global", "enabled_cluster_list").await;
        let members = world.members().await;
        assert_eq!(names(&members), ["a", "own"]);
        assert_eq!(members.problems.len(), 1);
        assert_eq!(members.problems[0].0, store.name("global", "enabled_cluster_list"));
    }
}

#[tokio::test]
async fn without_permission_the_action_is_named() {
    let moto = Moto::start().await;
    moto.check_access(0).await;
    let error = World::new(&moto, SSM[0]).await.fleet.members().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Aws, "{error}");
    assert!(error.to_string().contains("ssm:GetParameters"), "{error}");
    assert!(error.to_string().contains("redshift_query_logs.global.enabled_cluster_list"), "{error}");
    assert!(error.advice().is_some() && !error.is_transient(), "{error:?}");
}
