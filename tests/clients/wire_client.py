"""Requests that use what a dialect has, for a server that judges their translation: see oracles/.

Each must reach the provider in a form that its vendor's own library accepts, and be answered.
"""

import anthropic
import openai
from world import HELLO, PIXEL, PIXEL_BYTES, SCHEMA, TEXT, WEATHER, World, play
from world import WEATHER_OF_ANTHROPIC as TOOL

TINY_PDF = "JVBERi0xLjQKJSVFT0YK"
IMAGE = {"type": "base64", "media_type": "image/png", "data": PIXEL}
# Schemas of every sort of keyword.
DEEP = {
    "type": "object",
    "$defs": {"place": {"type": "object", "properties": {"lat": {"type": "number", "minimum": -90}}}},
    "properties": {
        "where": {"$ref": "#/$defs/place"},
        "when": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
        "kinds": {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 1},
    },
    "required": ["where"],
    "additionalProperties": False,
}


def chat(world, name="echo", **more):
    client = openai.OpenAI(base_url=world.base_url, api_key=world.key, max_retries=0, timeout=30)
    more.setdefault("messages", HELLO)
    return client.chat.completions.create(model=world.model(name), **more)


def message(world, name="echo", **more):
    client = anthropic.Anthropic(base_url=world.root, api_key=world.key, max_retries=0, timeout=30)
    more.setdefault("messages", HELLO)
    more.setdefault("max_tokens", 4000)
    return client.messages.create(model=world.model(name), **more)


def text_of(answer):
    if isinstance(answer, anthropic.types.Message):
        return "".join(block.text for block in answer.content if block.type == "text")
    return answer.choices[0].message.content


def user(*parts):
    return {"role": "user", "content": list(parts)}


# Scenarios


def parameters(world):
    """What has a counterpart arrives under the name that it has there."""
    answer = chat(
        world,
        temperature=1.7,
        top_p=0.5,
        max_completion_tokens=77,
        stop=["never"],
        user="somebody",
        metadata={"k": "v"},
        n=1,
        logprobs=False,
        frequency_penalty=0,
        parallel_tool_calls=True,
        store=False,
    )
    assert text_of(answer) == TEXT
    more = {"extra_body": {"temperature": 0.3, "top_k": 5}}
    stops = ["a", "b", "c"]
    answer = message(world, stop_sequences=stops, metadata={"user_id": "u"}, **more)
    assert text_of(answer) == TEXT
    for effort in ("none", "minimal", "low", "medium", "high", "xhigh"):
        assert text_of(chat(world, reasoning_effort=effort)) == TEXT, effort
    for thinking in (
        {"type": "enabled", "budget_tokens": 2000},
        {"type": "adaptive"},
        {"type": "disabled"},
    ):
        assert text_of(message(world, thinking=thinking)) == TEXT, thinking
    for tier in ("auto", "default"):
        assert text_of(chat(world, service_tier=tier)) == TEXT, tier


def systems(world):
    """System texts from wherever they stand."""
    turns = [
        {"role": "system", "content": "be brief"},
        {"role": "developer", "content": [{"type": "text", "text": "be kind"}]},
        {"role": "user", "content": "hello"},
        {"role": "user", "content": "and"},
        {"role": "assistant", "content": "yes"},
        {"role": "system", "content": "now in verse"},
        *HELLO,
    ]
    assert text_of(chat(world, messages=turns)).endswith(TEXT)
    cached = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    blocks = [{"type": "text", "text": "be brief"}, {"type": "text", "text": "be kind", **cached}]
    talk = [user({"type": "text", "text": TEXT, **cached})]
    assert text_of(message(world, system=blocks, messages=talk, tools=[{**TOOL, **cached}])) == TEXT


def tools(world):
    """Tools of every sort, and each way to choose."""
    bare = {"type": "function", "function": {"name": "bare"}}
    strict = {"name": "deep_tool-1", "parameters": DEEP, "strict": True, "description": "d" * 2000}
    several = [WEATHER, bare, {"type": "function", "function": strict}]
    named = {"type": "function", "function": {"name": "bare"}}
    for choice in ("auto", "none", "required", named):
        assert text_of(chat(world, tools=several, tool_choice=choice)) == TEXT, choice
    for choice in ({"type": "auto"}, {"type": "any"}, {"type": "none"}, {"type": "tool", "name": TOOL["name"]}):
        assert text_of(message(world, tools=[TOOL], tool_choice=choice)) == TEXT, choice
    odd = {"name": "empty", "input_schema": {"type": "object", "properties": {}}}
    assert text_of(message(world, tools=[odd, {**TOOL, "strict": True}])) == TEXT


def results(world):
    """Results with texts, pictures and failures, of calls made at once and with foreign ids."""
    call = lambda id, **of: {"type": "function", "id": id, "function": of}
    odd = "call/with:odd ünicode|" + "x" * 80
    talk = [
        *HELLO,
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                call("a", name="get_weather", arguments='{"city": "Paris"}'),
                call(odd, name="bare", arguments=""),
            ],
        },
        {"role": "tool", "tool_call_id": odd, "content": [{"type": "text", "text": "rainy"}]},
        {"role": "tool", "tool_call_id": "a", "content": '{"sun": [1, null]}'},
        {"role": "assistant", "content": "it is so"},
        {"role": "user", "content": "thanks"},
    ]
    bare = {"type": "function", "function": {"name": "bare"}}
    assert text_of(chat(world, messages=talk, tools=[WEATHER, bare])) == "thanks"
    assert text_of(chat(world, messages=talk)) == "thanks", "a history of calls without tools"
    use = lambda id: {"type": "tool_use", "id": id, "name": "get_weather", "input": {"city": "Rome"}}
    give = lambda id, content, **more: {
        "type": "tool_result",
        "tool_use_id": id,
        "content": content,
        **more,
    }
    picture = [{"type": "text", "text": "seen"}, {"type": "image", "source": IMAGE}]
    turns = [
        *HELLO,
        {"role": "assistant", "content": [{"type": "text", "text": "so"}, use("t1"), use("t2")]},
        user(give("t1", picture), give("t2", "it broke", is_error=True)),
        {"role": "assistant", "content": [use("t3")]},
        user(give("t3", []), {"type": "text", "text": "thanks"}),
    ]
    tools = {**TOOL, "cache_control": {"type": "ephemeral"}}
    assert message(world, messages=turns, tools=[tools]).content


def pictures(world):
    url = {"url": f"data:image/png;base64,{PIXEL}", "detail": "high"}
    parts = [{"type": "image_url", "image_url": url}, {"type": "text", "text": "look"}]
    said = f"look [1 image, {PIXEL_BYTES} bytes]"
    assert text_of(chat(world, messages=[user(*parts)])) == said
    parts = [{"type": "image", "source": IMAGE}, {"type": "text", "text": "look"}]
    assert text_of(message(world, messages=[user(*parts)])) == said


def documents(world):
    pdf = {"type": "base64", "media_type": "application/pdf", "data": TINY_PDF}
    plain = {"type": "text", "media_type": "text/plain", "data": "the whole text"}
    name = "Années (2) [draft]?.pdf"
    parts = [
        {"type": "document", "source": pdf, "title": name, "context": "of last year"},
        {"type": "document", "source": pdf, "title": name},
        {"type": "document", "source": plain, "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "look"},
    ]
    assert text_of(message(world, messages=[user(*parts)])).endswith("look")
    file = {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{TINY_PDF}"}
    parts = [{"type": "file", "file": file}, {"type": "text", "text": "look"}]
    assert text_of(chat(world, messages=[user(*parts)])).endswith("look")


def schemas(world):
    """A schema arrives whole."""
    form = {"type": "json_schema", "json_schema": {"name": "deep", "schema": DEEP, "strict": True}}
    answer = text_of(chat(world, "json", response_format=form))
    assert '"where"' in answer and '"lat"' in answer, answer
    form = {"format": {"type": "json_schema", "schema": {**SCHEMA, "additionalProperties": False}}}
    assert '"city"' in text_of(message(world, "json", extra_body={"output_config": form}))
    assert chat(world, response_format={"type": "json_object"}).choices
    assert chat(world, response_format={"type": "text"}).choices


def thoughts(world):
    """Thoughts of the provider's own come back with their seals, foreign ones are left out."""
    wish = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "tools": [TOOL]}
    answer = message(world, "signed", **wish)
    (call,) = [block for block in answer.content if block.type == "tool_use"]
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    talk = [*HELLO, {"role": "assistant", "content": answer.content}, user(result)]
    assert text_of(message(world, "signed", messages=talk, **wish)) == "sunny"
    foreign = [
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "redacted_thinking", "data": "b3RoZXI="},
        {"type": "text", "text": "so"},
    ]
    talk = [*HELLO, {"role": "assistant", "content": foreign}, *HELLO]
    assert text_of(message(world, messages=talk, **wish)) == TEXT


def embeddings(world):
    client = openai.OpenAI(base_url=world.base_url, api_key=world.key, max_retries=0, timeout=30)
    one = client.embeddings.create(model=world.model("amazon.titan-embed-text-v2:0"), input="a", dimensions=256)
    assert len(one.data[0].embedding) == 256 and one.usage.prompt_tokens == 3
    both = client.embeddings.create(model=world.model("cohere.embed-v4:0"), input=["a", "abc"])
    assert [item.embedding[0] for item in both.data] == [1, 3]


if __name__ == "__main__":
    play([parameters, systems, tools, results, pictures, documents, schemas, thoughts, embeddings], World)
