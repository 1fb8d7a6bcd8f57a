-- Immunization: vaccines given, or not done (`status`).
SELECT
    'Immunization/' || id AS ref,
    json->>'$.status' AS status,
    day_of(json->>'$.occurrenceDateTime') AS date,
    instant_of(json->>'$.occurrenceDateTime') AS instant,
    json->>'$.occurrenceDateTime' AS date_text,
    code_of(json->'$.vaccineCode') AS code,
    codes_of(json->'$.vaccineCode') AS codes,
    text_of(json->'$.vaccineCode') AS code_text,
    coalesce(json->>'$.protocolApplied[0].doseNumberPositiveInt', json->>'$.protocolApplied[0].doseNumberString')
        AS dose_number,
    json->>'$.encounter.reference' AS encounter_id
FROM resource WHERE type = 'Immunization'
