//! Tables and views of a cluster that no lake can have, because they are its state and not its logs: why, and where in the
//! logs something of it is.

use lookback_schemas::registry;

/// Beginnings of names, and what the logs have of it. The first that fits holds.
const LOGGED: [(&[&str], &str); 6] = [
    (
        &["pg_user", "pg_shadow", "svv_users", "svv_user_info", "svv_roles", "svv_user_grants", "pg_group"],
        "stl_sessions has userid with user_name, and stl_userlog the changes of users",
    ),
    (
        &["stv_wlm", "stv_inflight", "stv_recents", "stv_query_metrics", "stv_exec_state", "stv_active_cursors"],
        "stl_query, stl_wlm_query (with service_class_name) and stl_query_metrics have what ended",
    ),
    (&["stv_sessions", "pg_stat_activity"], "stl_sessions and stl_connection_log have the sessions"),
    (
        &["stv_locks", "svv_transactions", "pg_locks"],
        "stl_tr_conflict and stl_undone have the conflicts and what was undone",
    ),
    (
        &[
            "stv_tbl_perm",
            "stv_blocklist",
            "stv_tbl_trans",
            "svv_table_info",
            "svv_tables",
            "svv_columns",
            "svv_diskusage",
            "pg_class",
            "pg_namespace",
            "pg_table_def",
            "pg_tables",
            "pg_attribute",
            "stv_mv_info",
            "svv_mv_info",
            "svv_redshift_",
            "svv_all_",
            "svv_external_",
        ],
        "stl_scan has tbl with perm_table_name, and stl_insert, stl_delete and stl_vacuum what changed",
    ),
    (
        &["stv_load_state", "svv_vacuum_progress", "svv_vacuum_summary"],
        "stl_load_commits and stl_vacuum have what ended",
    ),
];

/// Why no lake can have a table of that name; `None` if one could.
pub(super) fn why(table: &str) -> Option<String> {
    if registry().table(table).is_some_and(|spec| spec.exportable()) {
        return None;
    }
    let (reason, rest) = if table.starts_with("stv_") {
        ("is a snapshot of a running cluster, of which nothing is logged", "the STL tables have the history")
    } else if table.starts_with("svv_") || table.starts_with("pg_") {
        ("is part of a cluster's catalog, which is not logged", "the STL tables have names and ids as they were used")
    } else {
        return None;
    };
    let logged = LOGGED.iter().find(|(names, _)| names.iter().any(|name| table.starts_with(name)));
    Some(format!("{reason}; {}", logged.map_or(rest, |(_, logged)| logged)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_where_the_logs_have_it() {
        for (table, want) in [
            ("pg_user", Some("stl_sessions has userid with user_name")),
            ("stv_wlm_service_class_config", Some("stl_wlm_query")),
            ("svv_table_info", Some("catalog, which is not logged; stl_scan has tbl")),
            ("stv_slices", Some("nothing is logged; the STL tables have the history")),
            ("svv_datashares", Some("names and ids as they were used")),
            ("stl_query", None),
            ("svl_compile", None),
            ("mine", None),
        ] {
            let found = why(table);
            assert_eq!(found.is_some(), want.is_some(), "{table}: {found:?}");
            assert!(want.is_none_or(|want| found.as_deref().unwrap_or_default().contains(want)), "{table}: {found:?}");
        }
    }

    #[test]
    fn what_is_named_instead_is_in_lakes() {
        for (_, logged) in LOGGED {
            for word in
                logged.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| word.starts_with("stl_"))
            {
                assert!(registry().table(word).is_some_and(|spec| spec.exportable()), "{word}");
            }
        }
    }
}
