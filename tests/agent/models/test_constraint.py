"""What a server's grammar converter gets: the same schema without the words that break converters."""

from agent.models.constraint import grammar_schema


def test_words_that_break_a_converter_are_put_otherwise() -> None:
    schema = {
        "type": "object",
        "properties": {
            "since": {"type": "string", "maxLength": 10, "pattern": r"^\d{4}(-\d{2})?$"},
            "text": {"type": "string", "minLength": 1, "maxLength": 4000},
            "items": {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 3}},
        },
    }
    assert grammar_schema(schema) == {
        "type": "object",
        "properties": {
            "since": {"type": "string", "maxLength": 10, "pattern": "^[0-9]{4}(-[0-9]{2})?$"},
            "text": {"type": "string", "minLength": 1},
            "items": {"type": "array", "items": {"enum": [1, 2, 3]}},
        },
    }


def test_arguments_that_are_named_like_schema_words_are_kept() -> None:
    schema = {"properties": {"pattern": {"type": "string"}, "maxLength": {"type": "integer", "minimum": 1}}}
    assert grammar_schema(schema) == schema


def test_the_schema_that_was_given_is_not_changed() -> None:
    schema = {"type": "string", "maxLength": 4000}
    grammar_schema(schema)
    assert schema == {"type": "string", "maxLength": 4000}
