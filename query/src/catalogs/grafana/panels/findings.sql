-- title: Findings that failed or are unknown
-- group: security
-- severity: critical
-- question: Which checks of the last recorded audit did not pass, and why?
-- param top int = 50: findings shown, failures first
-- column verdict name: FAIL or UNKNOWN
-- column severity name: how much it matters
-- column check_id name: the check
-- column entity_name name: what it is about
-- column account_id name: account
-- column region name: region
-- column reason text: why
-- column since time: since when, as far as it is known
-- column evaluated_at time: the moment of the audit
-- do: `lookback audit --control ID` shows the rows that prove a verdict.
SELECT verdict,
       severity,
       check_id,
       COALESCE(entity_name, entity) AS entity_name,
       account_id,
       region,
       reason,
       since,
       evaluated_at
FROM audit_results
WHERE evaluated_at = (SELECT MAX(evaluated_at) FROM audit_results)
  AND verdict IN ('FAIL', 'UNKNOWN')
ORDER BY verdict, check_id, entity_name
LIMIT :top
