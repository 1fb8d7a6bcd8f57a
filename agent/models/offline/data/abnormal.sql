-- Results that their records flag, or that lie outside the one range that they have: {codes} and {outside} say on
-- which side, {bounds} when, {category} whether vital signs; {newest} keeps the newest of each measurement.
WITH result AS (
    SELECT * FROM observation
    WHERE coalesce(category, '') {category} 'vital-signs' AND status NOT IN ('cancelled', 'entered-in-error')
        AND {bounds} {newest}
)
SELECT ref, coalesce(code_text, code) AS name, date_text AS date, value, value_text, unit, comparator, interpretation,
    range_low, range_high, status
FROM result
WHERE interpretation IN ({codes}) OR (interpretation IS NULL AND ({outside}))
ORDER BY instant DESC, ref
