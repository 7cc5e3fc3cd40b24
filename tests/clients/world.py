"""What the clients' scenarios share: where the server is, what is said, and how one is run.

Usage of each client: CLIENT.py SCENARIO,... BASE_URL KEY PROVIDER...

A scenario is a function of its file; it fails with a traceback or says nothing. It is played with
the models of each provider. Behind them all is Alfred's mock, so that a model's name says what it
does. The provider `mock` is that server itself, asked without a gateway.
"""

import sys

from pydantic import BaseModel

TEXT = "one two three"
HELLO = [{"role": "user", "content": TEXT}]
# A picture of one pixel and its size in bytes.
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PIXEL_BYTES = 70
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
# The same tool in both dialects.
WEATHER = {
    "type": "function",
    "function": {"name": "get_weather", "description": "Current weather", "parameters": SCHEMA},
}
WEATHER_OF_ANTHROPIC = {
    "name": "get_weather",
    "description": "Current weather",
    "input_schema": SCHEMA,
}


class Event(BaseModel):
    """The structured answer that is asked for."""

    name: str
    participants: list[str]


class World:
    """Where the server is, and what its models are called."""

    def __init__(self, base_url, key, prefix):
        self.base_url, self.key, self.prefix = base_url, key, prefix
        self.root = base_url.removesuffix("/v1")
        self.direct = prefix == "mock"

    def model(self, name):
        return f"{self.prefix}/{name}"


def apart(name, mark):
    """The same scenario as a model of its own: a key that was throttled for one still serves the others."""
    return f"{name}{'&' if '?' in name else '?'}tokens_in={10 + mark}"


def fails(kind, call):
    """What `call` raises, which must be of exactly this class."""
    try:
        call()
    except Exception as error:
        assert type(error) is kind, f"{type(error).__name__} instead of {kind.__name__}: {error}"
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


def play(scenarios, world=World):
    """Plays the scenarios that the command line names."""
    names, base_url, key, *providers = sys.argv[1:]
    known = {scenario.__name__: scenario for scenario in scenarios}
    for name in names.split(","):
        for provider in providers:
            print(f"{name} before {provider}:", file=sys.stderr)
            known[name](world(base_url, key, provider))
