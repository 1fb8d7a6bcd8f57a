-- Patient: who it is; one row.
SELECT
    'Patient/' || id AS ref,
    coalesce(json->>'$.name[0].text', array_to_string(json->>'$.name[0].given[*]', ' ') || ' ' || (json->>'$.name[0].family')) AS name,
    json->>'$.gender' AS gender,
    day_of(json->>'$.birthDate') AS birth_date,
    coalesce(json->>'$.deceasedBoolean', CASE WHEN json->>'$.deceasedDateTime' IS NOT NULL THEN 'true' ELSE 'false' END) = 'true' AS deceased,
    day_of(json->>'$.deceasedDateTime') AS deceased_date,
    text_of(json->'$.maritalStatus') AS marital_status,
    json->>'$.address[0].city' AS city
FROM resource WHERE type = 'Patient'
