//! Each check at each date against the answer sheet.

use std::collections::BTreeMap;

use lookback_query::audit::list;

use crate::story::{Question, ask, cites, lake, sheet, tables};

async fn answers(date: &str) {
    let questions: Vec<Question> = sheet("answers.json");
    let questions: Vec<Question> = questions.into_iter().filter(|question| question.date == date).collect();
    assert_eq!(questions.len(), list().len(), "every check is in the sheet");
    let session = lake(&tables()).await;
    let session = session.session().await;
    let mut wrong = Vec::new();
    let mut groups: BTreeMap<_, Vec<&Question>> = BTreeMap::new();
    for question in &questions {
        groups.entry(&question.params).or_default().push(question);
    }
    for (params, group) in groups {
        let times = [&group[0].as_of, &group[0].from, &group[0].to].map(String::as_str);
        let checks: Vec<&str> = group.iter().map(|question| question.check.as_str()).collect();
        let audit = ask(&session, times, &checks, params).await;
        for (question, judged) in group.iter().zip(&audit.checks) {
            let mut found: BTreeMap<&str, _> = BTreeMap::new();
            for finding in &judged.findings {
                let before = found.insert(finding.entity.as_str(), finding);
                assert!(before.is_none(), "{}: {} is there twice", question.check, finding.entity);
            }
            for expected in &question.entities {
                let place = format!("{} {} {}", question.check, expected.name, expected.entity);
                match found.remove(expected.entity.as_str()) {
                    None => wrong.push(format!("{place}: {} is expected, and there is nothing", expected.verdict)),
                    Some(finding) if finding.verdict.name() != expected.verdict => wrong.push(format!(
                        "{place}: {} is expected, not {}: {}",
                        expected.verdict, finding.verdict, finding.reason
                    )),
                    Some(finding) => {
                        assert!(!finding.reason.is_empty(), "{place}: no reason");
                        let uncited = expected.evidence.iter().filter(|wanted| !cites(finding, wanted));
                        wrong.extend(uncited.map(|wanted| format!("{place}: {wanted} is not among the evidence")));
                    }
                }
            }
            let more = found.values().map(|finding| (finding.verdict, &finding.entity, &finding.reason));
            wrong.extend(more.map(|more| format!("{}: more than is expected: {more:?}", question.check)));
        }
    }
    assert!(wrong.is_empty(), "at date {date}:\n{}", wrong.join("\n"));
}

macro_rules! dates {
    ($($test:ident: $date:literal),* $(,)?) => {
        $(#[tokio::test]
        async fn $test() {
            answers($date).await;
        })*

        #[test]
        fn every_date_is_asked() {
            let asked = [$($date),*];
            let questions: Vec<Question> = sheet("answers.json");
            assert!(questions.iter().all(|question| asked.contains(&question.date.as_str())));
            assert!(asked.len() >= 10);
        }
    };
}

dates! {
    november: "1", december: "2", january: "3", february: "4", a_morning_in_march: "5", march: "6", april: "7", may: "8",
    a_morning_in_june: "9", june: "a", the_second_of_july: "b", july: "c", august: "d", september: "e", october: "f",
}
