-- Procedure: what was done, is under way, or was not done (`status`).
SELECT
    'Procedure/' || id AS ref,
    json->>'$.status' AS status,
    day_of(stated) AS date,
    instant_of(stated) AS instant,
    stated AS date_text,
    instant_of(json->>'$.performedPeriod.end') AS end_instant,
    code_of(json->'$.code') AS code,
    codes_of(json->'$.code') AS codes,
    text_of(json->'$.code') AS code_text,
    coalesce(texts_of(json->'$.reasonCode'), json->>'$.reasonReference[0].display') AS reason,
    json->>'$.reasonReference[0].reference' AS reason_id,
    texts_of(json->'$.bodySite') AS body_site,
    text_of(json->'$.outcome') AS outcome,
    json->>'$.encounter.reference' AS encounter_id
FROM (
    SELECT *, coalesce(json->>'$.performedDateTime', json->>'$.performedPeriod.start', json->>'$.performedString') AS stated
    FROM resource WHERE type = 'Procedure'
)
