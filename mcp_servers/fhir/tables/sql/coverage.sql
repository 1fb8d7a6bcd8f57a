-- Coverage: insurance.
SELECT
    'Coverage/' || id AS ref,
    json->>'$.status' AS status,
    day_of(json->>'$.period.start') AS date,
    instant_of(json->>'$.period.start') AS instant,
    json->>'$.period.start' AS date_text,
    day_of(json->>'$.period.end') AS end_date,
    coalesce(text_of(json->'$.type'), json->>'$.class[0].name') AS code_text,
    json->>'$.payor[0].display' AS payor
FROM resource WHERE type = 'Coverage'
