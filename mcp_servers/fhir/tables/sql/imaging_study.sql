-- ImagingStudy: studies and their modality.
SELECT
    'ImagingStudy/' || id AS ref,
    json->>'$.status' AS status,
    day_of(json->>'$.started') AS date,
    instant_of(json->>'$.started') AS instant,
    json->>'$.started' AS date_text,
    code_of(json->'$.procedureCode[0]') AS code,
    codes_of(json->'$.procedureCode[0]') AS codes,
    coalesce(json->>'$.description', text_of(json->'$.procedureCode[0]')) AS code_text,
    coalesce(json->>'$.modality[0].code', json->>'$.series[0].modality.code') AS modality,
    coalesce(json->>'$.series[0].bodySite.display', json->>'$.series[0].bodySite.code') AS body_site,
    TRY_CAST(json->>'$.numberOfSeries' AS INTEGER) AS number_of_series,
    TRY_CAST(json->>'$.numberOfInstances' AS INTEGER) AS number_of_instances,
    json->>'$.encounter.reference' AS encounter_id
FROM resource WHERE type = 'ImagingStudy'
