-- MedicationAdministration: doses that were given, or not done (`status`).
SELECT
    'MedicationAdministration/' || id AS ref,
    json->>'$.status' AS status,
    day_of(stated) AS date,
    instant_of(stated) AS instant,
    stated AS date_text,
    instant_of(json->>'$.effectivePeriod.end') AS end_instant,
    code_of(medication) AS code,
    codes_of(medication) AS codes,
    text_of(medication) AS code_text,
    number_of(json->>'$.dosage.dose.value') AS value,
    unit_of(json->'$.dosage.dose') AS unit,
    text_of(json->'$.dosage.route') AS route,
    json->>'$.request.reference' AS request_id,
    json->>'$.context.reference' AS encounter_id
FROM (
    SELECT *, medication_of(json) AS medication,
           coalesce(json->>'$.effectiveDateTime', json->>'$.effectivePeriod.start') AS stated
    FROM resource WHERE type = 'MedicationAdministration'
)
