-- Observation: measurements and results; the parts of a panel stand in observation_component.
SELECT
    'Observation/' || id AS ref,
    json->>'$.status' AS status,
    day_of(stated) AS date,
    instant_of(stated) AS instant,
    stated AS date_text,
    code_of(json->'$.code') AS code,
    codes_of(json->'$.code') AS codes,
    system_of(json->'$.code') AS system,
    text_of(json->'$.code') AS code_text,
    status_of(json->'$.category[0]') AS category,
    number_of(coalesce(json->>'$.valueQuantity.value', json->>'$.valueInteger')) AS value,
    unit_of(json->'$.valueQuantity') AS unit,
    json->>'$.valueQuantity.comparator' AS comparator,
    value_text_of(json) AS value_text,
    status_of(json->'$.interpretation[0]') AS interpretation,
    number_of(json->>'$.referenceRange[0].low.value') AS range_low,
    number_of(json->>'$.referenceRange[0].high.value') AS range_high,
    status_of(json->'$.dataAbsentReason') AS absent_reason,
    json->>'$.encounter.reference' AS encounter_id
FROM (
    SELECT *, coalesce(json->>'$.effectiveDateTime', json->>'$.effectiveInstant', json->>'$.effectivePeriod.start',
                       json->>'$.effectiveTiming.event[0]', json->>'$.effectivePeriod.end') AS stated
    FROM resource WHERE type = 'Observation'
)
