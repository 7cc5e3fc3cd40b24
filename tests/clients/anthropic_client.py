"""The official `anthropic` client against a running Alfred; see world.py."""

import asyncio
import base64
import time

import anthropic
from anthropic import Anthropic, AsyncAnthropic
from world import HELLO, PIXEL, PIXEL_BYTES, TEXT, Event, World, apart, fails, play
from world import WEATHER_OF_ANTHROPIC as WEATHER


def client_of(world, **more):
    more.setdefault("api_key", world.key)
    more.setdefault("max_retries", 0)
    more.setdefault("timeout", 30)
    return Anthropic(base_url=world.root, **more)


def ask(world, name, client=None, **more):
    more.setdefault("messages", HELLO)
    more.setdefault("max_tokens", 1000)
    client = client or client_of(world)
    return client.messages.create(model=world.model(name), **more)


def text_of(message):
    return "".join(block.text for block in message.content if block.type == "text")


def turns(first, answer, *results):
    """A conversation in which the answer's calls got these results, in their order."""
    calls = [block for block in answer.content if block.type == "tool_use"]
    assert len(calls) == len(results), answer
    results = [
        {"type": "tool_result", "tool_use_id": call.id, "content": result}
        for call, result in zip(calls, results)
    ]
    return [
        *first,
        {"role": "assistant", "content": answer.content},
        {"role": "user", "content": results},
    ]


# Scenarios


def chat(world):
    system = "be brief"
    answer = ask(world, "echo", system=system, extra_body={"temperature": 0.2})
    assert answer.type == "message" and answer.role == "assistant" and answer.id
    (block,) = answer.content
    assert block.type == "text" and block.text == TEXT
    assert answer.stop_reason == "end_turn" and answer.stop_sequence is None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (5, 3), answer.usage
    assert answer._request_id, "the SDK finds the request's id"
    blocks = [{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}]
    assert text_of(ask(world, "echo", system=blocks)) == TEXT
    long = "déjà 🌍 " * 20_000
    answer = ask(world, "echo", messages=[{"role": "user", "content": long}], max_tokens=100_000)
    assert text_of(answer) == long
    talk = [*HELLO, {"role": "assistant", "content": "yes"}, {"role": "user", "content": "and"}]
    assert text_of(ask(world, "echo", messages=talk)) == "and"
    cut = ask(world, "stream?chunks=20", max_tokens=5)
    assert cut.stop_reason == "max_tokens" and cut.usage.output_tokens == 5
    assert ask(world, "content_filter").stop_reason == "refusal"


def strict(world):
    """A provider that refuses members it does not know is sent none."""
    cached = {"cache_control": {"type": "ephemeral"}}
    tool = {**WEATHER, **cached}
    answer = ask(world, "tools?calls=2", tools=[tool])
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    image = [{"type": "image", "source": source}, {"type": "text", "text": "look", **cached}]
    talk = [
        *turns([{"role": "user", "content": image}], answer, "sunny", "rainy"),
        {"role": "assistant", "content": "it is sunny"},
        {"role": "user", "content": "thanks"},
    ]
    more = {
        "system": [{"type": "text", "text": "be brief", **cached}],
        "tools": [tool],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
        "metadata": {"user_id": "somebody"},
        "stop_sequences": ["zwei"],
        "thinking": {"type": "disabled"},
        "extra_body": {"temperature": 0.5, "top_p": 0.9},
    }
    answer = ask(world, "echo?strict=1", messages=talk, **more)
    assert text_of(answer) == f"thanks [1 image, {PIXEL_BYTES} bytes]", answer
    assert list(ask(world, "echo?strict=1", stream=True))


def stops(world):
    """The sequence that ended the answer is named where the provider tells it."""
    answer = ask(world, "echo", stop_sequences=["zwei", "two"])
    assert text_of(answer).strip() == "one"
    assert answer.stop_reason in ("stop_sequence", "end_turn"), answer
    if answer.stop_reason == "stop_sequence":
        assert answer.stop_sequence == "two"


def stream(world):
    events = list(ask(world, "stream?chunks=30", stream=True))
    kinds = [event.type for event in events]
    assert kinds[:2] == ["message_start", "content_block_start"], kinds[:3]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"], kinds[-4:]
    assert kinds.count("message_start") == kinds.count("message_delta") == 1
    start, delta = events[0].message, events[-2]
    assert start.role == "assistant" and start.content == [] and start.stop_reason is None
    said = [event.delta.text for event in events if event.type == "content_block_delta"]
    assert "".join(said) == "".join(f"w{n} " for n in range(30))
    assert delta.delta.stop_reason == "end_turn" and delta.usage.output_tokens == 30
    with client_of(world).messages.stream(
        model=world.model("echo"), messages=HELLO, max_tokens=100
    ) as helper:
        assert "".join(helper.text_stream) == TEXT
        whole = helper.get_final_message()
    assert text_of(whole) == TEXT and whole.stop_reason == "end_turn"
    assert (whole.usage.input_tokens, whole.usage.output_tokens) == (3, 3), whole.usage


def tools(world):
    answer = ask(world, "tools", tools=[WEATHER], tool_choice={"type": "auto"})
    assert answer.stop_reason == "tool_use"
    (call,) = answer.content
    assert (call.type, call.name, call.input) == ("tool_use", "get_weather", {"city": "Paris"})
    last = ask(world, "tools", tools=[WEATHER], messages=turns(HELLO, answer, "sunny"))
    assert text_of(last) == "sunny" and last.stop_reason == "end_turn", last
    two = ask(world, "tools?calls=2", tools=[WEATHER])
    assert len({block.id for block in two.content}) == 2
    last = ask(world, "tools", tools=[WEATHER], messages=turns(HELLO, two, "sunny", "rainy"))
    assert text_of(last) == "sunny rainy", last
    parts = [{"type": "text", "text": "in parts"}]
    last = ask(world, "tools", tools=[WEATHER], messages=turns(HELLO, answer, parts))
    assert text_of(last) == "in parts", last


def tools_streamed(world):
    with client_of(world).messages.stream(
        model=world.model("tools?calls=2"), messages=HELLO, max_tokens=1000, tools=[WEATHER]
    ) as helper:
        fragments = [event.partial_json for event in helper if event.type == "input_json"]
        whole = helper.get_final_message()
    assert "".join(fragments) == '{"city":"Paris"}' * 2, fragments
    assert whole.stop_reason == "tool_use" and len(whole.content) == 2
    for call in whole.content:
        assert (call.name, call.input) == ("get_weather", {"city": "Paris"}), call
    last = ask(world, "tools", tools=[WEATHER], messages=turns(HELLO, whole, "sunny", "rainy"))
    assert text_of(last) == "sunny rainy", last


def images(world):
    assert len(base64.b64decode(PIXEL)) == PIXEL_BYTES
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    content = [{"type": "image", "source": source}, {"type": "text", "text": "look"}]
    answer = ask(world, "echo", messages=[{"role": "user", "content": content}])
    assert text_of(answer) == f"look [1 image, {PIXEL_BYTES} bytes]", answer
    link = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    answer = ask(world, "echo", messages=[{"role": "user", "content": [link, *content]}])
    assert text_of(answer) == f"look [2 images, {PIXEL_BYTES} bytes]", answer


def structured(world):
    messages = client_of(world).messages
    more = {"model": world.model("json"), "messages": HELLO, "max_tokens": 1000}
    answer = messages.parse(output_format=Event, **more)
    assert isinstance(answer.parsed_output, Event), answer
    with messages.stream(output_format=Event, **more) as helper:
        whole = helper.get_final_message()
    assert isinstance(whole.parsed_output, Event), whole


def thinking(world):
    """Thoughts are blocks of their own; sent back they are accepted."""
    wish = {"type": "enabled", "budget_tokens": 1024}
    more = {"thinking": wish, "max_tokens": 4000}
    answer = ask(world, "reasoning", **more)
    thought, text = answer.content
    assert thought.type == "thinking" and thought.thinking == "thought0 thought1 thought2 thought3 "
    assert text.text == "w0 w1 w2 w3 w4 "
    talk = [*HELLO, {"role": "assistant", "content": answer.content}, *HELLO]
    assert ask(world, "reasoning", messages=talk, **more).content
    with client_of(world).messages.stream(
        model=world.model("reasoning"), messages=HELLO, **more
    ) as helper:
        seen = [event.type for event in helper]
        streamed = helper.get_final_message()
    assert "thinking" in seen and "text" in seen, set(seen)
    assert [block.type for block in streamed.content] == ["thinking", "text"]
    assert streamed.content[0].thinking == thought.thinking
    assert streamed.content[0].signature == thought.signature
    talk[1] = {"role": "assistant", "content": streamed.content}
    assert ask(world, "reasoning", messages=talk, **more).content


def signed(world):
    """Thoughts before a call come back with their signature, or Anthropic refuses them."""
    more = {"thinking": {"type": "adaptive"}, "max_tokens": 4000, "tools": [WEATHER]}
    answer = ask(world, "signed", **more)
    assert [block.type for block in answer.content] == ["thinking", "tool_use"], answer
    last = ask(world, "signed", messages=turns(HELLO, answer, "sunny"), **more)
    assert text_of(last) == "sunny", last
    with client_of(world).messages.stream(
        model=world.model("signed"), messages=HELLO, **more
    ) as helper:
        streamed = helper.get_final_message()
    last = ask(world, "signed", messages=turns(HELLO, streamed, "sunny"), **more)
    assert text_of(last) == "sunny", last


def forged(world):
    """A signature that was changed is refused by Anthropic, and the caller hears why."""
    more = {"thinking": {"type": "adaptive"}, "max_tokens": 4000, "tools": [WEATHER]}
    answer = ask(world, "signed", **more)
    answer.content[0].signature = "A" * 128
    call = lambda: ask(world, "signed", messages=turns(HELLO, answer, "sunny"), **more)
    error = fails(anthropic.BadRequestError, call)
    assert "signature" in error.message, error.message


def count_tokens(world):
    count = client_of(world).messages.count_tokens
    counted = count(model=world.model("echo"), messages=HELLO, system="be brief", tools=[WEATHER])
    assert counted.input_tokens >= 5, counted


def cached_usage(world):
    name = "echo?tokens_in=1000&tokens_out=70&tokens_cached=600"
    for answer in (ask(world, name), final(world, name)):
        usage = answer.usage
        assert usage.cache_read_input_tokens == 600, usage
        assert (usage.input_tokens, usage.output_tokens) == (400, 70), usage


def written_usage(world):
    """What was written to the cache is told by Anthropic alone."""
    name = "echo?tokens_in=1000&tokens_cached=600&tokens_written=100&tokens_written_1h=50"
    for answer in (ask(world, name), final(world, name)):
        usage = answer.usage
        assert (usage.input_tokens, usage.cache_creation_input_tokens) == (250, 150), usage
        split = usage.cache_creation
        if split:
            assert (split.ephemeral_5m_input_tokens, split.ephemeral_1h_input_tokens) == (100, 50)


def final(world, name):
    """The message at the end of a stream."""
    with client_of(world).messages.stream(
        model=world.model(name), messages=HELLO, max_tokens=1000
    ) as helper:
        return helper.get_final_message()


def provider_errors(world):
    """What the provider answers, in whatever shape, as the class that applications catch."""
    error = fails(anthropic.RateLimitError, lambda: ask(world, "status?code=429&retry_after=7"))
    assert error.response.headers["retry-after"] == "7"
    assert error.body["error"]["type"] == "rate_limit_error"
    cases = [
        ("status?code=400", anthropic.BadRequestError, 400),
        ("status?code=404", anthropic.NotFoundError, 404),
        ("status?code=429", anthropic.RateLimitError, 429),
        ("quota", anthropic.RateLimitError, 429),
        ("status?code=500", None, None),
        ("status?code=503&shape=html", None, None),
        ("status?code=529", None, None),
        ("error_in_stream", None, None),
        # Last, because the provider's key is left alone from then on.
        ("status?code=401", anthropic.AuthenticationError if world.direct else None, None),
    ]
    for name, kind, status in cases:
        for streamed in (False, True):
            # Without a gateway nobody turns an error inside a 200 into a status.
            if world.direct and name == "error_in_stream":
                continue
            try:
                list(ask(world, apart(name, streamed), stream=streamed))
            except anthropic.APIStatusError as error:
                assert isinstance(error, kind or anthropic.InternalServerError), f"{name}: {error!r}"
                assert status in (None, error.status_code), f"{name}: {error.status_code}"
                if "html" in name and world.direct:
                    continue
                body = error.body
                assert body["type"] == "error" and body["error"]["type"], f"{name}: {body}"
                assert body["error"]["message"] and error.request_id, f"{name}: {body}"
            else:
                raise AssertionError(f"{name} raised nothing")


def stream_errors(world):
    """A stream that breaks off after content raises, and what came before was delivered."""
    names = ["error_in_stream?after=3", "cut?after=3", "reset?after=3"]
    if not world.direct:
        names.append("end_without_finish?after=3")
    for name in names:
        text = ""
        try:
            for event in ask(world, name, stream=True):
                if event.type == "content_block_delta":
                    text += event.delta.text
        except anthropic.APIError as error:
            if not world.direct:
                assert error.body["error"]["type"], f"{name}: {error.body}"
        except Exception as error:
            # Without a gateway a lost connection is the HTTP library's error.
            assert world.direct and type(error).__module__.startswith("httpx"), f"{name}: {error!r}"
        else:
            raise AssertionError(f"{name} raised nothing")
        assert text == "w0 w1 w2 ", f"{name}: {text!r}"


def mock_errors(world):
    """What the mock refuses when nobody stands between."""
    error = fails(anthropic.NotFoundError, lambda: ask(world, "ecko"))
    assert error.body["error"]["type"] == "not_found_error" and "echo" in error.message
    error = fails(anthropic.AuthenticationError, lambda: ask(world, "auth?key=other"))
    assert error.body["error"]["type"] == "authentication_error"
    error = fails(anthropic.BadRequestError, lambda: ask(world, "echo", max_tokens=0))
    assert error.message and error.request_id
    error = fails(anthropic.BadRequestError, lambda: ask(world, "echo?strict=1", extra_body={"n": 1}))
    assert "n: Extra inputs are not permitted" in error.message


def gateway_errors(world):
    """What Alfred itself refuses."""
    known = client_of(world)
    create = lambda **more: known.messages.create(messages=HELLO, **more)
    error = fails(anthropic.NotFoundError, lambda: create(model="fats", max_tokens=10))
    assert error.body["type"] == "error" and error.body["error"]["type"] == "not_found_error"
    assert "did you mean 'fast'" in error.message, error.message
    assert error.request_id and error.response.headers["x-alfred-error-source"] == "gateway"
    stranger = client_of(world, api_key="ak_live_nonsense")
    error = fails(anthropic.AuthenticationError, lambda: ask(world, "echo", stranger))
    assert error.body["error"]["type"] == "authentication_error"
    error = fails(anthropic.BadRequestError, lambda: ask(world, "echo", messages=[]))
    assert error.body["error"]["type"] == "invalid_request_error"
    huge = [{"role": "user", "content": "x" * 1_100_000}]
    error = fails(anthropic.ContentTooLargeError, lambda: ask(world, "echo", messages=huge))
    assert error.body["error"]["type"] == "request_too_large"
    bearer = client_of(world, api_key=None, auth_token=world.key)
    assert text_of(ask(world, "echo", bearer)) == TEXT, "a bearer key is as good"
    assert ask(world, "echo", known).content, "the client goes on after its errors"


def models(world):
    client = client_of(world)
    ids = [model.id for model in client.models.list(limit=1000)]
    known = "echo" if world.direct else "fast"
    assert known in ids
    model = client.models.retrieve(known)
    assert (model.type, model.id) == ("model", known) and model.display_name and model.created_at
    fails(anthropic.NotFoundError, lambda: client.models.retrieve("fats"))


def retries(world):
    """Alfred has retried already, and says so: the SDK must not multiply that."""
    for name in ("status?code=503", "status?code=529", "close", "quota"):
        sent = []
        http = anthropic.DefaultHttpxClient(event_hooks={"request": [sent.append]})
        client = client_of(world, http_client=http, max_retries=2)
        try:
            ask(world, name, client)
        except anthropic.APIStatusError as error:
            assert error.response.headers["x-should-retry"] == "false", name
        else:
            raise AssertionError(f"{name} raised nothing")
        assert len(sent) == 1, f"{name}: {len(sent)} requests"


def dead_key(world):
    """Where nobody can be asked for minutes, the SDK is not told to sleep through them."""
    client = client_of(world, max_retries=2)
    fails(anthropic.InternalServerError, lambda: ask(world, "status?code=401", client))
    begun = time.monotonic()
    error = fails(anthropic.ServiceUnavailableError, lambda: ask(world, "echo", client))
    assert time.monotonic() - begun < 5 and int(error.response.headers["retry-after"]) > 60


async def many(world):
    async with AsyncAnthropic(base_url=world.root, api_key=world.key, max_retries=0) as client:

        async def one(number):
            text = f"question {number}"
            more = {"messages": [{"role": "user", "content": text}], "max_tokens": 100}
            if number % 2:
                answer = await client.messages.create(model=world.model("echo"), **more)
                return text == text_of(answer)
            said = ""
            stream = client.messages.stream(model=world.model("echo?delay=5ms"), **more)
            async with stream as helper:
                async for piece in helper.text_stream:
                    said += piece
            return text == said

        right = await asyncio.gather(*(one(number) for number in range(60)))
        assert all(right), right


def concurrent(world):
    asyncio.run(many(world))


SCENARIOS = [
    chat,
    strict,
    stops,
    stream,
    tools,
    tools_streamed,
    images,
    structured,
    thinking,
    signed,
    forged,
    count_tokens,
    cached_usage,
    written_usage,
    provider_errors,
    stream_errors,
    mock_errors,
    gateway_errors,
    models,
    retries,
    dead_key,
    concurrent,
]

if __name__ == "__main__":
    play(SCENARIOS, World)
