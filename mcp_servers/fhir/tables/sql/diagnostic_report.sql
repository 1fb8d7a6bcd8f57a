-- DiagnosticReport: reports; result_ids name the observations in one.
SELECT
    'DiagnosticReport/' || id AS ref,
    json->>'$.status' AS status,
    day_of(stated) AS date,
    instant_of(stated) AS instant,
    stated AS date_text,
    code_of(json->'$.code') AS code,
    codes_of(json->'$.code') AS codes,
    text_of(json->'$.code') AS code_text,
    status_of(json->'$.category[0]') AS category,
    left(json->>'$.conclusion', 4000) AS conclusion,
    json->>'$.result[*].reference' AS result_ids,
    json->>'$.encounter.reference' AS encounter_id
FROM (
    SELECT *, coalesce(json->>'$.effectiveDateTime', json->>'$.effectivePeriod.start', json->>'$.issued') AS stated
    FROM resource WHERE type = 'DiagnosticReport'
)
