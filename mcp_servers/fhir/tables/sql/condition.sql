-- Condition: problems and diagnoses; `date` is the onset, or else when it was recorded.
SELECT
    'Condition/' || id AS ref,
    status_of(json->'$.clinicalStatus') AS status,
    status_of(json->'$.clinicalStatus') AS clinical_status,
    status_of(json->'$.verificationStatus') AS verification_status,
    day_of(stated) AS date,
    instant_of(stated) AS instant,
    stated AS date_text,
    coalesce(json->>'$.onsetString', (json->>'$.onsetAge.value') || ' ' || coalesce(unit_of(json->'$.onsetAge'), 'years old'),
             range_of(json->'$.onsetRange')) AS onset_text,
    day_of(coalesce(json->>'$.abatementDateTime', json->>'$.abatementPeriod.end', json->>'$.abatementPeriod.start'))
        AS abatement_date,
    day_of(json->>'$.recordedDate') AS recorded_date,
    code_of(json->'$.code') AS code,
    codes_of(json->'$.code') AS codes,
    system_of(json->'$.code') AS system,
    text_of(json->'$.code') AS code_text,
    status_of(json->'$.category[0]') AS category,
    text_of(json->'$.severity') AS severity,
    json->>'$.encounter.reference' AS encounter_id
FROM (
    SELECT *, coalesce(json->>'$.onsetDateTime', json->>'$.onsetPeriod.start', json->>'$.recordedDate') AS stated
    FROM resource WHERE type = 'Condition'
)
