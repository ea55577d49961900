#!/usr/bin/env python3
"""Writes the tables of the story (`*.ndjson`), its answers (`answers.json`) and its holes (`holes.json`).

Reads `facts.json` (what happened), `verdicts.txt` and `holes.txt` (what an audit has to say about it, worked out by hand).
No check and no view is asked. The same input gives the same bytes; `build.py --check` fails if the files differ from it.
"""

import hashlib
import json
import pathlib
import sys
from datetime import datetime, timedelta

HERE = pathlib.Path(__file__).resolve().parent
FACTS = json.loads((HERE / "facts.json").read_text())
VERDICTS = {"P": "PASS", "F": "FAIL", "U": "UNKNOWN", "N": "NOT_APPLICABLE"}
TIMES = {"create_time", "creation_date", "deletion_date", "valid_to", "last_rotation_at", "log_last_success",
         "log_last_failure"}
KEYS = {"kms_key_arn", "prev_kms_key_arn", "snapshot_copy_grant_kms_key_arn", "master_secret_kms_key_arn"}
VOLATILE = {"log_last_success", "log_last_failure", "log_last_failure_message"}
VERSION = "story"


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def moment(text):
    return datetime.strptime(text, "%Y-%m-%dT%H:%M")


def text(time):
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


RECORD_FROM, RECORD_TO = moment(FACTS["record"]["from"]), moment(FACTS["record"]["to"])
POLL = timedelta(minutes=FACTS["record"]["poll_minutes"])


def key_arn(name):
    key = FACTS["keys"][name]
    return f"arn:aws:kms:{key['region']}:{key.get('owner', key['account_id'])}:key/{key['id']}"


def namespace_arn(name):
    cluster = FACTS["clusters"][name]
    service = "redshift-serverless" if cluster.get("deployment") == "serverless" else "redshift"
    separator = "/" if service == "redshift-serverless" else ":"
    return f"arn:aws:{service}:{cluster['region']}:{cluster['account_id']}:namespace{separator}{cluster['namespace']}"


def cluster_arn(name, identifier):
    cluster = FACTS["clusters"][name]
    if cluster.get("deployment") == "serverless":
        return None
    return f"arn:aws:redshift:{cluster['region']}:{cluster['account_id']}:cluster:{identifier}"


def filled(columns):
    """Names become ARNs, short times whole ones."""
    values = {}
    for name, value in columns.items():
        if name in KEYS and value is not None:
            value = key_arn(value)
        elif name in TIMES and value is not None:
            value = text(moment(value))
        elif isinstance(value, (list, dict)):
            value = canonical(value)
        values[name] = value
    return values


# ---------------------------------------------------------------- states

def cluster_state(name, columns):
    cluster = FACTS["clusters"][name]
    serverless = cluster.get("deployment") == "serverless"
    state = {
        "cluster_namespace_arn": namespace_arn(name), "deployment": cluster.get("deployment", "provisioned"),
        "cluster_status": "available", "availability_status": None if serverless else "Available",
        "node_type": None if serverless else "ra3.xlplus", "auto_snapshot_retention_days": None if serverless else 7,
        "require_ssl": True, "use_fips_ssl": False, "ssl_parameter_status": None if serverless else "in-sync",
        "user_activity_logging": True, "logging_enabled": True, "log_destination": "cloudwatch" if serverless else "s3",
        "log_bucket": None if serverless else "audit-logs", "log_exports": ["connectionlog", "useractivitylog", "userlog"],
        "log_last_success": "2025-10-31T23:00", "publicly_accessible": False, "enhanced_vpc_routing": True,
        "multi_az": False, "allow_version_upgrade": True, "db_name_is_default": False,
        "master_username_is_default": False, "iam_role_arns": [], "security_group_ids": ["sg-0123456789abcdef0"],
        "tags": {"owner": "data"}, "maintenance_track": "current",
    }
    if serverless:
        state["log_last_success"] = None
    state.update(columns)
    state["cluster_arn"] = cluster_arn(name, state["cluster_identifier"])
    if state.get("kms_key_arn"):
        arn = key_arn(state["kms_key_arn"]).split(":")
        state["kms_key_region"], state["kms_key_account"] = arn[3], arn[4]
    return filled(state)


def policy(kind, account):
    root = {"Action": "kms:*", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Resource": "*",
            "Sid": "IamDecides"}
    callers = {"Action": ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey*"],
               "Condition": {"StringEquals": {"kms:CallerAccount": account}}, "Effect": "Allow",
               "Principal": {"AWS": "*"}, "Resource": "*", "Sid": "CallersOfThisAccount"}
    anyone = {"Action": "kms:Decrypt", "Effect": "Allow", "Principal": "*", "Resource": "*", "Sid": "Debug"}
    statements = {"root": [root], "caller_account": [root, callers], "aws": [callers], "open": [root, anyone]}[kind]
    return canonical({"Statement": statements, "Version": "2012-10-17"})


def key_state(name, columns):
    key = FACTS["keys"][name]
    common = {"kms_key_arn": name, "key_id": key["id"]}
    if columns.pop("denied", False):
        return filled({**common, "access_error": "AccessDeniedException: kms:DescribeKey"})
    aws, imported, owner = key.get("aws_managed"), key.get("imported_until"), key.get("owner", key["account_id"])
    state = {
        **common, "owner_account": owner, "key_manager": "AWS" if aws else "CUSTOMER", "key_state": "Enabled",
        "enabled": True, "origin": "EXTERNAL" if imported else "AWS_KMS", "key_spec": "SYMMETRIC_DEFAULT",
        "key_usage": "ENCRYPT_DECRYPT", "multi_region": False, "creation_date": key["created"],
        "rotation_supported": not imported, "rotation_enabled": None if imported else True,
        "rotation_period_days": None if imported else 365, "rotation_count": 0, "on_demand_used": 0,
        "aliases": [aws] if aws else [f"alias/{name.lower()}"], "tags": key.get("tags", {}),
        "policy": "aws" if aws else key.get("policy", "root"),
        "grants": [grant(entry) for entry in key.get("grants", [])],
    }
    if imported:
        state.update({"valid_to": imported, "expiration_model": "KEY_MATERIAL_EXPIRES",
                      "rotation_unsupported_reason": "the key material is imported"})
    state.update(key.get("state", {}))
    state.update(columns)
    document = policy(state.pop("policy"), owner)
    state["policy_json"], state["policy_sha256"] = document, sha(document)
    if owner != key["account_id"]:
        # Tags, policy, grants and aliases of a key of another account cannot be asked for.
        for unseen in ("tags", "policy_json", "policy_sha256", "grants", "aliases", "rotation_count", "on_demand_used"):
            state.pop(unseen)
    return filled(state)


def grant(entry):
    arn = cluster_arn(entry["cluster"], FACTS["clusters"][entry["cluster"]]["state"]["cluster_identifier"])
    return {"context_equals": {}, "context_subset": {"aws:redshift:arn": arn}, "created": "2025-03-01T08:00:00.000000Z",
            "grant_id": entry["grant_id"], "grantee": "redshift.eu-west-1.amazonaws.com",
            "ops": ["Decrypt", "GenerateDataKeyWithoutPlaintext"]}


def snapshot_place(name):
    snapshot = FACTS["snapshots"][name]
    owner = FACTS["clusters"].get(snapshot.get("cluster"), snapshot)
    return owner["account_id"], snapshot.get("region", owner["region"])


def snapshot_arn(name):
    account, region = snapshot_place(name)
    snapshot = FACTS["snapshots"][name]
    cluster = FACTS["clusters"].get(snapshot.get("cluster"))
    if cluster and cluster.get("deployment") == "serverless":
        return f"arn:aws:redshift-serverless:{region}:{account}:snapshot/{name}"
    of = cluster["state"]["cluster_identifier"] if cluster else snapshot["orphan_of"]
    return f"arn:aws:redshift:{region}:{account}:snapshot:{of}/{name}"


def snapshot_state(name, columns):
    snapshot = FACTS["snapshots"][name]
    cluster = FACTS["clusters"].get(snapshot.get("cluster"))
    key = snapshot["key"]
    # Where a copy is, its cluster is not.
    is_known = cluster is not None and "source_region" not in snapshot
    return filled({
        "snapshot_arn": snapshot_arn(name), "snapshot_identifier": name, "snapshot_type": "manual",
        "cluster_identifier": cluster["state"]["cluster_identifier"] if cluster else snapshot["orphan_of"],
        "cluster_namespace_arn": namespace_arn(snapshot["cluster"]) if is_known else None, "source_cluster_exists": is_known,
        "snapshot_create_time": text(moment(snapshot["created"])),
        "cluster_create_time": text(moment(cluster["state"]["create_time"])) if cluster else None,
        "status": "available", "encrypted": key is not None,
        "kms_key_arn": None if key in (None, "aws_owned") else key, "encrypted_with_hsm": False,
        "source_region": snapshot.get("source_region"), "owner_account": snapshot_place(name)[0],
        "restore_accounts": [], "retention_days": -1, "tags": {}, **columns,
    })


def gap_of(collector, account, region):
    for gap in FACTS["gaps"]:
        if (gap["account_id"], gap["region"]) == (account, region) and collector in gap["collectors"]:
            return moment(gap["from"]), moment(gap["to"])
    return None


class States:
    """Rows of a table of states, and which of them is the latest at a moment."""

    def __init__(self, table, natural):
        self.table, self.natural, self.rows, self.of = table, natural, [], {}

    def add(self, name, place, collector, call, spans, until):
        """`spans`: (moment, state) in order of time."""
        account, region = place
        gap = gap_of(collector, account, region)
        last_hash = None
        mine = self.of.setdefault(name, [])
        for at, state in spans:
            kind = "heartbeat" if last_hash == state_hash(state) else "change"
            last_hash = state_hash(state)
            mine.append([at, kind, state])
        if gap and mine[0][0] < gap[0] and (until is None or until > gap[1]):
            before = [entry for entry in mine if entry[0] < gap[1]]
            mine.insert(len(before), [gap[1], "heartbeat", before[-1][2]])
        if until is not None:
            mine.append([until, "tombstone", mine[-1][2]])
        for place_in_list, (at, kind, state) in enumerate(mine):
            following = mine[place_in_list + 1][0] if place_in_list + 1 < len(mine) else RECORD_TO
            if gap and at < gap[0] < following:
                following = gap[0]
            row = {"observed_at": text(at), "obs_kind": kind, "state_hash": state_hash(state), "account_id": account,
                   "region": region, "run_id": run_at(collector, account, region, at), "source_call": call, **state}
            midnight = datetime(at.year, at.month, at.day) + timedelta(days=1)
            if kind != "tombstone" and midnight < following:
                row["heartbeats_until"] = text(following)
            self.rows.append({column: value for column, value in row.items() if value is not None})
            mine[place_in_list].append(following)

    def latest(self, name, as_of):
        """When the last row at or before a moment was observed."""
        found = [entry for entry in self.of[name] if entry[0] <= as_of]
        if not found or found[-1][1] == "tombstone":
            return None
        at, _, _, following = found[-1]
        midnight = datetime(as_of.year, as_of.month, as_of.day)
        while midnight >= following:
            midnight -= timedelta(days=1)
        return max(at, midnight)

    def state(self, name, as_of):
        return [entry for entry in self.of[name] if entry[0] <= as_of][-1][2]

    def evidence(self, name, at):
        natural = self.of[name][0][2][self.natural]
        return {"table": self.table, "key": {self.natural: natural, "observed_at": text(at)}}


def state_hash(state):
    return sha(canonical({name: value for name, value in state.items() if value is not None and name not in VOLATILE}))


# ---------------------------------------------------------------- runs

RUNS = {}


def run_row(run_id, collector, account, region, lo, hi, status="ok", denied=None, error=None):
    row = {"run_id": run_id, "collector": collector, "collector_version": VERSION, "account_id": account,
           "region": region, "started_at": text(hi), "finished_at": text(hi + timedelta(seconds=30)), "status": status,
           "window_from": text(lo), "window_to": text(hi), "watermark": text(hi), "calls": 1, "throttles": 0, "rows": 0,
           "access_errors": canonical([denied] if denied else [])}
    if error:
        row["error"] = error
    RUNS[run_id] = row


def run_at(collector, account, region, at):
    """The run that saw a change: its window is the time since the poll before."""
    run_id = f"{collector}/{account}/{region}/{at.strftime('%Y%m%dT%H%M')}"
    gap = gap_of(collector, account, region)
    first = at == RECORD_FROM or (gap is not None and at == gap[1])
    denied = denial(collector, account, region, at - POLL)
    run_row(run_id, collector, account, region, at if first else at - POLL, at, "partial" if denied else "ok", denied)
    return run_id


def denial(collector, account, region, at):
    for entry in FACTS["denied"]:
        is_it = (entry["collector"], entry["account_id"], entry["region"]) == (collector, account, region)
        if is_it and moment(entry["from"]) <= at < moment(entry["to"]):
            return {name: entry[name] for name in ("call", "code", "grant")}
    return None


def months():
    start = RECORD_FROM
    while start < RECORD_TO:
        after = datetime(start.year + start.month // 12, start.month % 12 + 1, 1)
        yield start, after
        start = after


def monthly_runs():
    """What was read is written down in one row a month, and in one more wherever that changes."""
    backfill = {"cloudtrail": moment(FACTS["record"]["cloudtrail_from"]), "trail_files": moment(FACTS["record"]["cloudtrail_from"]),
                "redshift_events": RECORD_FROM - timedelta(days=14)}
    for place in FACTS["places"]:
        account, region = place["account_id"], place["region"]
        for collector in FACTS["collectors"]:
            name = f"{collector}/{account}/{region}"
            if collector in backfill:
                run_row(f"{name}/first", collector, account, region, backfill[collector], RECORD_FROM)
            gap = gap_of(collector, account, region)
            cuts = [moment(entry["to"]) for entry in FACTS["denied"]] + list(gap or ())
            for lo, hi in months():
                edges = [lo, *sorted(cut for cut in cuts if lo < cut < hi), hi]
                for part, (a, b) in enumerate(zip(edges, edges[1:])):
                    run_id = f"{name}/{lo.strftime('%Y%m')}" + (f"/{part}" if len(edges) > 2 else "")
                    denied = denial(collector, account, region, a)
                    if gap and a >= gap[0] and b <= gap[1]:
                        run_row(run_id, collector, account, region, a, b, "gap", error=FACTS["gaps"][0]["why"])
                    else:
                        run_row(run_id, collector, account, region, a, b, "partial" if denied else "ok", denied)


def month_run(collector, account, region, at):
    name = f"{collector}/{account}/{region}/{at.strftime('%Y%m')}"
    return min(run_id for run_id in RUNS if run_id == name or run_id.startswith(name + "/"))


# ---------------------------------------------------------------- events

def event_row(event, clusters):
    at = moment(event["at"])
    cluster, key = event.get("cluster"), event.get("key")
    owner = FACTS["clusters"][cluster] if cluster else FACTS["keys"][key]
    account, region = owner["account_id"], owner["region"]
    source = event.get("source", "redshift_events" if "redshift" in event else "cloudtrail_lookup")
    looked = "serverless" if owner.get("deployment") == "serverless" else "clusters" if cluster else "keys"
    collector = {"state_diff": looked, "cloudtrail_lookup": "cloudtrail", "cloudtrail_s3": "trail_files", "kms_rotations": "rotations"}
    name = event.get("name", f"REDSHIFT-EVENT-{event.get('redshift')}")
    row = {
        "event_key": event_key(event["id"]), "source": source, "event_time": text(at), "time_lo": text(moment(event.get("since", event["at"]))),
        "time_hi": text(at),
        "observed_at": text(at + timedelta(minutes=20)), "account_id": account, "region": region, "partition": "aws",
        "event_class": event["class"], "event_name": name, "outcome": "failure" if "failed" in event else "success",
        "raw_sha256": sha("raw " + event["id"]), "collector_version": VERSION,
        "run_id": month_run(collector.get(source, source), account, region, at),
    }
    service = "kms"
    if cluster:
        service = "redshift-serverless" if owner.get("deployment") == "serverless" else "redshift"
        known = [entry[2] for entry in clusters.of[cluster] if entry[0] <= at + timedelta(minutes=30)][-1]
        row.update({"resource_type": "namespace" if service != "redshift" else "cluster", "resource_arn": namespace_arn(cluster),
                    "cluster_namespace_arn": namespace_arn(cluster), "cluster_identifier": known["cluster_identifier"]})
    else:
        row.update({"resource_type": "kms_key", "resource_arn": key_arn(key), "kms_key_arn": key_arn(key),
                    "resource_id": FACTS["keys"][key]["id"]})
    row["event_source"] = f"{service}.amazonaws.com"
    if source.startswith("cloudtrail"):
        row["source_event_id"] = event["id"]
        row["read_only"] = event["class"].startswith("crypto.")
    if "actor" in event:
        actor = FACTS["actors"][event["actor"]]
        row.update({"actor_type": actor["type"], "actor_account": actor["account"], "source_ip": "198.51.100.7",
                    "actor_arn": f"arn:aws:sts::{actor['account']}:assumed-role/{actor['role']}/someone",
                    "session_issuer_arn": f"arn:aws:iam::{actor['account']}:role/{actor['role']}"})
    if "failed" in event:
        row["error_code"] = event["failed"]
    if event["class"].startswith("crypto."):
        context = {}
        if "cluster_context" in event:
            used_by = FACTS["clusters"][event["cluster_context"]]["state"]
            context = {"aws:redshift:arn": cluster_arn(event["cluster_context"], used_by["cluster_identifier"]),
                       "aws:redshift:createtime": used_by["create_time"]}
        row["encryption_context"] = canonical(context)
    row.update(filled(event.get("set", {})))
    request = {}
    if row.get("resource_type") == "kms_grant":
        request["grantId"] = row["resource_id"]
    row["detail_json"] = canonical({"eventName": name, "requestParameters": request})
    return row


def event_key(name):
    return sha("story event " + name)


# ---------------------------------------------------------------- logs

def mondays(lo, hi):
    day = datetime(lo.year, lo.month, lo.day)
    day += timedelta(days=(7 - day.weekday()) % 7)
    while day < hi:
        yield day
        day += timedelta(days=7)


def connection_rows():
    rows = []

    def add(session, at, event):
        rows.append({"cluster_id": session["cluster_id"], "event": event, "recordtime": text(at), "remotehost": session["host"],
                     "remoteport": "40000", "pid": 1000 + len(rows), "dbname": "prod", "username": session["user"],
                     "authmethod": "password", "duration": 0, "sslversion": session["ssl"], "sslcipher": session["cipher"],
                     "application_name": session["application"]})

    for session in FACTS["sessions"]["every_monday"]:
        hour, minute = map(int, session["time"].split(":"))
        for day in mondays(moment(session["from"]), moment(session.get("to", FACTS["record"]["to"]))):
            at = day + timedelta(hours=hour, minutes=minute)
            if at >= moment(session["from"]):
                add(session, at, "authenticated")
    for session in FACTS["sessions"]["single"]:
        add(session, moment(session["at"]), session["event"])
    return sorted(rows, key=lambda row: row["recordtime"])


def query_rows():
    return [{"cluster_id": query["cluster_id"], "userid": 100, "query": 5000 + n, "xid": 9000 + n, "pid": 700 + n,
             "database": "prod", "querytxt": "select 1", "starttime": text(moment(query["at"])),
             "endtime": text(moment(query["end"])), "aborted": query["aborted"]}
            for n, query in enumerate(FACTS["queries"])]


def export_rows():
    rows = []
    for export in FACTS["exports"]:
        end = moment(export.get("to", FACTS["record"]["to"]))
        for table in ("stl_connection_log", "stl_query"):
            for lo, hi in months():
                a, b = max(lo, moment(export["from"])), min(hi, end)
                if a < b:
                    rows.append({"cluster_id": export["cluster_id"], "run_id": f"export/{export['cluster_id']}/{lo.strftime('%Y%m')}",
                                 "table_name": table, "kind": "export", "window_from": text(a), "window_to": text(b),
                                 "covered_until": text(b), "rows_read": 0, "rows_new": 0, "rows_present": 0,
                                 "started_at": text(b), "duration_ms": 1000, "outcome": "ok"})
    return rows


# ---------------------------------------------------------------- answers

class Evidence:
    """Turns a word of `verdicts.txt` into the natural key of a row."""

    def __init__(self, clusters, keys, snapshots, connections):
        self.tables = {"cluster": clusters, "key": keys, "snapshot": snapshots}
        self.connections = connections

    def table_of(self, name):
        for kind, table in self.tables.items():
            if name in table.of:
                return kind, table
        raise SystemExit(f"no entity is called {name}")

    def key_named(self, arn):
        return next((name for name in FACTS["keys"] if key_arn(name) == arn), None)

    def related(self, entity, what, as_of):
        kind, table = self.table_of(entity)
        if what == "cluster":
            return FACTS["snapshots"][entity]["cluster"]
        column = {"key": "kms_key_arn", "grant": "snapshot_copy_grant_kms_key_arn", "secret": "master_secret_kms_key_arn"}[what]
        return self.key_named(table.state(entity, as_of).get(column))

    def of(self, word, entity, as_of):
        what, _, rest = word.partition(":")
        name, _, at = rest.partition("@")
        if what == "latest":
            name = entity if name == "." else self.related(entity, name[1:], as_of) if name.startswith(".") else name
            if name is None:
                return None
            _, table = self.table_of(name)
            return table.evidence(name, table.latest(name, as_of))
        if what == "row":
            _, table = self.table_of(name)
            return table.evidence(name, moment(at))
        if what == "event":
            if rest not in {event["id"] for event in FACTS["events"]}:
                raise SystemExit(f"no event is called {rest}")
            return {"table": "encryption_events", "key": {"event_key": event_key(rest)}}
        if what == "rotation":
            kind = next(entry["type"] for entry in FACTS["rotations"] if (entry["key"], entry["at"]) == (name, at))
            return {"table": "kms_key_rotations",
                    "key": {"kms_key_arn": key_arn(name), "rotation_date": text(moment(at)), "rotation_type": kind}}
        if what == "connection":
            row = next(row for row in self.connections if (row["cluster_id"], row["recordtime"]) == (name, text(moment(at))))
            return {"table": "stl_connection_log",
                    "key": {"cluster_id": name, "pid": row["pid"], "recordtime": row["recordtime"]}}
        if what == "run":
            if rest not in RUNS:
                raise SystemExit(f"no run is called {rest}")
            return {"table": "collection_runs", "key": {"run_id": rest}}
        raise SystemExit(f"'{word}' is no evidence")


def entity_arn(name):
    if name in FACTS["clusters"]:
        return namespace_arn(name)
    if name in FACTS["keys"]:
        return key_arn(name)
    if name in FACTS["snapshots"]:
        return snapshot_arn(name)
    return name


def answers(evidence):
    dates = list(FACTS["dates"])
    checks, check = {}, None
    for number, line in enumerate((HERE / "verdicts.txt").read_text().splitlines(), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0].startswith("LB-"):
            check = checks.setdefault(words[0], {"rows": {}, "evidence": []})
        elif words[0] == "evidence":
            check["evidence"].append((words[1], words[2], words[3:]))
        else:
            if len(words) != 2 or len(words[1]) != len(dates) or set(words[1]) - set(VERDICTS) - {"-"}:
                raise SystemExit(f"verdicts.txt:{number}: {line}")
            check["rows"][words[0]] = words[1]
    found = []
    for at, date in FACTS["dates"].items():
        for check_id, check in checks.items():
            rows = []
            for entity, letters in check["rows"].items():
                letter = letters[dates.index(at)]
                if letter == "-":
                    continue
                words = [word for whom, when, tokens in check["evidence"] for word in tokens
                         if (whom in ("*", entity)) and (letter in when.split("/")[0] if not when.startswith("@") else at in when[1:])]
                keys = [evidence.of(word, entity, moment(date["as_of"])) for word in words]
                rows.append({"entity": entity_arn(entity), "name": entity, "verdict": VERDICTS[letter],
                             "evidence": [key for key in keys if key]})
            found.append({"date": at, "as_of": text(moment(date["as_of"])), "from": text(moment(date["from"])),
                          "to": text(moment(date["as_of"])), "check": check_id, "params": FACTS["params"].get(check_id, {}),
                          "entities": rows})
    return found


STATE_TABLES = {"clusters": ("cluster_encryption_state", {"deployment": "provisioned"}),
                "serverless": ("cluster_encryption_state", {"deployment": "serverless"}),
                "snapshots": ("snapshot_encryption_state", {}), "keys": ("kms_key_state", {})}


def outside(row, lo, hi, name):
    """A row of a ledger as it would be if nothing between two moments had been read: none, one or two rows."""
    start, end = row["window_from"], row["window_to"]
    parts = [(start, min(end, lo)), (max(start, hi), end)]
    found = []
    for number, (a, b) in enumerate(part for part in parts if part[0] < part[1]):
        found.append({**row, name: f"{row[name]}/{number}", "window_from": a, "window_to": b, "started_at": b, "log_date": b[:10]})
        for column in ("watermark", "covered_until"):
            if column in row:
                found[-1][column] = b
        if "finished_at" in row:
            found[-1]["finished_at"] = b
    return found


def cut(entry, runs):
    """What to remove and to add so that a collector did not look between two moments."""
    lo, hi = text(moment(entry["from"])), text(moment(entry["to"]))
    place = {"account_id": entry["account_id"], "region": entry["region"]}
    remove, add = [], []
    for row in runs:
        is_meant = row["collector"] == entry["collector"] and all(row[name] == value for name, value in place.items())
        if is_meant and row["window_from"] < hi and row["window_to"] > lo:
            remove.append({"table": "collection_runs", "where": {"run_id": row["run_id"]}})
            add.extend({"table": "collection_runs", "row": part} for part in outside(row, lo, hi, "run_id"))
    if entry["collector"] in STATE_TABLES:
        table, more = STATE_TABLES[entry["collector"]]
        remove.append({"table": table, "where": {**place, **more}, "column": "observed_at", "from": lo, "to": hi})
    else:
        for source in ("cloudtrail_lookup" if entry["collector"] == "cloudtrail" else "cloudtrail_s3",):
            remove.append({"table": "encryption_events", "where": {**place, "source": source}, "column": "event_time", "from": lo, "to": hi})
    return remove, add


def holes(tables):
    """Changes to the tables (after heartbeats), each with what must be UNKNOWN then."""
    found = []
    for entry in json.loads((HERE / "holes_by_hand.json").read_text()):
        date = FACTS["dates"][entry["date"]]
        remove, add = [], []
        for one in entry.get("remove", []):
            where = {name: key_arn(value) if name == "kms_key_arn" else value for name, value in one["where"].items()}
            times = {name: text(moment(one[name])) for name in ("from", "to") if name in one}
            remove.append({**one, "where": where, **times})
        for one in entry.get("cut", []):
            more, rows = cut(one, tables["collection_runs"])
            remove.extend(more)
            add.extend(rows)
        for one in entry.get("cut_exports", []):
            lo, hi = text(moment(one["from"])), text(moment(one["to"]))
            for row in tables["lookback_export_runs"]:
                is_meant = (row["cluster_id"], row["table_name"]) == (one["cluster_id"], one["table_name"])
                if is_meant and row["window_from"] < hi and row["window_to"] > lo:
                    remove.append({"table": "lookback_export_runs", "where": {"run_id": row["run_id"], "table_name": row["table_name"]}})
                    add.extend({"table": "lookback_export_runs", "row": part} for part in outside(row, lo, hi, "run_id"))
        for one in entry.get("deny", []):
            lo, hi = text(moment(one["from"])), text(moment(one["to"]))
            denied = canonical([{name: one[name] for name in ("call", "code", "grant")}])
            for row in tables["collection_runs"]:
                is_meant = all(row[name] == one[name] for name in ("collector", "account_id", "region"))
                if is_meant and row["window_from"] < hi and row["window_to"] > lo:
                    remove.append({"table": "collection_runs", "where": {"run_id": row["run_id"]}})
                    add.append({"table": "collection_runs", "row": {**row, "status": "partial", "access_errors": denied}})
        unknown = {check: [{"entity": entity_arn(name), "name": name} for name in names]
                   for check, names in entry["unknown"].items()}
        found.append({"name": entry["name"], "why": entry["why"], "as_of": text(moment(date["as_of"])), "from": text(moment(date["from"])),
                      "to": text(moment(date["as_of"])), "remove": remove, "add": add, "unknown": unknown})
    return found


# ---------------------------------------------------------------- all of it

def build():
    clusters = States("cluster_encryption_state", "cluster_namespace_arn")
    for name, cluster in FACTS["clusters"].items():
        columns, spans = dict(cluster["state"]), []
        spans.append((moment(cluster["from"]), cluster_state(name, columns)))
        for change in cluster["changes"]:
            columns.update(change["set"])
            spans.append((moment(change["at"]), cluster_state(name, columns)))
        serverless = cluster.get("deployment") == "serverless"
        call = "redshift-serverless:GetNamespace" if serverless else "redshift:DescribeClusters"
        clusters.add(name, (cluster["account_id"], cluster["region"]), "serverless" if serverless else "clusters", call, spans,
                     moment(cluster["until"]) if "until" in cluster else None)
    keys = States("kms_key_state", "kms_key_arn")
    for name, key in FACTS["keys"].items():
        columns = {}
        start = moment(key["from"])
        if "denied_until" in key:
            spans = [(start, key_state(name, {"denied": True})), (moment(key["denied_until"]), key_state(name, {}))]
        else:
            spans = [(start, key_state(name, dict(columns)))]
        for change in key.get("changes", []):
            columns.update(change["set"])
            spans.append((moment(change["at"]), key_state(name, dict(columns))))
        keys.add(name, (key["account_id"], key["region"]), "keys", "kms:DescribeKey", spans, None)
    snapshots = States("snapshot_encryption_state", "snapshot_arn")
    for name, snapshot in FACTS["snapshots"].items():
        columns, spans = {}, [(moment(snapshot["from"]), snapshot_state(name, {}))]
        for change in snapshot.get("changes", []):
            columns.update(change["set"])
            spans.append((moment(change["at"]), snapshot_state(name, columns)))
        serverless = "redshift-serverless" in snapshot_arn(name)
        call = "redshift-serverless:ListSnapshots" if serverless else "redshift:DescribeClusterSnapshots"
        snapshots.add(name, snapshot_place(name), "snapshots", call, spans,
                      moment(snapshot["until"]) if "until" in snapshot else None)
    monthly_runs()
    rotations = []
    for entry in FACTS["rotations"]:
        key = FACTS["keys"][entry["key"]]
        at = max(moment(entry["at"]) + POLL, RECORD_FROM)
        rotations.append({"kms_key_arn": key_arn(entry["key"]), "rotation_date": text(moment(entry["at"])),
                          "rotation_type": entry["type"], "account_id": key["account_id"], "region": key["region"],
                          "observed_at": text(at), "run_id": month_run("rotations", key["account_id"], key["region"], at)})
    events = sorted((event_row(event, clusters) for event in FACTS["events"]), key=lambda row: (row["event_time"], row["event_key"]))
    connections = connection_rows()
    tables = {
        "cluster_encryption_state": clusters.rows, "kms_key_state": keys.rows, "snapshot_encryption_state": snapshots.rows,
        "kms_key_rotations": rotations, "encryption_events": events,
        "collection_runs": sorted(RUNS.values(), key=lambda row: (row["started_at"], row["run_id"])),
        "stl_connection_log": connections, "stl_query": query_rows(), "lookback_export_runs": export_rows(),
    }
    day = {"cluster_encryption_state": "observed_at", "kms_key_state": "observed_at", "snapshot_encryption_state": "observed_at",
           "kms_key_rotations": "rotation_date", "encryption_events": "event_time", "collection_runs": "started_at",
           "stl_connection_log": "recordtime", "stl_query": "endtime", "lookback_export_runs": "started_at"}
    files = {}
    for table, rows in tables.items():
        for row in rows:
            row["log_date"] = row[day[table]][:10]
        lines = [json.dumps(row, separators=(",", ":")) for row in rows]
        files[f"{table}.ndjson"] = "\n".join(lines) + "\n"
    lines = [json.dumps(answer, separators=(",", ":")) for answer in answers(Evidence(clusters, keys, snapshots, connections))]
    files["answers.json"] = "[\n" + ",\n".join(lines) + "\n]\n"
    lines = [json.dumps(hole, separators=(",", ":")) for hole in holes(tables)]
    files["holes.json"] = "[\n" + ",\n".join(lines) + "\n]\n"
    return files


def main():
    differing = []
    for name, content in build().items():
        path = HERE / name
        if "--check" in sys.argv[1:]:
            if not path.exists() or path.read_text() != content:
                differing.append(name)
        else:
            path.write_text(content)
    if differing:
        raise SystemExit(f"not as build.py writes them: {', '.join(differing)}")


main()
