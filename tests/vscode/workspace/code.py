"""A prompt in a string literal."""

PROMPT = "The largest planet is called"


def ask(model):
    return model(PROMPT + " ")
