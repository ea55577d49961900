//! CloudTrail, name by name.
//!
//! A lookup takes one attribute, so each name is a lookup of its own, newest first, in the same window. If that window has more
//! pages than a run can read, its older half is read first: what is read completely is covered, whatever comes after. Names that
//! were read to their end over the longer window are not read again.

use serde_json::Value;

use super::events::{Read, parse};
use crate::record::calls::Calls;
use crate::record::plane::{Answer, CallError, ControlPlane, Refusal};
use crate::record::rows::trail::lenient_time;
use crate::record::windows::{TRAIL, plan};
use crate::source::Window;
use lookback_schemas::encryption::lookup_names;
use lookback_schemas::time::HOUR;

const CALL: &str = "cloudtrail:LookupEvents";
/// Pages of a window from which on an older part of it is read first: half a minute at one and a half a second.
const PAGES: usize = 45;
/// A window that is not cut any more.
const SHORTEST: i64 = HOUR;
/// How often a name is begun anew because its page token was good no more.
const RESTARTS: u32 = 3;

/// What CloudTrail has recorded since the last read.
pub(crate) async fn lookup(plane: &dyn ControlPlane, covered: Option<i64>, calls: &Calls) -> Read<Value> {
    let plan = plan(TRAIL, covered, calls.now());
    let mut read = Read { gap: plan.gap, oldest: Some(plan.oldest), ..Read::default() };
    let (mut from, mut unreadable) = (plan.window.from, 0_u64);
    // What each name was read to, to its end.
    let mut complete: Vec<(&'static str, i64)> = lookup_names().into_iter().map(|name| (name, i64::MIN)).collect();
    let mut longest = i64::MAX;
    'slices: while from < plan.window.to {
        // After one that had to be cut, the next is at most twice as long.
        let mut to = plan.window.to.min(from.saturating_add(longest));
        let mut pages = 0;
        for (name, until) in &mut complete {
            if *until >= to {
                continue;
            }
            loop {
                let window = Window { from, to };
                let may_cut = to - from > SHORTEST;
                let budget = if may_cut { PAGES.saturating_sub(pages).max(1) } else { usize::MAX };
                match one(plane, name, window, budget, calls, &mut read.items, &mut unreadable).await {
                    Ok(Reached::End(used)) => {
                        pages += used;
                        *until = to;
                        break;
                    }
                    // Too many: the older half, for this name and those that follow; less, if that would be too many again.
                    Ok(Reached::Only(oldest)) => {
                        let half = (to - from) / 2;
                        let dense = oldest.map_or(half, |oldest| (to - oldest) / 2);
                        to = from + half.min(dense).max(SHORTEST / 2);
                        pages = 0;
                    }
                    Err(e) => {
                        read.failure = Some(e);
                        break 'slices;
                    }
                }
            }
        }
        if to < plan.window.to {
            longest = (to - from).saturating_mul(2);
        }
        read.window = Some(Window { from: plan.window.from, to });
        read.covered_until = Some(to.min(plan.covered_until).max(covered.unwrap_or(i64::MIN)));
        from = to;
    }
    if let Some(error) = read.failure.take_if(|_| read.window.is_some()) {
        // What was read before is covered.
        read.problems.push(error.to_string());
    }
    if unreadable > 0 {
        read.problems.push(format!("{unreadable} records could not be read"));
    }
    read.tally = calls.tally();
    read
}

/// How far a name was read.
enum Reached {
    /// To its end, in so many pages.
    End(usize),
    /// The pages that there were for it are used up; the time of the oldest record that was seen.
    Only(Option<i64>),
}

/// One name, in at most `budget` pages.
async fn one(
    plane: &dyn ControlPlane,
    name: &str,
    window: Window,
    budget: usize,
    calls: &Calls,
    records: &mut Vec<Value>,
    unreadable: &mut u64,
) -> Answer<Reached> {
    let mut restarts = 0;
    'anew: loop {
        let (mut token, mut pages, mut oldest): (Option<String>, usize, Option<i64>) = (None, 0, None);
        loop {
            if pages >= budget {
                return Ok(Reached::Only(oldest));
            }
            let ask = || plane.lookup(name, window.from, window.to, token.clone());
            let page = match calls.lookup(CALL, ask).await {
                Err(e) if e.refusal == Refusal::ExpiredToken && restarts < RESTARTS => {
                    restarts += 1;
                    continue 'anew;
                }
                other => other?,
            };
            pages += 1;
            for text in page.items {
                match parse(&text) {
                    Some(record) => {
                        let at = record.get("eventTime").and_then(lenient_time);
                        oldest = oldest.into_iter().chain(at).min();
                        records.push(record);
                    }
                    None => *unreadable += 1,
                }
            }
            if page.next.is_none() {
                return Ok(Reached::End(pages));
            }
            if page.next == token {
                return Err(CallError::new(Refusal::Other, CALL, "the same page again", name));
            }
            token = page.next;
        }
    }
}
