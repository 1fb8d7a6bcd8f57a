-- AllergyIntolerance: allergies, and statements that there are none (`code_text`).
SELECT
    'AllergyIntolerance/' || id AS ref,
    status_of(json->'$.clinicalStatus') AS status,
    status_of(json->'$.clinicalStatus') AS clinical_status,
    status_of(json->'$.verificationStatus') AS verification_status,
    day_of(stated) AS date,
    instant_of(stated) AS instant,
    stated AS date_text,
    day_of(json->>'$.recordedDate') AS recorded_date,
    code_of(json->'$.code') AS code,
    codes_of(json->'$.code') AS codes,
    coalesce(text_of(json->'$.code'), text_of(json->'$.reaction[0].substance')) AS code_text,
    json->>'$.category[0]' AS category,
    json->>'$.criticality' AS criticality,
    texts_of(json->'$.reaction[0].manifestation') AS reaction,
    json->>'$.reaction[0].severity' AS severity
FROM (
    SELECT *, coalesce(json->>'$.onsetDateTime', json->>'$.onsetPeriod.start', json->>'$.recordedDate') AS stated
    FROM resource WHERE type = 'AllergyIntolerance'
)
