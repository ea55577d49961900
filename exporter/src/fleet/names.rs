//! Names of parameters, as AWS's blog post on exporting Redshift's system tables has them. They are only ever put together,
//! never taken apart, because a cluster's name may have dots.

use crate::error::{Error, ErrorKind, Result};

/// Connection text of a cluster.
pub(super) const CONNECTION: &str = "connection";
/// Database user of a cluster.
pub(super) const USER: &str = "user";
/// Password of a cluster's user.
pub(super) const PASSWORD: &str = "password";

/// What stands for the cluster in names that are about all of them.
const GLOBAL: &str = "global";
const ENABLED: &str = "enabled_cluster_list";
const S3_PREFIX: &str = "s3_prefix";

/// The names below one prefix: `prefix.sales.user`, or `/prefix/sales/user`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    prefix: String,
    separator: char,
}

impl Names {
    /// The names below a prefix. One that begins with a slash is a path.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if no parameter can have such a name (letters, digits, `.`, `-`, `_` and `/`; not beginning with
    /// `aws` or `ssm`: Systems Manager User Guide, "About requirements and constraints for parameter names").
    pub(super) fn below(prefix: &str) -> Result<Self> {
        let separator = if prefix.starts_with('/') { '/' } else { '.' };
        let trimmed = prefix.trim_end_matches(separator);
        let first = trimmed.trim_start_matches('/').to_ascii_lowercase();
        let allowed =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') || (c == '/' && separator == '/');
        if first.is_empty() || !trimmed.chars().all(allowed) || ["aws", "ssm"].iter().any(|w| first.starts_with(w)) {
            return Err(Error::new(ErrorKind::Config, format!("[ssm] prefix: no parameter can be named '{prefix}…'"))
                .advise("give a prefix such as \"redshift_query_logs\", or a path such as \"/lookback\""));
        }
        Ok(Self { prefix: trimmed.to_owned(), separator })
    }

    /// Whether the names form a tree of paths.
    pub(super) fn is_tree(&self) -> bool {
        self.separator == '/'
    }

    /// The path of everything.
    pub(super) fn root(&self) -> &str {
        &self.prefix
    }

    /// The path of what is about all clusters.
    pub(super) fn global_path(&self) -> String {
        self.path(GLOBAL)
    }

    /// The path of a cluster's parameters.
    pub(super) fn path(&self, cluster: &str) -> String {
        format!("{}{}{cluster}", self.prefix, self.separator)
    }

    /// The list of clusters.
    pub(super) fn enabled(&self) -> String {
        self.of(GLOBAL, ENABLED)
    }

    /// Where the blog post's scripts wrote to.
    pub(super) fn s3_prefix(&self) -> String {
        self.of(GLOBAL, S3_PREFIX)
    }

    /// A parameter of a cluster.
    pub(super) fn of(&self, cluster: &str, key: &str) -> String {
        format!("{}{}{key}", self.path(cluster), self.separator)
    }
}

/// The clusters of a StringList: blanks around a name do not count, nor do empty parts and repetitions.
pub(super) fn enabled_clusters(list: &str) -> Vec<String> {
    let mut clusters: Vec<String> = Vec::new();
    for name in list.split(',').map(str::trim).filter(|n| !n.is_empty()) {
        if !clusters.iter().any(|c| c == name) {
            clusters.push(name.to_owned());
        }
    }
    clusters
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_with_dots_are_those_of_the_blog_post() {
        let names = Names::below("redshift_query_logs").unwrap();
        assert_eq!(names.enabled(), "redshift_query_logs.global.enabled_cluster_list");
        assert_eq!(names.s3_prefix(), "redshift_query_logs.global.s3_prefix");
        assert_eq!(names.of("sales", CONNECTION), "redshift_query_logs.sales.connection");
        assert_eq!(names.of("sales.eu", PASSWORD), "redshift_query_logs.sales.eu.password");
        assert!(!names.is_tree());
    }

    #[test]
    fn a_prefix_with_a_slash_makes_paths() {
        for prefix in ["/lookback", "/lookback/"] {
            let names = Names::below(prefix).unwrap();
            assert_eq!(names.enabled(), "/lookback/global/enabled_cluster_list");
            assert_eq!(names.of("sales.eu", USER), "/lookback/sales.eu/user");
            assert_eq!((names.root(), names.global_path().as_str()), ("/lookback", "/lookback/global"));
            assert!(names.is_tree());
        }
        assert_eq!(Names::below("/a/b.c").unwrap().of("x", USER), "/a/b.c/x/user");
    }

    #[test]
    fn a_prefix_that_no_parameter_can_have_is_refused() {
        for prefix in ["", "/", ".", "a b", "a/b", "käse", "/aws/logs", "ssm.logs", "a,b"] {
            assert_eq!(Names::below(prefix).unwrap_err().kind(), ErrorKind::Config, "{prefix}");
        }
    }

    #[test]
    fn a_list_is_trimmed_and_has_each_name_once() {
        assert_eq!(enabled_clusters(" a, b ,,a,c.d ,\tb\n,"), ["a", "b", "c.d"]);
        assert_eq!(enabled_clusters(" , ,"), [""; 0]);
        assert_eq!(enabled_clusters("one"), ["one"]);
    }

    proptest! {
        #[test]
        fn any_list_gives_distinct_names_without_blanks_or_commas(list in ".*") {
            let clusters = enabled_clusters(&list);
            let distinct: std::collections::HashSet<_> = clusters.iter().collect();
            prop_assert_eq!(distinct.len(), clusters.len());
            prop_assert!(clusters.iter().all(|c| !c.is_empty() && c.trim() == c && !c.contains(',')));
        }
    }
}
