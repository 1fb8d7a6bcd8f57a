-- Goal: goals and their targets.
SELECT
    'Goal/' || id AS ref,
    json->>'$.lifecycleStatus' AS status,
    status_of(json->'$.achievementStatus') AS achievement_status,
    day_of(coalesce(json->>'$.startDate', json->>'$.statusDate')) AS date,
    instant_of(coalesce(json->>'$.startDate', json->>'$.statusDate')) AS instant,
    coalesce(json->>'$.startDate', json->>'$.statusDate') AS date_text,
    text_of(json->'$.description') AS code_text,
    day_of(json->>'$.target[0].dueDate') AS due_date,
    number_of(json->>'$.target[0].detailQuantity.value') AS value,
    unit_of(json->'$.target[0].detailQuantity') AS unit
FROM resource WHERE type = 'Goal'
