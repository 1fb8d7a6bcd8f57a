"""Characters of a chart that nobody sees, which could hide words from a person and tell them a model."""

import re

# Letters of scripts in which a joiner shapes what is read: Arabic to Myanmar, Khmer to Lepcha, and the like.
_SHAPED = (
    r"\u0620-\u109f\u1780-\u17b3\u17b6-\u180a\u1820-\u1aff\u1b00-\u1c4f\ua800-\uabff\U00010d00-\U00011fff"
    r"\U0001e900-\U0001e95f"
)
# Control characters (white space is left to the caller), annotation marks, and what Unicode calls
# Default_Ignorable_Code_Point (DerivedCoreProperties.txt): zero-width, bidi, tags, selectors, fillers.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u200b\u200e\u200f"
    r"\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
    rf"|(?<![{_SHAPED}])[\u200c\u200d]|(?<![\u1820-\u18aa])[\u180b-\u180f]"
)


def without_unseen(text: str) -> str:
    """The text without them; joiners stay behind a letter of a script that needs them, one each."""
    # Most texts of a chart are plain, and a search with looking behind takes ten times as long.
    return text if text.isascii() and text.isprintable() else _UNSEEN.sub("", text)
