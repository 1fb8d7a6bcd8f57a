-- FamilyMemberHistory: conditions of relatives; a row a condition.
SELECT
    'FamilyMemberHistory/' || id AS ref,
    json->>'$.status' AS status,
    day_of(json->>'$.date') AS date,
    instant_of(json->>'$.date') AS instant,
    json->>'$.date' AS date_text,
    text_of(json->'$.relationship') AS relationship,
    code_of(found->'$.code') AS code,
    codes_of(found->'$.code') AS codes,
    text_of(found->'$.code') AS code_text,
    number_of(found->>'$.onsetAge.value') AS onset_age
FROM (
    SELECT *, unnest(CASE WHEN json_array_length(json->'$.condition') > 0 THEN each(json->'$.condition') ELSE [NULL] END)
        AS found
    FROM resource WHERE type = 'FamilyMemberHistory'
)
