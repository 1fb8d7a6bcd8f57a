"""A payload for a person: each text of the conversation whole, the rest in short."""

import json

from hypothesis import given
from hypothesis import strategies as st

from agent.egress.payload import told

TEXT = "Question: how is [[PERSON_1]]?\n" + "A row of the chart.\n" * 500


def lines(payload: object) -> list[str]:
    return list(told(payload))


def test_the_turns_of_chat_completions_are_told_whole_and_their_images_in_short() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 100_000}}
    content = [{"type": "text", "text": TEXT}, image]
    said = lines(json.dumps({"model": "m", "messages": [{"role": "user", "content": content}]}))
    assert said[:3] == ['model: "m"', "[user]", TEXT]
    assert said[3].endswith("(100,069 characters; --json has all)")


def test_the_turns_and_the_instructions_of_messages_are_told_whole() -> None:
    sent = {"system": [{"type": "text", "text": TEXT}], "messages": [{"role": "user", "content": TEXT}]}
    assert lines(json.dumps(sent)) == ["[system]", TEXT, "[user]", TEXT]


def test_a_schema_is_told_in_short() -> None:
    (said,) = lines({"response_format": {"schema": ["x"] * 1000}})
    assert said.startswith('response_format: {"schema": ["x", ')
    assert len(said) < 300


def test_what_is_no_conversation_is_told_as_it_is() -> None:
    assert lines("no JSON") == ["no JSON"]
    assert lines("[1, 2]") == ["[1, 2]"]
    assert lines('{"messages": [3, {"role": "user"}]}') == ["3", '{"role": "user"}']


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["messages", "system", "role", "content", "text"]), inner)
    ),
    max_leaves=12,
)


@given(json_values)
def test_any_payload_is_told_in_some_way(payload: object) -> None:
    assert all(isinstance(line, str) for line in lines(payload))
    assert all(isinstance(line, str) for line in lines(json.dumps(payload)))
