//! What a client that is not ours says of a bucket.

use serde_json::Value;
use tokio::process::Command;

use super::moto::{environment, python};

/// Every object of a bucket as boto3 sees it: `key`, `size`, `sse`, `kms_key_id`, `bucket_key`.
pub(crate) async fn objects(endpoint: &str, region: &str, bucket: &str) -> Vec<Value> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/aws/moto/objects.py");
    let output = Command::new(python())
        .args(["-B", script, endpoint, bucket])
        .envs(environment(endpoint, region))
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
