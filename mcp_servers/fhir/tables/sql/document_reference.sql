-- DocumentReference: documents and notes, without their text (search_notes has it).
SELECT
    'DocumentReference/' || id AS ref,
    json->>'$.status' AS status,
    json->>'$.docStatus' AS doc_status,
    day_of(stated) AS date,
    instant_of(stated) AS instant,
    stated AS date_text,
    code_of(json->'$.type') AS code,
    codes_of(json->'$.type') AS codes,
    text_of(json->'$.type') AS code_text,
    text_of(json->'$.category[0]') AS category,
    coalesce(json->>'$.description', json->>'$.content[0].attachment.title') AS description,
    json->>'$.author[0].display' AS author,
    json->>'$.context.encounter[0].reference' AS encounter_id
FROM (
    SELECT *, coalesce(json->>'$.date', json->>'$.context.period.start') AS stated
    FROM resource WHERE type = 'DocumentReference'
)
