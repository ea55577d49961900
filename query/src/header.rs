//! Headers of SQL files: what the comment lines before the first line of SQL say, as `-- key: value`.

use crate::diagnostics::{Param, ParamType};

/// Reads the header of a file, line by line: `take` is given the words of the key and the value, and answers `None` to what it
/// does not understand or has already.
///
/// # Errors
/// The line that is not understood.
pub(crate) fn read(
    text: &'static str,
    mut take: impl FnMut(&[&'static str], &'static str) -> Option<()>,
) -> Result<(), String> {
    for line in text.lines().take_while(|line| line.starts_with("--")) {
        let pair = line.trim_start_matches('-').trim().split_once(": ");
        let pair = pair.map(|(key, value)| (key, value.trim())).filter(|(_, value)| !value.is_empty());
        let taken = pair.and_then(|(key, value)| take(&key.split_whitespace().collect::<Vec<_>>(), value));
        taken.ok_or_else(|| format!("the header line '{line}' is not understood, or is there twice"))?;
    }
    Ok(())
}

/// Takes a value that may be there once.
pub(crate) fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    match place {
        Some(_) => None,
        None => {
            *place = Some(value);
            Some(())
        }
    }
}

/// Takes a line that begins with `param`, given its words after that, as `name type`, `name type required` or
/// `name type = default`.
pub(crate) fn param(params: &mut Vec<Param>, words: &[&'static str], description: &'static str) -> Option<()> {
    let (name, of_type, default, required) = match *words {
        [name, of_type] => (name, of_type, None, false),
        [name, of_type, "required"] => (name, of_type, None, true),
        [name, of_type, "=", default] => (name, of_type, Some(default), false),
        _ => return None,
    };
    let param_type = match of_type {
        "int" => ParamType::Int,
        "text" => ParamType::Text,
        "timestamp" => ParamType::Timestamp,
        _ => return None,
    };
    let is_new = params.iter().all(|other| other.name != name);
    is_new.then(|| params.push(Param { name, param_type, default, required, description }))
}
