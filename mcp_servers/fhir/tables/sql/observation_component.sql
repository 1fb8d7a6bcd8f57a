-- Observation: the parts of a panel, such as the two values of a blood pressure.
SELECT
    'Observation/' || id AS ref,
    status,
    day_of(stated) AS date,
    instant_of(stated) AS instant,
    stated AS date_text,
    panel AS panel_code,
    code_of(part->'$.code') AS code,
    codes_of(part->'$.code') AS codes,
    text_of(part->'$.code') AS code_text,
    number_of(coalesce(part->>'$.valueQuantity.value', part->>'$.valueInteger')) AS value,
    unit_of(part->'$.valueQuantity') AS unit,
    part->>'$.valueQuantity.comparator' AS comparator,
    value_text_of(part) AS value_text,
    status_of(part->'$.interpretation[0]') AS interpretation,
    status_of(part->'$.dataAbsentReason') AS absent_reason
FROM (
    SELECT id, json->>'$.status' AS status, code_of(json->'$.code') AS panel, unnest(each(json->'$.component')) AS part,
           coalesce(json->>'$.effectiveDateTime', json->>'$.effectiveInstant', json->>'$.effectivePeriod.start',
                    json->>'$.effectiveTiming.event[0]', json->>'$.effectivePeriod.end') AS stated
    FROM resource WHERE type = 'Observation'
)
