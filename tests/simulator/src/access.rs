//! Users and what they see.

use std::collections::HashMap;

/// What a user sees of the system logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// A superuser: every row.
    Superuser,
    /// `ALTER USER … SYSLOG ACCESS UNRESTRICTED`: every row.
    Unrestricted,
    /// Granted the role `sys:monitor`: every row, with restricted syslog access.
    SysMonitor,
    /// No privilege: only the user's own rows, and none of tables without a `userid` column. No error says so.
    OwnRows {
        /// The user's id, compared with the column `userid`.
        userid: i64,
    },
    /// Not even SELECT on the system tables: SQLSTATE 42501.
    NoSelect,
}

/// A user of a cluster.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) password: String,
    pub(crate) access: Access,
    pub(crate) id: i32,
}

/// The users of a cluster by name.
#[derive(Debug)]
pub(crate) struct Users {
    by_name: HashMap<String, User>,
    next_id: i32,
}

impl Default for Users {
    fn default() -> Self {
        // Ids of users made by people start at 100; those of generated histories end well below 900.
        let mut users = Self { by_name: HashMap::new(), next_id: 900 };
        users.set("lookback", "lookback", Access::Unrestricted);
        users
    }
}

impl Users {
    /// Creates or replaces a user; a user that exists keeps its id unless its access names one.
    pub(crate) fn set(&mut self, name: &str, password: &str, access: Access) {
        let id = match (access, self.by_name.get(name)) {
            (Access::OwnRows { userid }, _) => i32::try_from(userid).unwrap_or(i32::MAX),
            (_, Some(user)) => user.id,
            (_, None) => {
                self.next_id += 1;
                self.next_id
            }
        };
        self.by_name.insert(name.to_owned(), User { password: password.to_owned(), access, id });
    }

    pub(crate) fn get(&self, name: &str) -> Option<&User> {
        self.by_name.get(name)
    }

    /// Names and users, by id.
    pub(crate) fn sorted(&self) -> Vec<(&str, &User)> {
        let mut all: Vec<_> = self.by_name.iter().map(|(name, user)| (name.as_str(), user)).collect();
        all.sort_by_key(|(_, user)| user.id);
        all
    }
}
