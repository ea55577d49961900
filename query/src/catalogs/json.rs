//! JSON that is the same for the same content, whichever way the library keeps its maps.

use serde_json::Value;

/// Indented, keys in alphabetical order, with a line break at the end.
pub(super) fn pretty(value: &Value) -> String {
    format!("{:#}\n", sorted(value))
}

/// On one line, keys in alphabetical order.
pub(super) fn compact(value: &Value) -> String {
    sorted(value).to_string()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut pairs: Vec<(&String, &Value)> = map.iter().collect();
            pairs.sort_unstable_by_key(|(key, _)| *key);
            Value::Object(pairs.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(sorted).collect()),
        other => other.clone(),
    }
}
