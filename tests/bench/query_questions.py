"""The questions of `query`: a name, and the same question in the SQL of each engine.

The engines' views have Redshift's names. Where no dialect is named, the text is the same for all. Every answer is small and
has one order, so that the engines' answers can be compared."""

import datetime

HOURS = "SELECT {hour} AS hour, count(*) AS queries FROM stl_query WHERE log_date = DATE '{day}' GROUP BY 1 ORDER BY 1"
SLOWEST = ("SELECT cluster_id, query, userid, {duration} AS duration_us FROM stl_query "
           "WHERE log_date BETWEEN DATE '{first}' AND DATE '{last}' ORDER BY duration_us DESC, cluster_id, query LIMIT 50")
BY_ID = ("SELECT cluster_id, query, userid, pid, database, querytxt FROM stl_query "
         "WHERE cluster_id = 'warehouse-03' AND query = {query}")

QUESTIONS = [
    ("queries by hour of a day", {
        "lookback": HOURS.replace("{hour}", "EXTRACT(hour FROM starttime)"),
        "duckdb": HOURS.replace("{hour}", "EXTRACT(hour FROM starttime)"),
        "delta-rs": HOURS.replace("{hour}", "EXTRACT(hour FROM starttime)"),
        "chdb": HOURS.replace("{hour}", "toHour(starttime)"),
    }),
    ("alerts of all clusters and days",
     "SELECT solution, count(*) AS alerts, count(DISTINCT cluster_id) AS clusters, min(query) AS first_query "
     "FROM stl_alert_event_log GROUP BY solution ORDER BY alerts DESC, solution"),
    ("the 50 slowest of the month", {
        "lookback": SLOWEST.replace("{duration}", "DATEDIFF(microsecond, starttime, endtime)"),
        "duckdb": SLOWEST.replace("{duration}", "epoch_us(endtime) - epoch_us(starttime)"),
        "delta-rs": SLOWEST.replace("{duration}", "arrow_cast(endtime, 'Int64') - arrow_cast(starttime, 'Int64')"),
        "chdb": SLOWEST.replace("{duration}", "toUnixTimestamp64Micro(endtime) - toUnixTimestamp64Micro(starttime)"),
    }),
    ("a week of scans by user, joined",
     "SELECT q.userid AS userid, count(*) AS scans, sum(s.bytes) AS bytes FROM stl_query q JOIN stl_scan s "
     "ON q.cluster_id = s.cluster_id AND q.query = s.query "
     "WHERE q.log_date BETWEEN DATE '{week}' AND DATE '{last}' AND s.log_date BETWEEN DATE '{week}' AND DATE '{last}' "
     "AND q.aborted = 0 GROUP BY q.userid ORDER BY bytes DESC, userid LIMIT 20"),
    ("tables by bytes scanned in the month",
     "SELECT perm_table_name, count(*) AS scans, sum(bytes) AS bytes FROM stl_scan "
     "WHERE log_date BETWEEN DATE '{first}' AND DATE '{last}' GROUP BY perm_table_name ORDER BY bytes DESC, perm_table_name LIMIT 20"),
    ("one query by its id", BY_ID),
    ("that id on every cluster", BY_ID.replace("cluster_id = 'warehouse-03' AND ", "") + " ORDER BY cluster_id"),
    ("text search in a week's statements",
     "SELECT cluster_id, count(*) AS queries FROM stl_query WHERE log_date BETWEEN DATE '{week}' AND DATE '{last}' "
     "AND querytxt LIKE '%reporting.result_317 %' GROUP BY cluster_id ORDER BY cluster_id"),
    ("queueing by queue and day",
     "SELECT log_date, service_class, count(*) AS queries, sum(total_queue_time) AS queued_us FROM stl_wlm_query "
     "GROUP BY log_date, service_class ORDER BY log_date, service_class"),
    ("how many queries there are", "SELECT count(*) AS queries FROM stl_query"),
]


def questions(engine, first, days, query):
    """(name, SQL) of every question for an engine."""
    at = datetime.date.fromisoformat(first)
    day = lambda n: str(at + datetime.timedelta(days=n))  # noqa: E731
    values = {"first": first, "last": day(days - 1), "week": day(max(0, days - 7)), "day": day(days // 2), "query": query}
    for name, sql in QUESTIONS:
        sql = sql if isinstance(sql, str) else sql[engine]
        yield name, sql.format(**values)
