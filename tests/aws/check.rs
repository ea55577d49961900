//! What `lookback check` says of an account, and the commands that mend it.

use lookback_exporter::check::{Finding, Level, check_account};
use lookback_storage::Aws;

use crate::support::site::{BUCKET, REGION, Site, TABLE};

/// What was found of one thing: text and fix, joined.
fn of(findings: &[Finding], what: &str, level: Level) -> String {
    let texts = findings.iter().filter(|f| f.what == what && f.level == level);
    texts.map(|f| format!("{} -> {}\n", f.text, f.fix.as_deref().unwrap_or_default())).collect()
}

async fn look(site: &Site, aws: &Aws) -> Vec<Finding> {
    check_account(aws, &site.lake(aws), Some(TABLE)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_is_named_with_the_command_that_makes_it() {
    let site = Site::new().await;
    let aws = site.aws().await;
    let found = look(&site, &aws).await;
    assert!(of(&found, "identity", Level::Good).contains(REGION), "{found:?}");
    assert!(of(&found, "key", Level::Notice).contains("aws kms enable-key-rotation"), "{found:?}");
    assert!(of(&found, "bucket", Level::Notice).contains("aws s3api put-bucket-encryption --bucket lake-of-tests"));
    let policy = of(&found, "policy", Level::Notice);
    for refused in ["plaintext transport", "not encrypted with KMS", "under other keys"] {
        assert!(policy.contains(refused) && policy.contains("aws s3api put-bucket-policy"), "{policy}");
    }
    assert!(of(&found, "public", Level::Notice).contains("aws s3api put-public-access-block"), "{found:?}");
    assert!(of(&found, "table", Level::Notice).contains("aws dynamodb update-continuous-backups"), "{found:?}");
    assert!(found.iter().all(|f| f.level != Level::Problem), "an export would work: {found:?}");
    assert_eq!(site.proxy.mutations(), 0, "check changes nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_as_it_should_be_is_good() {
    let site = Site::new().await;
    let aws = site.aws().await;
    site.exporter_of(&aws).await;
    let config = site.moto.config(REGION).await;
    let (s3, kms) = (aws_sdk_s3::Client::new(&config), aws_sdk_kms::Client::new(&config));
    kms.enable_key_rotation().key_id(&site.key).send().await.unwrap();
    let default = aws_sdk_s3::types::ServerSideEncryptionByDefault::builder()
        .sse_algorithm(aws_sdk_s3::types::ServerSideEncryption::AwsKms)
        .kms_master_key_id(&site.key)
        .build()
        .unwrap();
    let rule = aws_sdk_s3::types::ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(default)
        .bucket_key_enabled(true)
        .build();
    let rules = aws_sdk_s3::types::ServerSideEncryptionConfiguration::builder().rules(rule).build().unwrap();
    s3.put_bucket_encryption().bucket(BUCKET).server_side_encryption_configuration(rules).send().await.unwrap();
    let found = look(&site, &aws).await;
    for what in ["key", "bucket", "table", "writing"] {
        assert!(!of(&found, what, Level::Good).is_empty(), "{what}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stops_an_export_is_a_problem() {
    let site = Site::new().await;
    let aws = site.aws().await;
    let config = site.moto.config(REGION).await;
    // moto knows the key by its id only here.
    let id = site.key.rsplit('/').next().unwrap();
    aws_sdk_kms::Client::new(&config).disable_key().key_id(id).send().await.unwrap();
    let found = look(&site, &aws).await;
    let fix = of(&found, "key", Level::Problem);
    assert!(fix.contains("is Disabled") && fix.contains("aws kms enable-key"), "{found:?}");

    let missing = check_account(&aws, &site.lake(&aws), Some("no-such-table")).await;
    assert!(of(&missing, "table", Level::Problem).contains("aws dynamodb create-table"), "{missing:?}");
    aws_sdk_s3::Client::new(&config).delete_bucket().bucket(BUCKET).send().await.unwrap();
    let gone = look(&site, &aws).await;
    assert!(of(&gone, "bucket", Level::Problem).contains("deploy/cloudformation"), "{gone:?}");
}
