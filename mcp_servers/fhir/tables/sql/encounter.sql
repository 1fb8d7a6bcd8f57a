-- Encounter: visits and stays; other tables point here with encounter_id.
SELECT
    'Encounter/' || id AS ref,
    json->>'$.status' AS status,
    json->>'$.class.code' AS class,
    day_of(json->>'$.period.start') AS date,
    instant_of(json->>'$.period.start') AS instant,
    json->>'$.period.start' AS date_text,
    day_of(json->>'$.period.end') AS end_date,
    instant_of(json->>'$.period.end') AS end_instant,
    code_of(json->'$.type[0]') AS code,
    codes_of(json->'$.type[0]') AS codes,
    text_of(json->'$.type[0]') AS code_text,
    coalesce(texts_of(json->'$.reasonCode'), json->>'$.reasonReference[0].display') AS reason,
    text_of(json->'$.hospitalization.dischargeDisposition') AS discharge,
    json->>'$.serviceProvider.display' AS service_provider
FROM resource WHERE type = 'Encounter'
