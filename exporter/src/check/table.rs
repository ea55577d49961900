//! The DynamoDB table with watermarks and leases.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{KeyType, PointInTimeRecoveryStatus, TableDescription};
use lookback_storage::Aws;

use super::Finding;
use super::account::{is_denied, unseen, why};

/// Looks at keys, state, encryption and backups of the table.
pub(super) async fn check_table(aws: &Aws, table: &str) -> Vec<Finding> {
    let config = aws_sdk_dynamodb::config::Builder::from(aws.config()).interceptor(aws.counter()).build();
    let (client, name) = (Client::from_conf(config), table.to_owned());
    let looked = aws.run(async move {
        let mut findings = describe(&client, &name).await;
        if findings.iter().all(|f| f.level != super::Level::Problem) {
            findings.push(backups(&client, &name).await);
        }
        findings
    });
    looked.await.unwrap_or_else(|e| vec![Finding::wrong("table", e.to_string(), "run the check again")])
}

async fn describe(client: &Client, name: &str) -> Vec<Finding> {
    let described = match client.describe_table().table_name(name).send().await {
        Ok(answer) => answer.table,
        Err(e) if is_denied(&e) => return vec![unseen("table", "dynamodb:DescribeTable", &e)],
        Err(e) if why(&e).contains("ResourceNotFound") => {
            return vec![Finding::wrong(
                "table",
                format!("there is no DynamoDB table {name}"),
                &format!(
                    "aws dynamodb create-table --table-name {name} --billing-mode PAY_PER_REQUEST --attribute-definitions AttributeName=cluster_id,AttributeType=S AttributeName=table_name,AttributeType=S --key-schema AttributeName=cluster_id,KeyType=HASH AttributeName=table_name,KeyType=RANGE --sse-specification Enabled=true,SSEType=KMS"
                ),
            )];
        }
        Err(e) => return vec![Finding::wrong("table", why(&e), "see deploy/iam/exporter.json")],
    };
    let Some(table) = described else { return Vec::new() };
    if !has_our_keys(&table) {
        return vec![Finding::wrong(
            "table",
            format!("the DynamoDB table {name} has other keys than cluster_id (HASH) and table_name (RANGE)"),
            "name another table in state.dynamodb_table, or create one: deploy/cloudformation/lookback.yaml",
        )];
    }
    let status = table.table_status().map_or("unknown", |s| s.as_str());
    if !matches!(status, "ACTIVE" | "UPDATING") {
        return vec![Finding::wrong(
            "table",
            format!("the DynamoDB table {name} is {status}"),
            "wait until it is ACTIVE",
        )];
    }
    let mut findings = vec![Finding::good("table", format!("{name} is {status}"))];
    if table.sse_description().and_then(|s| s.kms_master_key_arn()).is_none() {
        findings.push(Finding::notice(
            "table",
            format!("{name} is encrypted with a key that AWS owns"),
            &format!(
                "aws dynamodb update-table --table-name {name} --sse-specification Enabled=true,SSEType=KMS,KMSMasterKeyId=<key ARN>"
            ),
        ));
    }
    findings
}

fn has_our_keys(table: &TableDescription) -> bool {
    let key = |kind: &KeyType| table.key_schema().iter().find(|k| k.key_type() == kind).map(|k| k.attribute_name());
    key(&KeyType::Hash) == Some("cluster_id") && key(&KeyType::Range) == Some("table_name")
}

async fn backups(client: &Client, name: &str) -> Finding {
    match client.describe_continuous_backups().table_name(name).send().await {
        Ok(answer) => {
            let status = answer
                .continuous_backups_description()
                .and_then(|d| d.point_in_time_recovery_description())
                .and_then(|d| d.point_in_time_recovery_status());
            if status == Some(&PointInTimeRecoveryStatus::Enabled) {
                return Finding::good("table", format!("{name} can be restored to any moment"));
            }
            Finding::notice(
                "table",
                format!("{name} has no point-in-time recovery; losing it loses no rows, but every sweep is done again"),
                &format!(
                    "aws dynamodb update-continuous-backups --table-name {name} --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"
                ),
            )
        }
        Err(e) => unseen("table", "dynamodb:DescribeContinuousBackups", &e),
    }
}
