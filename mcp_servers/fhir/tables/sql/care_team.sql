-- CareTeam: who cares for the patient; a row a member.
SELECT
    'CareTeam/' || id AS ref,
    json->>'$.status' AS status,
    day_of(json->>'$.period.start') AS date,
    instant_of(json->>'$.period.start') AS instant,
    json->>'$.period.start' AS date_text,
    day_of(json->>'$.period.end') AS end_date,
    coalesce(json->>'$.name', texts_of(json->'$.category')) AS code_text,
    text_of(member->'$.role[0]') AS role,
    member->>'$.member.display' AS member
FROM (
    SELECT *, unnest(CASE WHEN json_array_length(json->'$.participant') > 0 THEN each(json->'$.participant') ELSE [NULL] END)
        AS member
    FROM resource WHERE type = 'CareTeam'
)
