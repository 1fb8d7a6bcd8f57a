-- MedicationRequest: orders and prescriptions; `date` is when it was written.
SELECT
    'MedicationRequest/' || id AS ref,
    json->>'$.status' AS status,
    json->>'$.intent' AS intent,
    coalesce(json->>'$.doNotPerform', 'false') = 'true' AS do_not_perform,
    day_of(json->>'$.authoredOn') AS date,
    instant_of(json->>'$.authoredOn') AS instant,
    json->>'$.authoredOn' AS date_text,
    code_of(medication) AS code,
    codes_of(medication) AS codes,
    text_of(medication) AS code_text,
    dose_of(json->'$.dosageInstruction[0]') AS dose,
    coalesce(texts_of(json->'$.reasonCode'), json->>'$.reasonReference[0].display') AS reason,
    json->>'$.reasonReference[0].reference' AS reason_id,
    json->>'$.encounter.reference' AS encounter_id
FROM (SELECT *, medication_of(json) AS medication FROM resource WHERE type = 'MedicationRequest')
