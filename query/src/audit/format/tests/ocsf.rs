//! Events against the framework's own schema.
//!
//! `ocsf_1_3_0.json` has the attributes of the class Compliance Finding and of the objects in it, with their types, requirements,
//! profiles and enums, as the framework's repository (github.com/ocsf/ocsf-schema) has them at tag 1.3.0, with what a class inherits
//! and includes put in its place.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Schema {
    version: String,
    objects: BTreeMap<String, Object>,
}

#[derive(Deserialize)]
struct Object {
    at_least_one: Vec<String>,
    attributes: BTreeMap<String, Attribute>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Attribute {
    r#type: String,
    array: bool,
    required: bool,
    deprecated: bool,
    /// Only there if the event says that it has this profile.
    profile: Option<String>,
    /// Numbers and their captions.
    r#enum: BTreeMap<String, String>,
    /// The attribute that has the caption.
    sibling: Option<String>,
}

impl Schema {
    fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/audit/format/ocsf_1_3_0.json");
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    /// What of an object is not as the schema says.
    fn wrong(&self, kind: &str, place: &str, value: &Value, profiles: &[&str]) -> Vec<String> {
        let (Some(object), Some(found)) = (self.objects.get(kind), value.as_object()) else {
            return vec![format!("{place}: {value} is no {kind}")];
        };
        let has =
            |attribute: &Attribute| attribute.profile.as_deref().is_none_or(|profile| profiles.contains(&profile));
        let mut wrong = Vec::new();
        for (name, attribute) in object.attributes.iter().filter(|(_, attribute)| attribute.required && has(attribute))
        {
            if !found.contains_key(name) {
                wrong.push(format!("{place}.{name} ({}) is required", attribute.r#type));
            }
        }
        if !object.at_least_one.is_empty() && !object.at_least_one.iter().any(|name| found.contains_key(name)) {
            wrong.push(format!("{place} needs one of {:?}", object.at_least_one));
        }
        for (name, value) in found {
            let place = format!("{place}.{name}");
            match object.attributes.get(name).filter(|attribute| has(attribute) && !attribute.deprecated) {
                None => wrong.push(format!("{place} is not in the schema of {kind}")),
                Some(attribute) if attribute.array => match value.as_array() {
                    None => wrong.push(format!("{place} is no list")),
                    Some(values) => {
                        wrong.extend(values.iter().flat_map(|one| self.wrong_value(attribute, &place, one, profiles)));
                    }
                },
                Some(attribute) => wrong.extend(self.wrong_value(attribute, &place, value, profiles)),
            }
        }
        for (name, attribute) in &object.attributes {
            let Some((caption, sibling)) = found
                .get(name)
                .and_then(|value| attribute.r#enum.get(&value.to_string()))
                .zip(attribute.sibling.as_ref())
            else {
                continue;
            };
            // What is something else is called as whoever says so calls it.
            if caption != "Other" && found.get(sibling).is_some_and(|said| said != caption) {
                wrong.push(format!("{place}.{sibling} is {}, not {caption}", found[sibling]));
            }
        }
        wrong
    }

    fn wrong_value(&self, attribute: &Attribute, place: &str, value: &Value, profiles: &[&str]) -> Vec<String> {
        let fits = match attribute.r#type.as_str() {
            "string_t" => value.as_str().is_some_and(|text| text.len() <= 65_535),
            "integer_t" => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
            "long_t" => value.is_i64() || value.is_u64(),
            // Milliseconds: of this century, and not of another unit.
            "timestamp_t" => value.as_i64().is_some_and(|at| (946_684_800_000..4_102_444_800_000).contains(&at)),
            "object" => value.is_object(),
            kind => return self.wrong(kind, place, value, profiles),
        };
        let is_listed = attribute.r#enum.is_empty() || attribute.r#enum.contains_key(&value.to_string());
        if fits && is_listed { Vec::new() } else { vec![format!("{place}: {value} is no {}", attribute.r#type)] }
    }
}

fn wrong(schema: &Schema, event: &Value) -> Vec<String> {
    let profiles: Vec<&str> =
        event["metadata"]["profiles"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    schema.wrong("compliance_finding", "event", event, &profiles)
}

#[test]
fn events_are_as_the_schema_says() {
    let schema = Schema::read();
    let events: Value = serde_json::from_str(&write(&all_kinds(), Form::Ocsf)).unwrap();
    assert_eq!(events.as_array().unwrap().len(), all_kinds().findings().count());
    for event in events.as_array().unwrap() {
        assert_eq!(wrong(&schema, event), Vec::<String>::new());
        assert_eq!(event["metadata"]["version"], schema.version.as_str());
    }
    let results = |verdict: &str| {
        let of = events.as_array().unwrap().iter().find(|event| event["status_code"] == verdict).unwrap();
        (of["compliance"]["status_id"].clone(), of["status_id"].clone(), of["severity_id"].clone())
    };
    assert_eq!(results("FAIL"), (json!(3), json!(1), json!(4)));
    assert_eq!(results("UNKNOWN"), (json!(2), json!(1), json!(1)));
    assert_eq!(results("PASS"), (json!(1), json!(4), json!(1)));
    assert_eq!(results("NOT_APPLICABLE"), (json!(99), json!(4), json!(1)));
}

/// What the test above would find.
#[test]
fn an_event_that_is_not_is_noticed() {
    let schema = Schema::read();
    let events: Value = serde_json::from_str(&write(&all_kinds(), Form::Ocsf)).unwrap();
    let changed = |path: &str, value: Value| {
        let mut event = events[0].clone();
        let (parent, name) = path.rsplit_once('/').unwrap();
        let parent = event.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        if value.is_null() {
            parent.remove(name)
        } else {
            parent.insert(name.to_owned(), value)
        };
        wrong(&schema, &event).join("; ")
    };
    for (path, value, says) in [
        ("/compliance", Value::Null, "event.compliance (compliance) is required"),
        ("/compliance/standards", Value::Null, "event.compliance.standards (string_t) is required"),
        ("/metadata/product/vendor_name", Value::Null, "vendor_name (string_t) is required"),
        ("/metadata/profiles", json!([]), "event.cloud is not in the schema"),
        ("/class_uid", json!(2004), "event.class_uid: 2004"),
        ("/severity_id", json!("4"), "event.severity_id: \"4\""),
        ("/status", json!("Open"), "event.status is \"Open\", not New"),
        ("/time", json!(1_769_904_000), "event.time: 1769904000 is no timestamp_t"),
        ("/resource", json!({}), "event.resource is not in the schema"),
    ] {
        let found = changed(path, value);
        assert!(found.contains(says), "{path}: {found}");
    }
}
