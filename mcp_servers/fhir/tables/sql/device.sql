-- Device: implants and other devices.
SELECT
    'Device/' || id AS ref,
    json->>'$.status' AS status,
    day_of(json->>'$.manufactureDate') AS date,
    instant_of(json->>'$.manufactureDate') AS instant,
    json->>'$.manufactureDate' AS date_text,
    code_of(json->'$.type') AS code,
    codes_of(json->'$.type') AS codes,
    coalesce(text_of(json->'$.type'), json->>'$.deviceName[0].name') AS code_text,
    json->>'$.manufacturer' AS manufacturer,
    json->>'$.serialNumber' AS serial_number
FROM resource WHERE type = 'Device'
