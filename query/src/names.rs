//! Near misses: the known names closest to one that does not exist.

/// Up to `most` of the known names that a typing error could have turned into `wanted`, nearest first.
#[must_use]
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>, most: usize) -> Vec<String> {
    let wanted = wanted.to_lowercase();
    let allowed = (wanted.chars().count() / 3).clamp(1, 4);
    let mut near: Vec<(usize, String)> = known
        .into_iter()
        .filter_map(|name| {
            let distance = distance(&wanted, &name.to_lowercase());
            let extends = wanted.len() >= 3 && name.contains(wanted.as_str());
            (distance <= allowed || extends).then(|| (distance, name.to_owned()))
        })
        .collect();
    near.sort();
    near.dedup_by(|a, b| a.1 == b.1);
    near.into_iter().take(most).map(|(_, name)| name).collect()
}

/// `'a', 'b' or 'c'`.
#[must_use]
pub fn quoted(names: &[String]) -> String {
    let all: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    match all.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => all.join(""),
    }
}

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b` (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut rows = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_come_first_and_far_ones_not_at_all() {
        let known = ["stl_query", "stl_querytext", "stl_scan", "stl_wlm_query"];
        assert_eq!(nearest("stl_qurey", known, 3), ["stl_query"]);
        assert_eq!(nearest("STL_QUERY", known, 1), ["stl_query"]);
        assert!(nearest("orders", known, 3).is_empty());
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(quoted(&["a".into(), "b".into(), "c".into()]), "'a', 'b' or 'c'");
        assert_eq!(quoted(&[]), "");
    }
}
