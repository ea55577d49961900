//! Identities with the policies of deploy/iam, exactly as they are there.

use serde_json::{Value, json};

use super::moto::{ACCOUNT, Moto};

/// The account of the collector's role.
pub(crate) const OTHER_ACCOUNT: &str = "222222222222";

/// Keys of a user.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    pub(crate) access_key: String,
    pub(crate) secret: String,
}

/// A policy of deploy/iam with its placeholders filled in. Those that end in `Arns` are lists.
pub(crate) fn policy(name: &str, values: &Value) -> Value {
    let path = format!("{}/deploy/iam/{name}.json", env!("CARGO_MANIFEST_DIR"));
    fill(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap(), values)
}

fn fill(node: Value, values: &Value) -> Value {
    match node {
        Value::Object(members) => members.into_iter().map(|(k, v)| (k, fill(v, values))).collect(),
        Value::Array(items) => items
            .into_iter()
            .flat_map(|item| match fill(item, values) {
                Value::Array(several) => several,
                one => vec![one],
            })
            .collect(),
        Value::String(text) => fill_text(&text, values),
        other => other,
    }
}

fn fill_text(text: &str, values: &Value) -> Value {
    if let Some(name) = text.strip_prefix("${").and_then(|t| t.strip_suffix('}'))
        && values[name].is_array()
    {
        return values[name].clone();
    }
    let mut filled = text.to_owned();
    for (name, value) in values.as_object().unwrap() {
        if let Some(value) = value.as_str() {
            filled = filled.replace(&format!("${{{name}}}"), value);
        }
    }
    assert!(!filled.contains("${"), "nothing to put into {filled}");
    Value::String(filled)
}

/// The same policy without one action.
pub(crate) fn without(mut policy: Value, action: &str) -> Value {
    let mut taken = false;
    for statement in policy["Statement"].as_array_mut().unwrap() {
        if statement["Effect"] == "Allow" {
            let actions = statement["Action"].as_array_mut().unwrap();
            let before = actions.len();
            actions.retain(|a| a != action);
            taken |= actions.len() < before;
        }
    }
    assert!(taken, "{action} is not in the policy");
    policy["Statement"].as_array_mut().unwrap().retain(|s| s["Action"].as_array().is_some_and(|a| !a.is_empty()));
    policy
}

/// Makes a user of the account with one policy, or gives it another one.
pub(crate) async fn user(moto: &Moto, name: &str, policy: &Value) -> Keys {
    let answer = moto.tell("user", &json!({"account": ACCOUNT, "name": name, "policy": policy})).await;
    let text = |part: &str| answer[part].as_str().unwrap().to_owned();
    Keys { access_key: text("access_key"), secret: text("secret") }
}

/// Makes a role of the other account.
pub(crate) async fn role(moto: &Moto, name: &str, policy: &Value, trust: &Value) {
    moto.tell("role", &json!({"account": OTHER_ACCOUNT, "name": name, "policy": policy, "trust": trust})).await;
}

/// What AWS answers to calls of boto3, each a service, an operation and its arguments: an error's code, or `ok`.
pub(crate) async fn codes(endpoint: &str, region: &str, keys: &Keys, calls: &Value) -> Vec<String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/aws/moto/calls.py");
    let output = tokio::process::Command::new(super::moto::python())
        .args(["-B", script, endpoint, &calls.to_string()])
        .envs(super::moto::environment(endpoint, region))
        .env("AWS_ACCESS_KEY_ID", &keys.access_key)
        .env("AWS_SECRET_ACCESS_KEY", &keys.secret)
        .env_remove("AWS_SESSION_TOKEN")
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
