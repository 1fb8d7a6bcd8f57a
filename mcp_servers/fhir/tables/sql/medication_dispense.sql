-- MedicationDispense: what a pharmacy handed over.
SELECT
    'MedicationDispense/' || id AS ref,
    json->>'$.status' AS status,
    day_of(stated) AS date,
    instant_of(stated) AS instant,
    stated AS date_text,
    code_of(medication) AS code,
    codes_of(medication) AS codes,
    text_of(medication) AS code_text,
    number_of(json->>'$.quantity.value') AS value,
    unit_of(json->'$.quantity') AS unit,
    number_of(json->>'$.daysSupply.value') AS days_supply,
    dose_of(json->'$.dosageInstruction[0]') AS dose,
    json->>'$.authorizingPrescription[0].reference' AS request_id
FROM (
    SELECT *, medication_of(json) AS medication,
           coalesce(json->>'$.whenHandedOver', json->>'$.whenPrepared') AS stated
    FROM resource WHERE type = 'MedicationDispense'
)
