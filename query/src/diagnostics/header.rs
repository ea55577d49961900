//! The header of a diagnostic's file.

use super::{Param, ParamType};
use crate::error::{ErrorKind, QueryError};

/// A named question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file's name without `.sql`.
    pub name: &'static str,
    /// A few words.
    pub title: &'static str,
    /// The question that it answers.
    pub question: &'static str,
    /// What it takes, in the order of the file.
    pub params: Vec<Param>,
    /// The statement, with `:name` where parameters go.
    pub sql: &'static str,
}

/// Reads a file. The header is the comment lines before the first line of SQL.
pub(super) fn parse(name: &'static str, text: &'static str) -> Result<Diagnostic, QueryError> {
    let wrong = |line: &str| {
        QueryError::new(ErrorKind::Internal, format!("diagnostic '{name}': the header line '{line}' is not understood"))
    };
    let mut found = Diagnostic { name, title: "", question: "", params: Vec::new(), sql: text };
    for line in text.lines().take_while(|line| line.starts_with("--")) {
        let (key, value) = line.trim_start_matches('-').trim().split_once(':').ok_or_else(|| wrong(line))?;
        match key.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["title"] => found.title = value.trim(),
            ["question"] => found.question = value.trim(),
            ["param", param, of_type] => {
                found.params.push(param_of(param, of_type, None, value).ok_or_else(|| wrong(line))?);
            }
            ["param", param, of_type, "=", default] => {
                found.params.push(param_of(param, of_type, Some(default), value).ok_or_else(|| wrong(line))?);
            }
            _ => return Err(wrong(line)),
        }
    }
    if found.title.is_empty() || found.question.is_empty() { Err(wrong("")) } else { Ok(found) }
}

fn param_of(
    name: &'static str,
    of_type: &str,
    default: Option<&'static str>,
    description: &'static str,
) -> Option<Param> {
    let param_type = match of_type {
        "int" => ParamType::Int,
        "text" => ParamType::Text,
        "timestamp" => ParamType::Timestamp,
        _ => return None,
    };
    Some(Param { name, param_type, default, description: description.trim() })
}
