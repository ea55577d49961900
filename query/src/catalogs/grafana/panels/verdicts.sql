-- title: Verdicts of the last audit
-- group: security
-- severity: critical
-- question: How many findings of the last recorded audit failed, passed, or could not be judged?
-- column verdict name: FAIL, UNKNOWN, PASS or NOT_APPLICABLE
-- column findings count: findings, one for each check and entity
-- chart bars: x=verdict y=findings
-- do: `lookback audit --record` stores verdicts; run it on a schedule to keep this panel fresh.
SELECT verdict, COUNT(*) AS findings
FROM audit_results
WHERE evaluated_at = (SELECT MAX(evaluated_at) FROM audit_results)
GROUP BY verdict
ORDER BY findings DESC, verdict
