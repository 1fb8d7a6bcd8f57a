"""What a question passes through, from the person who asks to the cited answer."""
