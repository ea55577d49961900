//! What a judgment is about, and which resources it rests on.

use std::collections::{BTreeMap, BTreeSet};

use crate::audit::rows::rows_of;
use crate::error::QueryError;
use crate::session::Session;

/// What a judgment is about. What is empty is not known: then all that there is counts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Subject<'a> {
    /// The account.
    pub account_id: &'a str,
    /// The region.
    pub region: &'a str,
    /// The kind of entity: `cluster`, `namespace`, `snapshot`, `kms_key` ...
    pub entity_type: &'a str,
    /// The entity, by ARN.
    pub entity: &'a str,
    /// Its name, as logs are called by.
    pub name: &'a str,
}

/// The resources that each entity of the record rests on: itself, and the keys that it was ever seen to refer to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References(BTreeMap<String, BTreeSet<String>>);

/// Every state that an entity was ever in, with the resources that it names.
const SQL: &str = "\
    SELECT DISTINCT cluster_namespace_arn AS entity, cluster_arn AS own, kms_key_arn AS key, \
           snapshot_copy_grant_kms_key_arn AS copy_key, master_secret_kms_key_arn AS secret_key \
    FROM cluster_encryption_state \
    UNION ALL \
    SELECT DISTINCT snapshot_arn, CAST(NULL AS VARCHAR), kms_key_arn, CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR) \
    FROM snapshot_encryption_state \
    UNION ALL \
    SELECT DISTINCT kms_key_arn, CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR) \
    FROM kms_key_state";

impl References {
    /// Reads them from the record.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub(super) async fn read(session: &Session) -> Result<Self, QueryError> {
        let mut all = Self::default();
        for row in rows_of(session, SQL).await? {
            let named = ["own", "key", "copy_key", "secret_key"].map(|column| row.text(column));
            all.add(&row.text("entity"), named);
        }
        Ok(all)
    }

    /// Adds resources that an entity rests on, besides itself.
    pub(super) fn add(&mut self, entity: &str, resources: impl IntoIterator<Item = String>) {
        if !entity.is_empty() {
            let own = self.0.entry(entity.to_owned()).or_insert_with(|| BTreeSet::from([entity.to_owned()]));
            own.extend(resources.into_iter().filter(|resource| !resource.is_empty()));
        }
    }

    /// The resources that an entity rests on; `None` if that is not known.
    #[must_use]
    pub fn of(&self, entity: &str) -> Option<&BTreeSet<String>> {
        self.0.get(entity)
    }
}
