//! Words for the tables of what was read and concluded.

use super::Meaning;

const RUNS: &[Meaning] = &[
    ("run_id", "id of this row; rows of other tables name it as their collection"),
    (
        "collector",
        "clusters, serverless, snapshots, keys, rotations, redshift_events, cloudtrail, trail_files or config_history",
    ),
    ("started_at", "when it began, UTC"),
    ("finished_at", "when it ended, UTC"),
    (
        "status",
        "ok, partial (something was refused or did not fit), failed, or gap (forgotten by AWS before it was read)",
    ),
    ("window_from", "from when on everything was read or seen, UTC; of a gap, what is lost"),
    ("window_to", "up to when, UTC"),
    ("watermark", "coverage afterwards, RFC 3339"),
    ("oldest_available", "how far back the source could still be asked, UTC"),
    ("calls", "calls to AWS, each attempt"),
    ("throttles", "calls that AWS turned away because there were too many"),
    ("rows", "rows that it added"),
    (
        "access_errors",
        "calls that were refused: JSON list of call, code, missing permission and, if it is about one, resource",
    ),
    ("error", "what went wrong"),
];

const RESULTS: &[Meaning] = &[
    ("evaluated_at", "when the audit was made, UTC"),
    ("run_id", "one id for all rows of an audit"),
    ("check_id", "the check: LB-ENC-01 ..."),
    ("check_version", "version of the check"),
    ("entity_type", "what was judged: cluster, namespace, snapshot, kms_key ..."),
    ("entity", "what was judged, by ARN"),
    ("entity_name", "what was judged, by name"),
    ("verdict", "PASS, FAIL, UNKNOWN or NOT_APPLICABLE"),
    ("severity", "how bad a FAIL is: info, low, medium, high or critical"),
    ("reason", "why, in a sentence"),
    ("since", "since when it is so, UTC"),
    ("window_from", "time that the verdict is about: from, UTC"),
    ("window_to", "time that the verdict is about: to, UTC"),
    ("evaluated_for_to", "the moment that the audit was asked for, UTC"),
    ("coverage_pct", "percent of the window that was read completely"),
    ("evidence", "the rows that prove it: JSON list of table and natural key"),
    ("params_json", "parameters of the check, as a JSON object"),
];

const ALERTS: &[Meaning] = &[
    ("recorded_at", "when this step was written, UTC"),
    ("alert_id", "the same for every change of one rule, question and entity"),
    ("destination", "who is told: its name in the rules"),
    ("number", "counts the changes of an alert for a destination"),
    ("step", "counts the rows of a change: the last one is how far it is"),
    ("change_id", "what the receiver knows the change by"),
    ("change", "what changed"),
    (
        "status",
        "watched (not so for enough runs), waiting, pending (being sent by run_id), silent (told to nobody) or sent",
    ),
    ("rule", "the rule that it comes from"),
    ("source", "kind of question: a check or a diagnostic"),
    ("source_name", "the check or diagnostic"),
    ("source_title", "its title"),
    ("severity", "how bad it is"),
    ("entity_type", "kind of entity: cluster, kms_key ..."),
    ("entity", "what it is about, by ARN or name"),
    ("entity_name", "what it is about, by name"),
    ("entity_cluster", "cluster that it is about"),
    ("verdict", "verdict after the change"),
    ("reason", "why, in a sentence"),
    ("evaluated_at", "when the question was asked, UTC"),
    ("opened_at", "since when the alert stands, UTC"),
    ("streak", "runs in a row that said so"),
    ("attempts", "how often it was tried to tell"),
    ("error", "why it could not be told"),
    ("run_id", "the run that wrote it"),
    ("event", "the message, as JSON"),
];

pub(super) fn words(table: &str) -> Option<(&'static str, &'static [Meaning])> {
    Some(match table {
        "collection_runs" => ("what each collector read, when, and what was refused: the proof of coverage", RUNS),
        "alert_changes" => ("changes of verdicts, and how far they are told to whom", ALERTS),
        "audit_results" => ("what an audit concluded about each entity", RESULTS),
        _ => return None,
    })
}
