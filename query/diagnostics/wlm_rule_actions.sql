-- title: Rules of workload management
-- group: queues
-- severity: warning
-- question: Which query monitoring rules acted, on how many queries, and what did they do?
-- param from timestamp: only actions at or after this time
-- param to timestamp: only actions before this time
-- param cluster text: only this cluster
-- param top int = 20: lines shown, most actions first
-- column cluster_id name: cluster
-- column queue id: number of the service class
-- column rule name: name of the rule
-- column action name: what it did: log, hop, abort, change of priority
-- column times count: actions
-- column queries count: different queries
-- column users count: different users
-- column last_at time: the last time
-- chart bars: x=cluster_id,rule,action y=times
-- do: A rule that aborts often either does its work (tell its users what to write instead) or is too strict: look at its queries in failed_queries.
-- do: A rule that only logs for weeks can be tightened to hop or abort.
SELECT cluster_id,
       service_class AS queue,
       query_excerpt(rule, 30) AS rule,
       query_excerpt(action, 20) AS action,
       COUNT(*) AS times,
       COUNT(DISTINCT query) AS queries,
       COUNT(DISTINCT userid) AS users,
       DATE_TRUNC('second', MAX(recordtime)) AS last_at
FROM stl_wlm_rule_action
WHERE (:from IS NULL OR recordtime >= :from)
  AND (:to IS NULL OR recordtime < :to)
  AND (:cluster IS NULL OR cluster_id = :cluster)
GROUP BY cluster_id, service_class, query_excerpt(rule, 30), query_excerpt(action, 20)
ORDER BY times DESC, cluster_id, queue, rule, action
LIMIT :top
