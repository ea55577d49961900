//! The clusters of Parameter Store: the list, read every time, and each cluster's parameters, kept for a while.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tracing::warn;

use super::names::{CONNECTION, Names, PASSWORD, USER, enabled_clusters};
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::window::micros;

/// Most names in one GetParameters (its API reference).
pub(super) const NAMES_PER_CALL: usize = 10;
/// Most pages of one path: 10,000 parameters, which is what an account has without asking for more.
const MAX_PAGES: usize = 1_000;
/// Calls at once when clusters are read one by one.
const AT_ONCE: usize = 4;

/// Values by name. Even a connection text is kept like a password, because people write passwords into URLs.
pub(super) type Values = HashMap<String, SecretString>;

/// Reads parameters. The seam to AWS.
#[async_trait]
pub(super) trait ParameterStore: Send + Sync {
    /// The values of at most [`NAMES_PER_CALL`] names, in one call. Names that do not exist are left out.
    async fn get(&self, names: &[String]) -> Result<Values>;

    /// One page of everything below a path, and the token of the next.
    async fn page(&self, path: &str, token: Option<String>) -> Result<(Values, Option<String>)>;
}

/// What Parameter Store says about one cluster.
#[derive(Debug, Clone, Default)]
pub(super) struct Parameters {
    /// Where it is.
    pub(super) connection: Option<SecretString>,
    /// The database user.
    pub(super) user: Option<String>,
    /// Its password.
    pub(super) password: Option<SecretString>,
}

/// What is about all clusters.
#[derive(Debug, Clone, Default)]
pub(super) struct Global {
    /// Where the blog post's scripts wrote to.
    pub(super) s3_prefix: Option<String>,
    /// The clusters, each once.
    pub(super) clusters: Vec<String>,
}

/// A cluster whose parameters are wanted.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// Its name, which has been checked.
    pub(super) name: String,
    /// Whether its password is needed.
    pub(super) password: bool,
}

/// The clusters of Parameter Store.
pub(super) struct Listed {
    store: Box<dyn ParameterStore>,
    names: Names,
    /// Microseconds that parameters are used for.
    refresh: i64,
    clock: Arc<dyn Clock>,
    /// Parameters and when they were read.
    known: Mutex<HashMap<String, (Parameters, i64)>>,
}

impl Listed {
    /// The clusters below a prefix. Nothing is read yet.
    pub(super) fn new(store: Box<dyn ParameterStore>, names: Names, refresh: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { store, names, refresh: micros(refresh), clock, known: Mutex::default() }
    }

    /// The names of parameters.
    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    /// Reads the list, and forgets the clusters that it no longer has.
    pub(super) async fn global(&self) -> Result<Global> {
        let (list, prefix) = (self.names.enabled(), self.names.s3_prefix());
        let values = if self.names.is_tree() {
            self.below(&self.names.global_path()).await?
        } else {
            self.store.get(&[list.clone(), prefix.clone()]).await?
        };
        let Some(enabled) = values.get(&list) else {
            return Err(Error::new(ErrorKind::Config, format!("[ssm]: the parameter {list} cannot be found")).advise(
                "create it as a StringList of the clusters' names, in the region of [aws], or correct [ssm] prefix",
            ));
        };
        let clusters = enabled_clusters(enabled.expose_secret());
        self.known.lock().await.retain(|name, _| clusters.contains(name));
        let s3_prefix = values.get(&prefix).and_then(text);
        Ok(Global { s3_prefix, clusters })
    }

    /// The parameters of clusters; those that are not known, or not fresh, are read together. One that cannot be read costs
    /// no other.
    pub(super) async fn of_all(&self, wanted: &[Wanted]) -> BTreeMap<String, Result<Parameters>> {
        let now = self.clock.now();
        let fresh = |read: i64| now.abs_diff(read) < self.refresh.unsigned_abs();
        let stale: Vec<Wanted> = {
            let known = self.known.lock().await;
            wanted.iter().filter(|w| !known.get(&w.name).is_some_and(|k| fresh(k.1))).cloned().collect()
        };
        // Not under the lock: a call that takes long must not keep other clusters from what is known about them.
        let mut read = if self.names.is_tree() {
            self.read_tree(&stale, wanted.len()).await
        } else {
            self.read_names(&stale).await
        };
        let mut known = self.known.lock().await;
        let mut all = BTreeMap::new();
        for Wanted { name, .. } in wanted {
            let parameters = match (read.remove(name), known.get(name)) {
                (Some(Ok(parameters)), _) => {
                    known.insert(name.clone(), (parameters.clone(), now));
                    Ok(parameters)
                }
                (Some(Err(e)), Some((earlier, _))) if e.is_transient() => {
                    warn!(cluster = %name, "going on with the parameters that were read before: {e}");
                    Ok(earlier.clone())
                }
                (Some(Err(e)), _) => Err(e),
                (None, known) => Ok(known.map(|k| k.0.clone()).unwrap_or_default()),
            };
            all.insert(name.clone(), parameters);
        }
        all
    }

    /// The parameters of one cluster; `again` reads them even if they are known.
    pub(super) async fn of(&self, wanted: Wanted, again: bool) -> Result<Parameters> {
        let earlier = if again { self.known.lock().await.remove(&wanted.name) } else { None };
        let name = wanted.name.clone();
        let parameters = self.of_all(&[wanted]).await.remove(&name).unwrap_or_else(|| Ok(Parameters::default()));
        if let (Err(_), Some(earlier)) = (&parameters, earlier) {
            // A cluster that could be exported must not be lost to a store that does not answer.
            self.known.lock().await.entry(name).or_insert(earlier);
        }
        parameters
    }

    fn keys(wanted: &Wanted) -> impl Iterator<Item = &'static str> {
        [CONNECTION, USER].into_iter().chain(wanted.password.then_some(PASSWORD))
    }

    fn names_of<'a>(&'a self, wanted: &'a Wanted) -> impl Iterator<Item = String> + 'a {
        Self::keys(wanted).map(|key| self.names.of(&wanted.name, key))
    }

    fn pick(&self, cluster: &str, values: &Values) -> Parameters {
        let value = |key| values.get(&self.names.of(cluster, key));
        Parameters {
            connection: value(CONNECTION).cloned(),
            user: value(USER).and_then(text),
            // A line's end that came with pasting is no part of any password: Redshift's have no blanks (CREATE USER).
            password: value(PASSWORD).and_then(text).map(SecretString::from),
        }
    }

    /// Full calls first. Those that are refused are taken apart, because one parameter that may not be read refuses all.
    async fn read_names(&self, wanted: &[Wanted]) -> HashMap<String, Result<Parameters>> {
        let pairs: Vec<(&Wanted, String)> =
            wanted.iter().flat_map(|w| self.names_of(w).map(move |name| (w, name))).collect();
        let mut values = Values::new();
        let mut results: HashMap<String, Result<Parameters>> = HashMap::new();
        let mut alone: Vec<&Wanted> = Vec::new();
        for chunk in pairs.chunks(NAMES_PER_CALL) {
            let names: Vec<String> = chunk.iter().map(|(_, name)| name.clone()).collect();
            match self.store.get(&names).await {
                Ok(found) => values.extend(found),
                Err(e) => {
                    for (w, _) in chunk {
                        if e.is_transient() {
                            results.insert(w.name.clone(), Err(e.repeated()));
                        } else if !alone.iter().any(|a| a.name == w.name) {
                            alone.push(w);
                        }
                    }
                }
            }
        }
        let alone: Vec<Wanted> = alone.into_iter().cloned().collect();
        let read = futures::stream::iter(alone).map(|w| async move {
            let names: Vec<String> = self.names_of(&w).collect();
            let values = self.store.get(&names).await;
            (w.name.clone(), values.map(|values| self.pick(&w.name, &values)))
        });
        results.extend(read.buffer_unordered(AT_ONCE).collect::<Vec<_>>().await);
        for w in wanted {
            results.entry(w.name.clone()).or_insert_with(|| Ok(self.pick(&w.name, &values)));
        }
        results
    }

    /// The whole tree, if that takes fewer calls than the clusters' own branches: a page has 10 parameters, a cluster 3.
    async fn read_tree(&self, wanted: &[Wanted], listed: usize) -> HashMap<String, Result<Parameters>> {
        if wanted.is_empty() {
            return HashMap::new();
        }
        if wanted.len() * 10 > listed * 3 {
            match self.below(self.names.root()).await {
                Ok(values) => {
                    return wanted.iter().map(|w| (w.name.clone(), Ok(self.pick(&w.name, &values)))).collect();
                }
                Err(e) if e.is_transient() => {
                    return wanted.iter().map(|w| (w.name.clone(), Err(e.repeated()))).collect();
                }
                // One parameter that may not be read refuses the page that it is on.
                Err(e) => warn!("reading {} cluster by cluster: {e}", self.names.root()),
            }
        }
        let read = futures::stream::iter(wanted.to_vec()).map(|w| async move {
            let values = self.below(&self.names.path(&w.name)).await;
            (w.name.clone(), values.map(|values| self.pick(&w.name, &values)))
        });
        read.buffer_unordered(AT_ONCE).collect().await
    }

    /// Everything below a path.
    async fn below(&self, path: &str) -> Result<Values> {
        let (mut values, mut token) = (Values::new(), None);
        for _ in 0..MAX_PAGES {
            let (page, next) = self.store.page(path, token).await?;
            values.extend(page);
            if next.is_none() {
                return Ok(values);
            }
            token = next;
        }
        Err(Error::new(ErrorKind::Config, format!("[ssm]: more than {MAX_PAGES} pages of parameters below {path}"))
            .advise("give a prefix of its own to the clusters"))
    }
}

fn text(value: &SecretString) -> Option<String> {
    Some(value.expose_secret().trim().to_owned()).filter(|t| !t.is_empty())
}

#[cfg(test)]
mod tests;
