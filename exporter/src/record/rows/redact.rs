//! What of a record may be stored: everything but passwords, certificates, key material and plaintext. AWS leaves most of them
//! out itself; this does not rely on it.

use serde_json::Value;

/// What stands in place of a secret.
pub(crate) const REDACTED: &str = "[redacted]";

/// Names that hold secrets, whatever is beside them. Compared without case, blanks and signs.
const SECRET_NAMES: [&str; 13] = [
    "secretstring",
    "secretbinary",
    "secretaccesskey",
    "sessiontoken",
    "securitytoken",
    "importtoken",
    "authtoken",
    "encryptedkeymaterial",
    "keymaterial",
    "privatekey",
    "granttoken",
    "granttokens",
    "publickey",
];
/// Parts of names that hold secrets.
const SECRET_PARTS: [&str; 4] = ["password", "plaintext", "ciphertext", "certificate"];
/// What names end with that only name or describe one of these.
const HARMLESS_ENDS: [&str; 9] =
    ["identifier", "identifiers", "arn", "id", "keyid", "expirydate", "expirytime", "name", "length"];

/// The record without secrets.
pub(crate) fn redact(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(name, value)| {
                    let hidden = is_secret(name) && !matches!(value, Value::Null | Value::Bool(_));
                    (name.clone(), if hidden { Value::from(REDACTED) } else { redact(value) })
                })
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(redact).collect()),
        // A block of PEM is a certificate or a key, whatever it is called.
        Value::String(text) if text.contains("-----BEGIN ") => Value::from(REDACTED),
        other => other.clone(),
    }
}

fn is_secret(name: &str) -> bool {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    if SECRET_NAMES.contains(&name.as_str()) {
        return true;
    }
    SECRET_PARTS.iter().any(|part| name.contains(part)) && !HARMLESS_ENDS.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_go_and_their_names_stay() {
        let record = json!({
            "masterUserPassword": "hunter2", "manageMasterPassword": true, "masterPasswordSecretArn": "arn:x",
            "masterPasswordSecretKmsKeyId": "k", "hsmPartitionPassword": ["hunter2"], "HsmServerPublicCertificate": "MIIB",
            "hsmClientCertificateIdentifier": "c1", "hsmClientCertificatePublicKey": "ssh-rsa",
            "plaintext": "hunter2", "ciphertextBlob": {"a": "hunter2"}, "previousKeyMaterialId": "aa", "adminUserPassword": null,
            "note": "-----BEGIN CERTIFICATE-----\nhunter2", "list": [{"secretString": "hunter2"}], "kmsKeyId": "k",
            "Master_User_Password": 7,
        });
        let clean = redact(&record);
        let text = clean.to_string();
        assert!(!text.contains("hunter2") && !text.contains("MIIB") && !text.contains("ssh-rsa"), "{text}");
        for (name, kept) in [
            ("manageMasterPassword", json!(true)),
            ("masterPasswordSecretArn", json!("arn:x")),
            ("masterPasswordSecretKmsKeyId", json!("k")),
            ("hsmClientCertificateIdentifier", json!("c1")),
            ("previousKeyMaterialId", json!("aa")),
            ("adminUserPassword", json!(null)),
            ("Master_User_Password", json!(REDACTED)),
        ] {
            assert_eq!(clean[name], kept, "{name}");
        }
    }

    proptest! {
        /// However deep a secret is, and whatever is around it.
        #[test]
        fn no_secret_is_left(
            name in prop_oneof![Just("masterUserPassword"), Just("Plaintext"), Just("hsmPartitionPassword"), Just("secretString"),
                Just("serverCertificate"), Just("newPassword"), Just("ciphertextBlob")],
            path in prop::collection::vec(prop_oneof![Just(None), "[a-z]{1,5}".prop_map(Some)], 0..6),
        ) {
            let mut value = json!({ name: "TOPSECRET", "kept": "yes" });
            for step in path {
                value = match step {
                    None => json!([1, value]),
                    Some(key) => json!({ key: value, "n": null }),
                };
            }
            let text = redact(&value).to_string();
            prop_assert!(!text.contains("TOPSECRET"), "{}", text);
            prop_assert!(redact(&redact(&value)) == redact(&value));
        }
    }
}
