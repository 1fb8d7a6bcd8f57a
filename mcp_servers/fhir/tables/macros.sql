-- What the tables share: how FHIR's dates, concepts and references become columns.

-- The day as written; a partial date stands for its first day. What is no date is NULL.
CREATE MACRO day_of(t) AS TRY_CAST(
    CASE length(t) WHEN 4 THEN t || '-01-01' WHEN 7 THEN t || '-01' ELSE left(t, 10) END AS DATE);

-- The instant in UTC, for order and durations; without a time or an offset it counts as UTC.
CREATE MACRO instant_of(t) AS coalesce(
    CASE WHEN length(t) > 10 THEN TRY_CAST(t AS TIMESTAMPTZ) AT TIME ZONE 'UTC' END,
    CAST(day_of(t) AS TIMESTAMP));

CREATE MACRO number_of(j) AS TRY_CAST(j AS DOUBLE);

CREATE MACRO each(j) AS from_json(CASE json_type(j) WHEN 'ARRAY' THEN j ELSE '[]' END, '["JSON"]');

-- A CodeableConcept: its words, its codes, and the code of a terminology that charts share, or else the first.
CREATE MACRO text_of(c) AS coalesce(
    c->>'$.text', (c->>'$.coding[*].display')[1],
    c->>'$.coding[0].code');
CREATE MACRO codes_of(c) AS list_distinct(c->>'$.coding[*].code');
CREATE MACRO is_shared(system) AS system IN (
    'http://loinc.org', 'http://snomed.info/sct', 'http://www.nlm.nih.gov/research/umls/rxnorm',
    'http://hl7.org/fhir/sid/cvx');
CREATE MACRO coding_of(c) AS CASE
    WHEN is_shared(c->>'$.coding[0].system') THEN json_extract(c, '$.coding[0]')
    WHEN is_shared(c->>'$.coding[1].system') THEN json_extract(c, '$.coding[1]')
    WHEN is_shared(c->>'$.coding[2].system') THEN json_extract(c, '$.coding[2]')
    ELSE json_extract(c, '$.coding[0]') END;
CREATE MACRO code_of(c) AS coding_of(c)->>'$.code';
CREATE MACRO system_of(c) AS coding_of(c)->>'$.system';
CREATE MACRO status_of(c) AS coalesce(c->>'$.coding[0].code', c->>'$.text');
CREATE MACRO texts_of(l) AS (SELECT string_agg(text_of(one), ', ') FROM (SELECT unnest(each(l)) AS one));

-- A reference to this server without the version that it may name.
CREATE MACRO unversioned(reference) AS split_part(reference, '/_history/', 1);

-- The medication of an order, statement, administration or dispense: coded, contained or referred to.
CREATE MACRO medication_of(j) AS coalesce(
    json_extract(j, '$.medicationCodeableConcept'),
    (SELECT any_value(json_extract(one, '$.code')) FROM (SELECT unnest(each(json_extract(j, '$.contained'))) AS one)
     WHERE '#' || (one->>'$.id') = (j->>'$.medicationReference.reference')),
    (SELECT any_value(json_extract(m.json, '$.code')) FROM resource m
     WHERE m.type = 'Medication' AND 'Medication/' || m.id = unversioned(j->>'$.medicationReference.reference')),
    json_object('text', coalesce(j->>'$.medicationReference.display', j->>'$.medicationReference.identifier.value')));

CREATE MACRO dose_of(d) AS coalesce(
    d->>'$.text',
    nullif(concat_ws(' ', d->>'$.doseAndRate[0].doseQuantity.value', d->>'$.doseAndRate[0].doseQuantity.unit',
                     text_of(json_extract(d, '$.route')), text_of(json_extract(d, '$.timing.code'))), ''));

CREATE MACRO unit_of(q) AS coalesce(q->>'$.unit', q->>'$.code');
CREATE MACRO amount_of(q) AS (q->>'$.value') || coalesce(' ' || unit_of(q), '');

-- A range as `1-2 g`, `>= 1 g` or `<= 2 g`.
CREATE MACRO range_of(r) AS coalesce(
    (r->>'$.low.value') || '-' || (r->>'$.high.value'), '>= ' || (r->>'$.low.value'), '<= ' || (r->>'$.high.value'))
    || coalesce(' ' || coalesce(unit_of(json_extract(r, '$.low')), unit_of(json_extract(r, '$.high'))), '');

-- A titre as `1:64`, a quotient of amounts as `5 mg / 2 mL`.
CREATE MACRO ratio_of(r) AS amount_of(json_extract(r, '$.numerator'))
    || CASE WHEN coalesce(unit_of(json_extract(r, '$.numerator')), unit_of(json_extract(r, '$.denominator'))) IS NULL
       THEN ':' ELSE ' / ' END
    || amount_of(json_extract(r, '$.denominator'));

-- What a value says, when it is not a number with a unit.
CREATE MACRO value_text_of(j) AS coalesce(
    text_of(json_extract(j, '$.valueCodeableConcept')), j->>'$.valueString', j->>'$.valueDateTime', j->>'$.valueTime',
    j->>'$.valueBoolean',
    CASE WHEN coalesce(j->>'$.valuePeriod.start', j->>'$.valuePeriod.end') IS NOT NULL
         THEN coalesce(j->>'$.valuePeriod.start', '...') || ' to ' || coalesce(j->>'$.valuePeriod.end', '...') END,
    range_of(json_extract(j, '$.valueRange')), ratio_of(json_extract(j, '$.valueRatio')), j->>'$.valueSampledData.data');
