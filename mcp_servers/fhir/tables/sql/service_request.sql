-- ServiceRequest: orders of tests, procedures and referrals.
SELECT
    'ServiceRequest/' || id AS ref,
    json->>'$.status' AS status,
    json->>'$.intent' AS intent,
    coalesce(json->>'$.doNotPerform', 'false') = 'true' AS do_not_perform,
    day_of(json->>'$.authoredOn') AS date,
    instant_of(json->>'$.authoredOn') AS instant,
    json->>'$.authoredOn' AS date_text,
    code_of(json->'$.code') AS code,
    codes_of(json->'$.code') AS codes,
    text_of(json->'$.code') AS code_text,
    json->>'$.priority' AS priority,
    coalesce(texts_of(json->'$.reasonCode'), json->>'$.reasonReference[0].display') AS reason,
    json->>'$.encounter.reference' AS encounter_id
FROM resource WHERE type = 'ServiceRequest'
