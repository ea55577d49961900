//! The description of the API: `openapi.json` beside this file, completed with what the program itself knows.

use std::sync::OnceLock;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use lookback_query::{audit, diagnostics};
use serde_json::{Value, json};

use super::problem::Code;

const WRITTEN: &str = include_str!("openapi.json");

/// `GET /api/openapi.json`
pub(super) async fn document() -> Response {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| format!("{:#}\n", completed()));
    ([(CONTENT_TYPE, "application/json")], text.as_str()).into_response()
}

/// The document with version, names and codes.
fn completed() -> Value {
    // A test reads the file; one that cannot be read would not ship.
    let mut document: Value = serde_json::from_str(WRITTEN).unwrap_or_default();
    let schemas = |name: &str| format!("/components/schemas/{name}/enum");
    let names: Vec<&str> = diagnostics::list().iter().map(|one| one.name).collect();
    let checks: Vec<&str> = audit::list().iter().map(|check| check.id).collect();
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    set(&mut document, "/info/version", json!(env!("CARGO_PKG_VERSION")));
    for (schema, all) in [("DiagnosticName", names), ("CheckId", checks), ("ProblemCode", codes)] {
        set(&mut document, &schemas(schema), json!(all));
    }
    document
}

/// Sets a member of an object that is there.
fn set(document: &mut Value, pointer: &str, value: Value) {
    if let Some((parent, name)) = pointer.rsplit_once('/')
        && let Some(Value::Object(members)) = document.pointer_mut(parent)
    {
        members.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::routes::routes;
    use super::*;

    /// Every operation of the document: path and method, with the role that it names.
    fn described(document: &Value) -> BTreeMap<(String, String), String> {
        let paths = document["paths"].as_object().unwrap().iter();
        let operations = paths.flat_map(|(path, methods)| {
            methods.as_object().unwrap().iter().map(move |(method, operation)| {
                let role = operation["x-lookback-role"].as_str().unwrap().to_owned();
                assert_eq!(operation["security"] == json!([]), role == "nobody", "{method} {path}");
                ((path.clone(), method.to_uppercase()), role)
            })
        });
        operations.collect()
    }

    #[test]
    fn the_document_has_every_route_with_its_role_and_no_other() {
        let routed = routes().into_iter().map(|route| {
            let role = route.needs.map_or_else(|| "nobody".to_owned(), |role| role.to_string());
            ((route.path.to_owned(), route.method.to_string()), role)
        });
        assert_eq!(described(&completed()), routed.collect());
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_path_parameter_is_described() {
        let document = completed();
        let mut left = vec![("", &document)];
        while let Some((_, value)) = left.pop() {
            match value {
                Value::Object(members) => {
                    if let Some(Value::String(reference)) = members.get("$ref") {
                        let pointer = reference.strip_prefix('#').unwrap();
                        assert!(document.pointer(pointer).is_some(), "{reference}");
                    }
                    left.extend(members.iter().map(|(name, member)| (name.as_str(), member)));
                }
                Value::Array(members) => left.extend(members.iter().map(|member| ("", member))),
                _ => {}
            }
        }
        for (path, methods) in document["paths"].as_object().unwrap() {
            for operation in methods.as_object().unwrap().values() {
                let named = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
                for name in named {
                    let parameters = operation["parameters"].as_array().unwrap();
                    assert!(parameters.iter().any(|one| one["name"] == *name && one["in"] == "path"), "{path}: {name}");
                }
            }
        }
    }

    #[test]
    fn names_versions_and_statuses_are_those_of_the_program() {
        let document = completed();
        assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
        let names = document["components"]["schemas"]["DiagnosticName"]["enum"].as_array().unwrap();
        assert_eq!(names.len(), diagnostics::list().len());
        // Every status that a code has is an answer of some operation.
        let paths = document["paths"].to_string();
        for code in Code::ALL {
            assert!(paths.contains(&format!("\"{}\":", code.status().as_u16())), "{}", code.name());
        }
    }
}
