#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::HashSet;
use std::sync::Mutex as StdMutex;

use lookback_schemas::time::{HOUR, MINUTE};

use super::*;
use crate::clock::ManualClock;

/// Parameter Store, with a record of what was asked.
#[derive(Default)]
struct Fake {
    values: HashMap<String, String>,
    /// Names whose reading refuses the whole call.
    forbidden: HashSet<String>,
    throttled: bool,
    calls: Vec<Vec<String>>,
}

#[derive(Clone, Default)]
struct Store(Arc<StdMutex<Fake>>);

impl Store {
    fn set(&self, name: &str, value: &str) {
        self.0.lock().unwrap().values.insert(name.to_owned(), value.to_owned());
    }

    fn cluster(&self, names: &Names, cluster: &str) {
        self.set(&names.of(cluster, CONNECTION), "h:5439/dev");
        self.set(&names.of(cluster, USER), "u");
        self.set(&names.of(cluster, PASSWORD), &format!("secret of {cluster}"));
    }

    fn calls(&self) -> Vec<Vec<String>> {
        std::mem::take(&mut self.0.lock().unwrap().calls)
    }
}

fn answer(fake: &Fake, names: &[String]) -> Result<Values> {
    if fake.throttled {
        return Err(Error::new(ErrorKind::Aws, "throttled").transient());
    }
    if names.iter().any(|n| fake.forbidden.contains(n)) {
        return Err(Error::new(ErrorKind::Aws, "refused"));
    }
    let pair = |n: &String| Some((n.clone(), SecretString::from(fake.values.get(n)?.clone())));
    Ok(names.iter().filter_map(pair).collect())
}

#[async_trait]
impl ParameterStore for Store {
    async fn get(&self, names: &[String]) -> Result<Values> {
        let mut fake = self.0.lock().unwrap();
        assert!(!names.is_empty() && names.len() <= NAMES_PER_CALL, "{names:?}");
        fake.calls.push(names.to_vec());
        answer(&fake, names)
    }

    async fn page(&self, path: &str, token: Option<String>) -> Result<(Values, Option<String>)> {
        let mut fake = self.0.lock().unwrap();
        let from: usize = token.as_deref().map_or(0, |t| t.parse().unwrap());
        fake.calls.push(vec![path.to_owned()]);
        let mut names: Vec<String> =
            fake.values.keys().filter(|n| n.starts_with(&format!("{path}/"))).cloned().collect();
        names.sort();
        let to = names.len().min(from + 10);
        let values = answer(&fake, &names[from..to])?;
        Ok((values, (to < names.len()).then(|| to.to_string())))
    }
}

struct World {
    store: Store,
    names: Names,
    clock: Arc<ManualClock>,
    listed: Listed,
}

fn world(prefix: &str, clusters: &[&str]) -> World {
    let (store, names) = (Store::default(), Names::below(prefix).unwrap());
    store.set(&names.enabled(), &clusters.join(","));
    for cluster in clusters {
        store.cluster(&names, cluster);
    }
    let clock = Arc::new(ManualClock::new(HOUR));
    let listed = Listed::new(
        Box::new(store.clone()),
        names.clone(),
        Duration::from_secs(60 * 60),
        Arc::clone(&clock) as Arc<dyn Clock>,
    );
    World { store, names, clock, listed }
}

fn wanted(clusters: &[&str]) -> Vec<Wanted> {
    clusters.iter().map(|c| Wanted { name: (*c).to_owned(), password: true }).collect()
}

fn passwords(all: BTreeMap<String, Result<Parameters>>) -> Vec<(String, Option<String>)> {
    let password = |r: Result<Parameters>| Some(r.ok()?.password?.expose_secret().to_owned());
    all.into_iter().map(|(name, r)| (name, password(r))).collect()
}

const PREFIXES: [&str; 2] = ["p", "/p"];

#[tokio::test]
async fn many_clusters_are_read_in_full_calls() {
    let clusters = ["a", "b", "c.d", "e", "f", "g", "h", "i"];
    for (prefix, calls) in [("p", 3), ("/p", 3)] {
        let w = world(prefix, &clusters);
        assert_eq!(w.listed.global().await.unwrap().clusters, clusters);
        assert_eq!(w.store.calls().len(), 1);
        let all = passwords(w.listed.of_all(&wanted(&clusters)).await);
        assert_eq!(all.len(), 8);
        assert!(all.iter().all(|(name, p)| p.as_deref() == Some(&format!("secret of {name}"))), "{all:?}");
        assert_eq!(w.store.calls().len(), calls, "{prefix}");
    }
}

#[tokio::test]
async fn parameters_are_read_again_when_they_are_no_longer_fresh() {
    for prefix in PREFIXES {
        let w = world(prefix, &["a", "b"]);
        w.listed.of_all(&wanted(&["a", "b"])).await;
        w.store.calls();
        w.store.set(&w.names.of("a", PASSWORD), "new");
        w.clock.set(HOUR + 59 * MINUTE);
        let all = passwords(w.listed.of_all(&wanted(&["a", "b"])).await);
        assert_eq!(all[0].1.as_deref(), Some("secret of a"));
        assert!(w.store.calls().is_empty());
        w.clock.set(HOUR + 60 * MINUTE);
        let all = passwords(w.listed.of_all(&wanted(&["a", "b"])).await);
        assert_eq!(all[0].1.as_deref(), Some("new"));
        assert_eq!(w.store.calls().len(), 1);
    }
}

#[tokio::test]
async fn a_refused_log_in_reads_one_cluster_again() {
    for prefix in PREFIXES {
        let w = world(prefix, &["a", "b"]);
        w.listed.of_all(&wanted(&["a", "b"])).await;
        w.store.calls();
        w.store.set(&w.names.of("a", PASSWORD), "new");
        let again = w.listed.of(wanted(&["a"]).remove(0), true).await.unwrap();
        assert_eq!(again.password.unwrap().expose_secret(), "new");
        assert_eq!(w.store.calls().len(), 1);
        let kept = w.listed.of(wanted(&["a"]).remove(0), false).await.unwrap();
        assert_eq!(kept.password.unwrap().expose_secret(), "new");
        assert!(w.store.calls().is_empty());
    }
}

#[tokio::test]
async fn a_cluster_that_left_the_list_is_forgotten() {
    let w = world("p", &["a", "b"]);
    w.listed.of_all(&wanted(&["a", "b"])).await;
    w.store.set(&w.names.enabled(), "b");
    assert_eq!(w.listed.global().await.unwrap().clusters, ["b"]);
    assert_eq!(w.listed.known.lock().await.keys().collect::<Vec<_>>(), ["b"]);
}

#[tokio::test]
async fn one_parameter_that_may_not_be_read_costs_its_cluster_only() {
    for prefix in PREFIXES {
        let clusters = ["a", "b", "c", "d", "e"];
        let w = world(prefix, &clusters);
        w.store.0.lock().unwrap().forbidden.insert(w.names.of("b", PASSWORD));
        let all = passwords(w.listed.of_all(&wanted(&clusters)).await);
        let failed: Vec<&str> = all.iter().filter(|(_, p)| p.is_none()).map(|(n, _)| n.as_str()).collect();
        assert_eq!(failed, ["b"], "{prefix}");
        assert!(w.store.calls().len() <= 1 + clusters.len());
    }
}

#[tokio::test]
async fn a_store_that_is_busy_leaves_what_is_known() {
    for prefix in PREFIXES {
        let w = world(prefix, &["a", "b"]);
        w.listed.of_all(&wanted(&["a"])).await;
        w.clock.set(3 * HOUR);
        w.store.0.lock().unwrap().throttled = true;
        let all = w.listed.of_all(&wanted(&["a", "b"])).await;
        assert!(all["a"].is_ok(), "{prefix}");
        assert!(all["b"].as_ref().is_err_and(Error::is_transient), "{prefix}");
        assert!(w.listed.of(wanted(&["a"]).remove(0), true).await.is_err());
        assert!(w.listed.of(wanted(&["a"]).remove(0), false).await.is_ok());
    }
}

#[tokio::test]
async fn a_password_that_is_not_needed_is_not_read() {
    let w = world("p", &["a"]);
    let parameters = w.listed.of(Wanted { name: "a".to_owned(), password: false }, false).await.unwrap();
    assert!(parameters.password.is_none() && parameters.user.is_some());
    assert!(!w.store.calls().concat().iter().any(|n| n.ends_with("password")));
}

#[tokio::test]
async fn a_list_that_is_missing_is_named() {
    for (prefix, name) in [("p", "p.global.enabled_cluster_list"), ("/p", "/p/global/enabled_cluster_list")] {
        let w = world(prefix, &[]);
        w.store.0.lock().unwrap().values.clear();
        let error = w.listed.global().await.unwrap_err();
        assert!(error.kind() == ErrorKind::Config && error.to_string().contains(name), "{error}");
    }
}

#[tokio::test]
async fn what_was_pasted_with_blanks_is_trimmed() {
    let w = world("p", &["a"]);
    w.store.set("p.a.user", " u\n");
    w.store.set("p.a.password", "pw\r\n");
    let parameters = w.listed.of(wanted(&["a"]).remove(0), false).await.unwrap();
    assert_eq!((parameters.user.as_deref(), parameters.password.unwrap().expose_secret()), (Some("u"), "pw"));
}
