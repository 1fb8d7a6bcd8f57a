-- CarePlan: plans of care and their activities.
SELECT
    'CarePlan/' || id AS ref,
    json->>'$.status' AS status,
    json->>'$.intent' AS intent,
    day_of(coalesce(json->>'$.period.start', json->>'$.created')) AS date,
    instant_of(coalesce(json->>'$.period.start', json->>'$.created')) AS instant,
    coalesce(json->>'$.period.start', json->>'$.created') AS date_text,
    day_of(json->>'$.period.end') AS end_date,
    coalesce(json->>'$.title', texts_of(json->'$.category')) AS code_text,
    json->>'$.description' AS description,
    texts_of(json->'$.activity[*].detail.code') AS activities,
    json->>'$.addresses[*].reference' AS addresses_ids
FROM resource WHERE type = 'CarePlan'
