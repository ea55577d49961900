//! Sets of moments, as spans that do not touch each other.

/// Moments (microseconds since 1970-01-01, UTC): spans with their first moment and the first after them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spans(Vec<(i64, i64)>);

impl Spans {
    /// Adds the moments from `from` to before `to`. Cheapest in the order of `from`.
    pub fn add(&mut self, from: i64, to: i64) {
        if from >= to {
            return;
        }
        // Spans that end before it stay as they are; those that it touches become one with it.
        let first = self.0.partition_point(|span| span.1 < from);
        let after = self.0.partition_point(|span| span.0 <= to);
        let merged = self.0[first..after].iter().fold((from, to), |all, span| (all.0.min(span.0), all.1.max(span.1)));
        self.0.splice(first..after, [merged]);
    }

    /// Adds all moments of another set.
    pub fn extend(&mut self, other: &Self) {
        other.0.iter().for_each(|span| self.add(span.0, span.1));
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The spans, in their order.
    #[must_use]
    pub fn spans(&self) -> &[(i64, i64)] {
        &self.0
    }

    /// Whether any of the moments from `from` to before `to` is among them.
    #[must_use]
    pub fn overlaps(&self, from: i64, to: i64) -> bool {
        from < to && self.0.iter().any(|span| span.0 < to && span.1 > from)
    }

    /// Whether all of the moments from `from` to before `to` are among them.
    #[must_use]
    pub fn contains(&self, from: i64, to: i64) -> bool {
        from >= to || self.0.iter().any(|span| span.0 <= from && to <= span.1)
    }

    /// What is missing between two moments.
    #[must_use]
    pub fn holes(&self, from: i64, to: i64) -> Vec<(i64, i64)> {
        let mut holes = Vec::new();
        let mut reached = from;
        for span in self.0.iter().filter(|span| span.1 > from && span.0 < to) {
            if span.0 > reached {
                holes.push((reached, span.0));
            }
            reached = span.1;
        }
        if reached < to {
            holes.push((reached, to));
        }
        holes
    }

    /// Percent of the time between two moments; all of it if there is no time between them.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
    pub fn pct(&self, from: i64, to: i64) -> f64 {
        if from >= to {
            return 100.0;
        }
        let missing: i64 = self.holes(from, to).iter().map(|hole| hole.1 - hole.0).sum();
        100.0 - 100.0 * missing as f64 / (to - from) as f64
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spans_that_touch_are_one() {
        let mut spans = Spans::default();
        for (from, to) in [(10, 20), (30, 40), (20, 25), (5, 5), (50, 60), (24, 31)] {
            spans.add(from, to);
        }
        assert_eq!(spans.spans(), [(10, 40), (50, 60)]);
        assert_eq!(spans.holes(0, 100), [(0, 10), (40, 50), (60, 100)]);
        assert_eq!(spans.holes(12, 39), []);
        assert_eq!(spans.holes(45, 45), []);
        assert!((spans.pct(0, 100) - 40.0).abs() < 1e-9);
        assert!(spans.contains(10, 40) && !spans.contains(10, 41) && spans.overlaps(59, 70) && !spans.overlaps(40, 50));
        assert!((spans.pct(7, 7) - 100.0).abs() < 1e-9);
    }

    proptest! {
        /// The same as looking at every moment.
        #[test]
        fn a_set_of_moments(windows in proptest::collection::vec((0i64..60, 0i64..60), 0..12), from in 0i64..60, to in 0i64..60) {
            let mut spans = Spans::default();
            let mut moments = [false; 60];
            for (a, b) in windows {
                spans.add(a, b);
                (a..b).for_each(|at| moments[usize::try_from(at).unwrap()] = true);
            }
            let is_in = |at: i64| moments[usize::try_from(at).unwrap()];
            prop_assert!(spans.spans().windows(2).all(|pair| pair[0].1 < pair[1].0));
            let missing: Vec<i64> = (from..to).filter(|at| !is_in(*at)).collect();
            let holes: Vec<i64> = spans.holes(from, to).into_iter().flat_map(|hole| hole.0..hole.1).collect();
            prop_assert_eq!(&holes, &missing);
            prop_assert_eq!(spans.contains(from, to), from >= to || missing.is_empty());
            prop_assert_eq!(spans.overlaps(from, to), from < to && missing.len() < usize::try_from(to - from).unwrap());
        }
    }
}
