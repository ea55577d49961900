use std::sync::Mutex as Plain;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use lookback_schemas::time::{DAY, HOUR, SECOND};

use super::*;
use crate::ledger::tests::List;
use crate::message::tests::observation;
use crate::message::{Event, Kind};
use crate::observe::{Asked, Observation, Verdict};

const START: i64 = 20_000 * DAY;

/// Time that passes when somebody waits.
#[derive(Default)]
struct Clock {
    now: AtomicI64,
    waits: Plain<Vec<Duration>>,
}

#[async_trait]
impl Pace for Clock {
    fn now(&self) -> i64 {
        START + self.now.load(Ordering::SeqCst)
    }

    async fn sleep(&self, duration: Duration) {
        self.now.fetch_add(micros(duration), Ordering::SeqCst);
        self.waits.lock().unwrap().push(duration);
    }
}

/// What a destination is told, and how it fails: one answer for each attempt, then it takes everything.
#[derive(Clone, Default)]
struct Inbox(std::sync::Arc<Plain<Received>>);

/// Errors to answer with, what came, and how often it was tried.
type Received = (Vec<DeliveryError>, Vec<(String, Kind)>, u32);

impl Inbox {
    fn failing(errors: Vec<DeliveryError>) -> Self {
        Self(std::sync::Arc::new(Plain::new((errors, Vec::new(), 0))))
    }

    fn told(&self) -> Vec<(String, Kind)> {
        self.0.lock().unwrap().1.clone()
    }

    fn attempts(&self) -> u32 {
        self.0.lock().unwrap().2
    }
}

#[async_trait]
impl Deliver for Inbox {
    async fn send(&self, events: &[&Event], _now: i64) -> Vec<Result<(), DeliveryError>> {
        let mut inbox = self.0.lock().unwrap();
        let mut results = Vec::new();
        for event in events {
            inbox.2 += 1;
            results.push(if inbox.0.is_empty() { Ok(()) } else { Err(inbox.0.remove(0)) });
            if results.last().is_some_and(Result::is_ok) {
                inbox.1.push((event.id.clone(), event.change));
            }
        }
        results
    }
}

struct World {
    list: List,
    clock: Clock,
    rules: Rules,
    runs: std::cell::Cell<u32>,
}

impl World {
    fn new() -> Self {
        let hook = |name: &str| {
            format!("[destinations.{name}]\ntype = \"webhook\"\nurl = {{ env = \"U\" }}\nsecret = {{ env = \"K\" }}\n")
        };
        let rule = "[[rule]]\nname = \"r\"\nchecks = [\"*\"]\nto = [\"one\", \"two\"]\n";
        let rules = Rules::parse("t", &format!("{}{}{rule}", hook("one"), hook("two"))).unwrap();
        Self { list: List::default(), clock: Clock::default(), rules, runs: 0.into() }
    }

    fn answers(&self, names: &[&str]) -> Vec<Evaluation> {
        let asked = Asked { name: "LB-ENC-01".to_owned(), whole: true, ..Asked::default() };
        let observations =
            names.iter().map(|name| Observation { verdict: Verdict::Fail, ..observation(name) }).collect();
        vec![Evaluation { rule: "r".to_owned(), at: self.clock.now(), asked: vec![asked], observations }]
    }

    fn alerter(&self, one: &Inbox, two: &Inbox) -> Alerter<'_> {
        self.runs.set(self.runs.get() + 1);
        let boxed = |inbox: &Inbox| Ok(Box::new(inbox.clone()) as Box<dyn Deliver>);
        Alerter {
            ledger: &self.list,
            rules: &self.rules,
            destinations: [("one".to_owned(), boxed(one)), ("two".to_owned(), boxed(two))].into(),
            pace: &self.clock,
            run_id: format!("run-{}", self.runs.get()),
            close_orphans: false,
        }
    }

    /// A run an hour later.
    async fn run(&self, names: &[&str], one: &Inbox, two: &Inbox) -> Report {
        self.clock.now.fetch_add(HOUR, Ordering::SeqCst);
        let answers = self.answers(names);
        self.alerter(one, two).run(&answers, self.clock.now()).await.unwrap()
    }

    fn statuses(&self) -> Vec<(String, Status)> {
        self.list.changes().iter().map(|change| (change.destination.clone(), change.status)).collect()
    }
}

#[tokio::test]
async fn a_change_is_committed_before_and_after_it_is_sent() {
    let (world, one, two) = (World::new(), Inbox::default(), Inbox::default());
    let report = world.run(&["a"], &one, &two).await;
    assert!(!report.failed() && report.changes.len() == 2);
    assert_eq!(
        world.statuses().iter().map(|(_, status)| *status).collect::<Vec<_>>(),
        [Status::Pending, Status::Pending, Status::Sent, Status::Sent]
    );
    assert!(world.run(&["a"], &one, &two).await.changes.is_empty());
    world.run(&[], &one, &two).await;
    assert_eq!(one.told().iter().map(|(_, kind)| *kind).collect::<Vec<_>>(), [Kind::Fail, Kind::Over]);
    assert_ne!(one.told()[0].0, two.told()[0].0, "each destination knows it by another id");
}

#[tokio::test]
async fn a_failure_that_passes_is_tried_three_times_and_one_that_stays_once() {
    let (world, two) = (World::new(), Inbox::default());
    let passing = || DeliveryError::passing("500");
    let one = Inbox::failing(vec![passing(), passing()]);
    assert!(!world.run(&["a"], &one, &two).await.failed());
    assert_eq!(*world.clock.waits.lock().unwrap(), [Duration::from_secs(1), Duration::from_secs(2)]);

    // Down: the first change is tried three times, the others are not; the other destination is told at once.
    let one = Inbox::failing(vec![passing(); 4]);
    let report = world.run(&["a", "b", "c"], &one, &two).await;
    assert!(report.failed());
    assert_eq!((one.attempts(), one.told().len(), two.told().len()), (3, 0, 3));
    let report = world.run(&["a", "b", "c"], &one, &two).await;
    assert!(!report.failed());
    assert_eq!((one.told().len(), two.told().len()), (2, 3));
    let waiting: Vec<_> = world.list.changes().into_iter().filter(|change| change.status == Status::Waiting).collect();
    assert_eq!((waiting.len(), waiting[0].error.as_deref()), (2, Some("500")));
    let ids: Vec<String> = one.told().into_iter().map(|(id, _)| id).collect();
    assert!(waiting.iter().all(|change| ids.contains(&change.change_id)), "sent again under the same id");

    // Refused for good: nothing is waited for, and what is behind it is sent.
    let one = Inbox::failing(vec![DeliveryError::refused("400")]);
    let report = world.run(&["a", "b", "c", "d", "e"], &one, &two).await;
    assert!(report.failed());
    assert_eq!((one.attempts(), one.told().len()), (2, 1));
}

#[tokio::test]
async fn a_run_that_is_killed_after_its_commit_is_finished_by_a_later_one() {
    let (world, one, two) = (World::new(), Inbox::default(), Inbox::default());
    let answers = world.answers(&["a"]);
    let killed = world.alerter(&one, &two);
    let plan = killed.plan(&State::default(), &answers, world.clock.now(), &BTreeSet::new());
    commit(&world.list, &Mutex::new(()), |_| (plan.rows.clone(), ())).await.unwrap();
    // Within its time, another run leaves the change alone.
    world.clock.now.fetch_add(SECOND, Ordering::SeqCst);
    let report = world.alerter(&one, &two).run(&answers, world.clock.now()).await.unwrap();
    assert_eq!((report.failed(), one.attempts()), (false, 0));
    assert!(report.changes.iter().all(|(_, outcome)| *outcome == Outcome::Held));
    world.run(&["a"], &one, &two).await;
    let ids: Vec<&str> = plan.rows.iter().map(|change| change.change_id.as_str()).collect();
    assert_eq!([one.told()[0].0.as_str(), two.told()[0].0.as_str()], [ids[0], ids[1]]);
    assert!(world.run(&["a"], &one, &two).await.changes.is_empty());
}

#[tokio::test]
async fn what_was_sent_and_not_stored_is_sent_again_under_the_same_id() {
    let (world, one, two) = (World::new(), Inbox::default(), Inbox::default());
    world.clock.now.fetch_add(HOUR, Ordering::SeqCst);
    let answers = world.answers(&["a"]);
    let alerter = world.alerter(&one, &two);
    // The first append is the plan; the lake is away for those that follow.
    struct Away<'a>(&'a List);
    #[async_trait]
    impl Ledger for Away<'_> {
        async fn read(&self) -> Result<crate::ledger::Page, AlertError> {
            self.0.read().await
        }
        async fn append(&self, rows: &[lookback_schemas::encryption::Row], based_on: u64) -> Result<bool, AlertError> {
            let appended = self.0.append(rows, based_on).await;
            *self.0.broken.lock().unwrap() = 2;
            appended
        }
    }
    let away = Away(&world.list);
    let report = Alerter { ledger: &away, ..alerter }.run(&answers, world.clock.now()).await.unwrap();
    assert!(report.failed() && report.problems[0].contains("could not be stored"), "{report:?}");
    *world.list.broken.lock().unwrap() = 0;
    world.run(&["a"], &one, &two).await;
    let told = one.told();
    assert_eq!((told.len(), &told[0].0), (2, &told[1].0));
    assert!(!world.run(&["a"], &one, &two).await.failed());
}

#[tokio::test]
async fn two_runs_at_once_tell_once() {
    let (world, one, two) = (World::new(), Inbox::default(), Inbox::default());
    world.clock.now.fetch_add(HOUR, Ordering::SeqCst);
    let answers = world.answers(&["a", "b"]);
    let at = world.clock.now();
    let (first, second) = (world.alerter(&one, &two), world.alerter(&one, &two));
    let (first, second) = tokio::join!(first.run(&answers, at), second.run(&answers, at));
    assert!(!first.unwrap().failed() && !second.unwrap().failed());
    assert_eq!((one.told().len(), two.told().len()), (2, 2));
}

#[tokio::test]
async fn a_destination_that_may_not_be_told_is_a_problem_and_keeps_its_changes() {
    struct Closed;
    #[async_trait]
    impl Deliver for Closed {
        async fn check(&self) -> Result<(), DeliveryError> {
            Err(DeliveryError::lasting("not encrypted"))
        }
        async fn send(&self, events: &[&Event], _now: i64) -> Vec<Result<(), DeliveryError>> {
            events.iter().map(|_| Ok(())).collect()
        }
    }
    let (world, one, two) = (World::new(), Inbox::default(), Inbox::default());
    let answers = world.answers(&["a"]);
    for _ in 0..3 {
        world.clock.now.fetch_add(HOUR, Ordering::SeqCst);
        let mut alerter = world.alerter(&one, &two);
        alerter.destinations.insert("two".to_owned(), Ok(Box::new(Closed)));
        let report = alerter.run(&answers, world.clock.now()).await.unwrap();
        assert!(report.failed() && report.problems == ["destination 'two': not encrypted"], "{report:?}");
    }
    assert_eq!(world.list.changes().len(), 3, "one, sent, and two once");
    assert!(!world.run(&["a"], &one, &two).await.failed());
    assert_eq!((one.told().len(), two.told().len()), (1, 1));
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let (world, one, two) = (World::new(), Inbox::default(), Inbox::default());
    let answers = world.answers(&["a"]);
    let report = world.alerter(&one, &two).dry_run(&answers, world.clock.now()).await.unwrap();
    assert!(report.changes.iter().all(|(_, outcome)| *outcome == Outcome::WouldSend) && report.changes.len() == 2);
    assert_eq!((world.list.changes().len(), one.attempts()), (0, 0));
}
