//! The AWS that the other tests trust, through the SDK: what a test makes there is there, per account, and the proxy can stand between.

use aws_sdk_redshift::error::ProvideErrorMetadata as _;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ServerSideEncryption;

use crate::support::moto::{ACCOUNT, Moto, connect, create_cluster};
use crate::support::proxy::{Fault, Proxy, Rule};

const REGION: &str = "eu-central-1";

#[tokio::test]
async fn objects_are_kept_under_the_key_they_were_put_with() {
    let moto = Moto::start().await;
    moto.create_bucket(REGION, "lake").await;
    moto.create_bucket("us-east-1", "other").await;
    let key = moto.create_key(REGION).await;
    assert!(key.starts_with("arn:aws:kms:eu-central-1:123456789012:key/"), "{key}");
    let aws = moto.aws(REGION).await;
    let config = aws_sdk_s3::config::Builder::from(aws.config()).interceptor(aws.counter()).build();
    let s3 = aws_sdk_s3::Client::from_conf(config);
    s3.put_object()
        .bucket("lake")
        .key("cluster_id=a/0 +ä.parquet")
        .body(ByteStream::from_static(b"rows"))
        .server_side_encryption(ServerSideEncryption::AwsKms)
        .ssekms_key_id(&key)
        .if_none_match("*")
        .send()
        .await
        .unwrap();
    let head = s3.head_object().bucket("lake").key("cluster_id=a/0 +ä.parquet").send().await.unwrap();
    assert_eq!((head.content_length(), head.ssekms_key_id()), (Some(4), Some(&*key)));
    let again = s3.put_object().bucket("lake").key("cluster_id=a/0 +ä.parquet").if_none_match("*").send().await;
    assert_eq!(again.unwrap_err().code(), Some("PreconditionFailed"));
    assert_eq!(aws.requests().all()[&("S3".to_owned(), "PutObject".to_owned())], 2);
}

#[tokio::test]
async fn tables_parameters_and_secrets_are_there() {
    let moto = Moto::start().await;
    moto.create_table(REGION, "lookback-state").await;
    let key = moto.create_key(REGION).await;
    moto.put_parameter(REGION, "/lookback/password", "one", Some(&key)).await;
    moto.put_parameter(REGION, "/lookback/password", "two", Some(&key)).await;
    let arn = moto.create_secret(REGION, "redshift/admin", "{\"password\":\"three\"}").await;

    let config = moto.config(REGION).await;
    let table =
        aws_sdk_dynamodb::Client::new(&config).describe_table().table_name("lookback-state").send().await.unwrap();
    let keys: Vec<_> = table.table().unwrap().key_schema().iter().map(|k| k.attribute_name().to_owned()).collect();
    assert_eq!(keys, ["cluster_id", "table_name"]);
    let ssm = aws_sdk_ssm::Client::new(&config);
    let parameter = ssm.get_parameter().name("/lookback/password").with_decryption(true).send().await.unwrap();
    assert_eq!(parameter.parameter().unwrap().value(), Some("two"));
    let secrets = aws_sdk_secretsmanager::Client::new(&config);
    let secret = secrets.get_secret_value().secret_id(arn).send().await.unwrap();
    assert_eq!(secret.secret_string(), Some("{\"password\":\"three\"}"));
}

#[tokio::test]
async fn clusters_and_workgroups_are_where_the_test_says_and_their_passwords_are_known() {
    let moto = Moto::start().await;
    moto.create_cluster(REGION, "one", "127.0.0.1:5440", &[("team", "data")]).await;
    moto.create_workgroup(REGION, "logs", "127.0.0.1:5441").await;
    let config = moto.config(REGION).await;
    let redshift = aws_sdk_redshift::Client::new(&config);
    let cluster = redshift.describe_clusters().send().await.unwrap().clusters()[0].clone();
    assert_eq!(
        (cluster.endpoint().unwrap().address(), cluster.endpoint().unwrap().port()),
        (Some("127.0.0.1"), Some(5440))
    );
    assert_eq!(cluster.tags().iter().map(|t| (t.key(), t.value())).collect::<Vec<_>>(), [(Some("team"), Some("data"))]);
    assert!(
        cluster.cluster_namespace_arn().unwrap().starts_with("arn:aws:redshift:eu-central-1:123456789012:namespace:")
    );
    moto.move_cluster(REGION, "one", "127.0.0.1:5442").await;
    moto.set_cluster_status(REGION, "one", "resizing").await;
    let cluster = redshift.describe_clusters().send().await.unwrap().clusters()[0].clone();
    assert_eq!((cluster.endpoint().unwrap().port(), cluster.cluster_status()), (Some(5442), Some("resizing")));

    let serverless = aws_sdk_redshiftserverless::Client::new(&config);
    let workgroup = serverless.get_workgroup().workgroup_name("logs").send().await.unwrap().workgroup.unwrap();
    assert_eq!(workgroup.endpoint().unwrap().port(), Some(5441));
    let given =
        redshift.get_cluster_credentials_with_iam().cluster_identifier("one").db_name("dev").send().await.unwrap();
    let also = serverless.get_credentials().workgroup_name("logs").db_name("dev").send().await.unwrap();
    assert!(also.expiration().unwrap().secs() > also.next_refresh_time().unwrap().secs());
    let known: Vec<_> = moto.passwords().await.iter().map(|p| p["password"].as_str().unwrap().to_owned()).collect();
    assert_eq!(known, [given.db_password().unwrap(), also.db_password().unwrap()]);
    assert_eq!((given.db_user(), also.db_user()), (Some("IAM:moto"), Some("IAM:moto")));
}

#[tokio::test]
async fn accounts_see_their_own_clusters_only() {
    let moto = Moto::start().await;
    moto.create_cluster(REGION, "here", "127.0.0.1:1", &[]).await;
    let there = "222222222222";
    create_cluster(&moto.config_as_account(REGION, there).await, "there", "127.0.0.1:2", &[]).await;
    let other = moto.aws_as_account(REGION, there).await;
    for (aws, cluster, account) in [(moto.aws(REGION).await, "here", ACCOUNT), (other, "there", there)] {
        let answer = aws_sdk_redshift::Client::new(aws.config()).describe_clusters().send().await.unwrap();
        let names: Vec<_> = answer.clusters().iter().filter_map(|c| c.cluster_identifier()).collect();
        assert_eq!(names, [cluster]);
        assert!(answer.clusters()[0].cluster_namespace_arn().unwrap().contains(account));
    }
}

#[tokio::test]
async fn access_is_checked_where_a_test_wants_that() {
    let moto = Moto::start().await;
    moto.create_bucket(REGION, "lake").await;
    let stranger = moto.aws_with(REGION, "AKIA0000000000000000", "wrong", None).await;
    let s3 = aws_sdk_s3::Client::new(stranger.config());
    assert!(s3.head_bucket().bucket("lake").send().await.is_ok());
    moto.check_access(0).await;
    let refused = s3.list_objects_v2().bucket("lake").send().await.unwrap_err();
    assert_eq!(refused.raw_response().unwrap().status().as_u16(), 403);
    moto.allow_everything().await;
    assert!(s3.list_objects_v2().bucket("lake").send().await.is_ok());
}

#[tokio::test]
async fn the_sdk_tries_again_what_the_proxy_lost() {
    let moto = Moto::start().await;
    moto.create_bucket(REGION, "lake").await;
    let proxy = Proxy::start(moto.endpoint()).await;
    let aws = connect(proxy.endpoint(), REGION).await;
    let s3 = aws_sdk_s3::Client::new(aws.config());
    proxy.inject(Rule::new(Fault::LoseAnswer).operation("PutObject").nth(0));
    proxy.inject(Rule::new(Fault::slow_down()).operation("PutObject").nth(2));
    for key in ["a", "b"] {
        s3.put_object().bucket("lake").key(key).body(ByteStream::from_static(b"rows")).send().await.unwrap();
    }
    let statuses: Vec<_> =
        proxy.of("PutObject").iter().map(|r| (r.object_key().unwrap().to_owned(), r.status)).collect();
    let expected = [("a", None), ("a", Some(200)), ("b", Some(503)), ("b", Some(200))];
    assert_eq!(statuses, expected.map(|(key, status)| (key.to_owned(), status)));

    proxy.inject(Rule::new(Fault::answer(400, "AccessDeniedException")).service("ssm"));
    let refused = aws_sdk_ssm::Client::new(aws.config()).get_parameter().name("/a").send().await.unwrap_err();
    assert_eq!(refused.code(), Some("AccessDeniedException"));
    proxy.inject(Rule::new(Fault::answer(400, "Throttling")).service("redshift"));
    let refused = aws_sdk_redshift::Client::new(aws.config()).describe_clusters().send().await.unwrap_err();
    assert_eq!(refused.code(), Some("Throttling"));
    assert_eq!(proxy.of("DescribeClusters").len(), 4, "being throttled is worth another attempt");
}
