use std::collections::BTreeSet;

use lookback_schemas::encryption::ALERT_DAYS;
use lookback_schemas::time::{DAY, MINUTE, SECOND};
use proptest::prelude::*;

use super::*;
use crate::message::tests::observation;
use crate::observe::{Asked, Evaluation, Observation, Verdict};
use crate::rules::Rules;

const START: i64 = 20_000 * DAY;
const RESEND: i64 = 5 * MINUTE;

fn rules(more: &str) -> Rules {
    let hook = |name: &str| {
        format!("[destinations.{name}]\ntype = \"webhook\"\nurl = {{ env = \"U\" }}\nsecret = {{ env = \"K\" }}\n")
    };
    let text =
        format!("{}{}[[rule]]\nname = \"r\"\nchecks = [\"LB-*\"]\nto = [\"one\"]\n{more}", hook("one"), hook("two"));
    Rules::parse("t", &text).unwrap()
}

fn answer(name: &str, verdict: Verdict) -> Observation {
    let said = match verdict {
        Verdict::Fail => "FAIL",
        Verdict::Unknown => "UNKNOWN",
        Verdict::Clear => "PASS",
    };
    Observation { verdict, said: said.to_owned(), ..observation(name) }
}

fn evaluation(at: i64, observations: Vec<Observation>) -> Evaluation {
    let asked = Asked { name: "LB-ENC-01".to_owned(), whole: true, ..Asked::default() };
    Evaluation { rule: "r".to_owned(), at, asked: vec![asked], observations }
}

/// A lake, and runs that are all at once what they should be: commits that succeed, messages that arrive.
struct Story {
    rules: Rules,
    rows: Vec<Change>,
    now: i64,
    close_orphans: bool,
    told: Vec<(String, Kind, String)>,
}

impl Story {
    fn new(more: &str) -> Self {
        Self { rules: rules(more), rows: Vec::new(), now: START, close_orphans: false, told: Vec::new() }
    }

    fn plan(&self, evaluations: &[Evaluation]) -> Plan {
        let broken = BTreeSet::new();
        let close_orphans = self.close_orphans;
        let moment =
            Moment { now: self.now, at: self.now, run_id: "run", resend_after: RESEND, close_orphans, broken: &broken };
        plan(&State::of(self.rows.iter().cloned()), &self.rules, evaluations, &moment)
    }

    /// One run an hour later, in which everything arrives.
    fn run(&mut self, evaluations: &[Evaluation]) -> Plan {
        let plan = self.plan(evaluations);
        self.rows.extend(plan.rows.clone());
        for change in plan.to_send() {
            self.told.push((change.destination.clone(), change.kind, change.change_id.clone()));
            self.rows.push(change.next(Status::Sent, self.now + SECOND, "run"));
        }
        self.now += 60 * MINUTE;
        plan
    }

    fn verdict(&mut self, verdict: Verdict) -> Plan {
        self.run(&[evaluation(self.now, vec![answer("a", verdict)])])
    }

    fn kinds(&self) -> Vec<Kind> {
        self.told.iter().map(|(_, kind, _)| *kind).collect()
    }
}

use Verdict::{Clear, Fail, Unknown};

#[test]
fn a_change_is_told_once_and_its_end_once() {
    let mut story = Story::new("");
    for verdict in [Clear, Fail, Fail, Unknown, Fail, Unknown, Clear, Clear, Unknown, Fail, Clear] {
        story.verdict(verdict);
    }
    assert_eq!(story.kinds(), [Kind::Fail, Kind::Over, Kind::Fail, Kind::Over]);
    let ids: BTreeSet<&String> = story.told.iter().map(|(.., id)| id).collect();
    assert_eq!(ids.len(), 4, "each has an id of its own");
}

#[test]
fn unknown_is_told_if_the_rule_says_so_and_is_no_end() {
    let mut story = Story::new("unknown = true");
    for verdict in [Unknown, Unknown, Fail, Unknown, Clear] {
        story.verdict(verdict);
    }
    assert_eq!(story.kinds(), [Kind::Unknown, Kind::Fail, Kind::Unknown, Kind::Over]);
}

#[test]
fn silence_is_an_end_only_if_the_answer_is_whole() {
    let mut story = Story::new("");
    story.verdict(Fail);
    let mut holed = evaluation(story.now, vec![]);
    holed.asked[0].whole = false;
    story.run(&[holed]);
    let mut stale = evaluation(story.now, vec![]);
    stale.asked[0].stale.insert("a".to_owned());
    story.run(&[stale]);
    assert_eq!(story.kinds(), [Kind::Fail]);
    story.run(&[evaluation(story.now, vec![])]);
    assert_eq!(story.kinds(), [Kind::Fail, Kind::Over]);
}

#[test]
fn what_failed_before_the_first_run_is_noted_and_its_end_too() {
    let mut story = Story::new("baseline = true");
    story.verdict(Fail);
    story.verdict(Clear);
    assert_eq!(story.kinds(), []);
    // A new failure is none of the baseline, whether it was there before or not.
    story.verdict(Fail);
    story.run(&[evaluation(story.now, vec![answer("a", Fail), answer("b", Fail)])]);
    assert_eq!(story.kinds(), [Kind::Fail, Kind::Fail]);
}

#[test]
fn a_verdict_that_flaps_is_not_told() {
    let mut story = Story::new("for = \"3 runs\"");
    for verdict in [Fail, Clear, Fail, Fail, Clear, Fail, Fail] {
        story.verdict(verdict);
    }
    assert_eq!(story.kinds(), []);
    story.verdict(Fail);
    for verdict in [Clear, Fail, Clear, Clear] {
        story.verdict(verdict);
    }
    assert_eq!(story.kinds(), [Kind::Fail]);
    story.verdict(Clear);
    assert_eq!(story.kinds(), [Kind::Fail, Kind::Over]);
}

#[test]
fn what_nobody_asks_about_any_more_is_an_orphan_until_it_is_closed() {
    let mut story = Story::new("");
    story.verdict(Fail);
    story.rules.rules[0].name = "other".to_owned();
    let other = |now| Evaluation { rule: "other".to_owned(), ..evaluation(now, vec![]) };
    let plan = story.run(&[other(story.now)]);
    assert_eq!((plan.orphans.len(), plan.rows.len()), (1, 0));
    story.close_orphans = true;
    story.run(&[other(story.now)]);
    assert_eq!(story.kinds(), [Kind::Fail, Kind::Over]);
    assert_eq!(story.run(&[other(story.now)]).orphans, []);
}

#[test]
fn a_check_that_the_rule_leaves_out_is_an_orphan_and_a_destination_that_is_gone_is_told_nothing() {
    let mut story = Story::new("");
    story.verdict(Fail);
    let nothing_asked = Evaluation { asked: vec![], ..evaluation(story.now, vec![]) };
    assert_eq!(story.plan(&[nothing_asked]).orphans.len(), 1);
    story.rules.rules[0].to = vec!["two".to_owned()];
    story.rules.destinations.remove("one");
    story.close_orphans = true;
    let plan = story.run(&[evaluation(story.now, vec![answer("a", Fail)])]);
    assert_eq!(plan.orphans.len(), 1);
    // The new destination is told, the old one cannot be.
    assert_eq!(plan.to_send().map(|change| change.destination.as_str()).collect::<Vec<_>>(), ["two"]);
    assert_eq!(story.plan(&[evaluation(story.now, vec![answer("a", Fail)])]).orphans, []);
}

#[test]
fn what_is_being_sent_is_left_alone_until_its_time_is_up() {
    let mut story = Story::new("");
    let fails = |now| [evaluation(now, vec![answer("a", Fail)])];
    // Committed, and then killed.
    let first = story.plan(&fails(story.now));
    story.rows.extend(first.rows.clone());
    story.now += MINUTE;
    let second = story.plan(&fails(story.now));
    assert_eq!((second.rows.len(), second.held.len()), (0, 1));
    // It is over before it was sent: the end waits for its turn.
    let over = story.plan(&[evaluation(story.now, vec![answer("a", Clear)])]);
    assert_eq!(over.rows.iter().map(|row| (row.kind, row.status)).collect::<Vec<_>>(), [(Kind::Over, Status::Waiting)]);
    story.now = START + RESEND + SECOND;
    let third = story.plan(&fails(story.now));
    let sent: Vec<&Change> = third.to_send().collect();
    assert_eq!((sent.len(), &sent[0].change_id), (1, &first.rows[0].change_id), "under the same id");
    assert_eq!(sent[0].event, first.rows[0].event, "in the same words");
}

#[test]
fn an_answer_about_an_earlier_moment_changes_nothing() {
    let mut story = Story::new("");
    story.now += DAY;
    story.verdict(Fail);
    story.run(&[evaluation(START, vec![answer("a", Clear)])]);
    assert_eq!(story.kinds(), [Kind::Fail]);
}

#[test]
fn a_destination_that_is_down_for_long_is_told_what_is_true_then() {
    let mut story = Story::new("");
    for turn in 0..100 {
        let verdict = if turn % 2 == 0 { Fail } else { Clear };
        let plan = story.plan(&[evaluation(story.now, vec![answer("a", verdict)])]);
        story.rows.extend(plan.rows.clone());
        story.rows.extend(plan.to_send().map(|change| change.next(Status::Waiting, story.now, "run")));
        story.now += 60 * MINUTE;
    }
    let waiting = State::of(story.rows.iter().cloned());
    let thread = waiting.threads().next().unwrap().1;
    assert_eq!(thread.open().count(), MAX_WAITING);
    story.verdict(Fail);
    story.verdict(Fail);
    assert_eq!(story.kinds().len(), MAX_WAITING + 1);
    assert_eq!(story.kinds().last(), Some(&Kind::Fail));
}

#[test]
fn what_stands_is_repeated_before_it_is_forgotten() {
    let mut story = Story::new("baseline = true");
    story.run(&[evaluation(story.now, vec![answer("old", Fail)])]);
    story.run(&[evaluation(story.now, vec![answer("old", Fail), answer("a", Fail)])]);
    for day in 0..200_i64 {
        story.now = START + (day + 1) * DAY;
        let flap = answer("b", if day % 2 == 0 { Fail } else { Clear });
        story.run(&[evaluation(story.now, vec![answer("old", Fail), answer("a", Fail), flap])]);
        // Only what a reader of the lake sees.
        let newest = story.rows.iter().map(|row| row.recorded_at).max().unwrap();
        story.rows.retain(|row| row.recorded_at >= newest - i64::from(ALERT_DAYS) * DAY);
    }
    assert_eq!(story.kinds().len(), 201, "a once, b 200 times, what was there before never");
}

fn verdicts() -> impl Strategy<Value = Vec<Option<Verdict>>> {
    prop::collection::vec(prop_oneof![Just(Some(Fail)), Just(Some(Unknown)), Just(Some(Clear)), Just(None)], 0..20)
}

proptest! {
    #[test]
    fn the_messages_are_the_changes_whatever_the_order_and_the_duplicates(
        runs in prop::collection::vec(verdicts(), 1..4),
        seed in any::<u64>(),
    ) {
        // Several entities, each with a story of its own; `None` is silence of a whole answer.
        let mut story = Story::new("");
        let length = runs.iter().map(Vec::len).max().unwrap_or(0);
        for turn in 0..length {
            let mut answers: Vec<Observation> = runs
                .iter()
                .enumerate()
                .filter_map(|(entity, verdicts)| Some(answer(&format!("e{entity}"), (*verdicts.get(turn)?)?)))
                .collect();
            answers.extend(answers.clone());
            if seed >> (turn % 64) & 1 == 1 {
                answers.reverse();
                story.rows.reverse();
                let twice: Vec<Change> = story.rows.iter().take(5).cloned().collect();
                story.rows.extend(twice);
            }
            story.run(&[evaluation(story.now, answers.clone())]);
            // The same answers again change nothing.
            prop_assert_eq!(story.plan(&[evaluation(story.now, answers)]).rows, vec![]);
        }
        let mut expected: Vec<Kind> = Vec::new();
        for verdicts in &runs {
            let mut open = false;
            for turn in 0..length {
                match verdicts.get(turn).copied().flatten() {
                    Some(Fail) if !open => { open = true; expected.push(Kind::Fail); }
                    Some(Clear) | None if open => { open = false; expected.push(Kind::Over); }
                    _ => {}
                }
            }
        }
        let mut told = story.kinds();
        told.sort();
        expected.sort();
        prop_assert_eq!(told, expected);
        let ids: BTreeSet<&String> = story.told.iter().map(|(.., id)| id).collect();
        prop_assert_eq!(ids.len(), story.told.len());
    }

    #[test]
    fn a_row_survives_the_lake(kind in 0..3_usize, streak in 0..5_i64, error in prop::option::of("[a-z]{1,9}")) {
        let mut story = Story::new("unknown = true");
        story.verdict([Fail, Unknown, Fail][kind]);
        for change in &story.rows {
            let change = Change { streak, error: error.clone(), ..change.clone() };
            let row = crate::ledger::row(&change);
            prop_assert_eq!(row.check(), Ok(()));
            prop_assert_eq!(crate::ledger::read(&row), Some(change));
        }
    }
}
