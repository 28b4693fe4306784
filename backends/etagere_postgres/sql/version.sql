-- A table that was dropped has seen no step.
SELECT CASE WHEN to_regclass($2) IS NULL THEN 0 ELSE coalesce(max(version), 0) END
FROM {migrations}
WHERE store = $1
