-- MedicationStatement: what the patient takes or took, as told; `date` is its start.
SELECT
    'MedicationStatement/' || id AS ref,
    json->>'$.status' AS status,
    day_of(stated) AS date,
    instant_of(stated) AS instant,
    stated AS date_text,
    day_of(json->>'$.effectivePeriod.end') AS end_date,
    code_of(medication) AS code,
    codes_of(medication) AS codes,
    text_of(medication) AS code_text,
    dose_of(json->'$.dosage[0]') AS dose,
    texts_of(json->'$.reasonCode') AS reason,
    json->>'$.context.reference' AS encounter_id
FROM (
    SELECT *, medication_of(json) AS medication,
           coalesce(json->>'$.effectiveDateTime', json->>'$.effectivePeriod.start', json->>'$.dateAsserted') AS stated
    FROM resource WHERE type = 'MedicationStatement'
)
