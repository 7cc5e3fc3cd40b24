"""The official `openai` client against a running Alfred; see world.py."""

import asyncio
import time

import openai
from openai import AsyncOpenAI, OpenAI
from world import HELLO, PIXEL, PIXEL_BYTES, WEATHER, Event, World, apart, fails, play


class Client(World):
    """A world that makes this client."""

    def client(self, **more):
        more.setdefault("api_key", self.key)
        more.setdefault("max_retries", 0)
        more.setdefault("timeout", 30)
        return OpenAI(base_url=self.base_url, **more)


def ask(world, name, client=None, **more):
    more.setdefault("messages", HELLO)
    client = client or world.client()
    return client.chat.completions.create(model=world.model(name), **more)


# Scenarios


def chat(world):
    answer = ask(world, "echo", temperature=0.2, max_completion_tokens=50)
    assert answer.object == "chat.completion" and answer.id and answer.created > 1_000_000_000
    (choice,) = answer.choices
    assert choice.index == 0 and choice.finish_reason == "stop"
    assert choice.message.role == "assistant" and choice.message.content == "one two three"
    assert choice.message.refusal is None and choice.logprobs is None
    usage = answer.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (3, 3, 6)
    assert answer._request_id, "the SDK finds the request's id"
    many = [{"role": "user", "content": "déjà 🌍 " * 20_000}]
    long = ask(world, "echo", messages=many, max_tokens=500_000)
    assert long.choices[0].message.content == "déjà 🌍 " * 20_000
    parts = [{"type": "text", "text": "in parts"}]
    assert ask(world, "echo", messages=[{"role": "user", "content": parts}]).choices
    cut = ask(world, "stream?chunks=20", max_tokens=5)
    assert cut.choices[0].finish_reason == "length"
    assert ask(world, "content_filter").choices[0].finish_reason == "content_filter"


def own_dialect(world):
    """What only a provider of the same dialect understands."""
    new = ask(world, "echo", seed=7, extra_body={"a_parameter_of_tomorrow": {"x": [1, None]}})
    assert new.choices[0].message.content == "one two three"
    declined = ask(world, "refusal")
    assert declined.choices[0].message.refusal and not declined.choices[0].message.content
    two = ask(world, "echo", n=2)
    assert [choice.index for choice in two.choices] == [0, 1]
    choices = {0: "", 1: ""}
    for chunk in ask(world, "echo", stream=True, n=2):
        for choice in chunk.choices:
            choices[choice.index] += choice.delta.content or ""
    assert choices == {0: "one two three", 1: "one two three"}


def strict(world):
    """A provider that refuses members it does not know is sent none."""
    message = ask(world, "tools?calls=2", tools=[WEATHER]).choices[0].message
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
        for call in message.tool_calls
    ]
    url = {"url": f"data:image/png;base64,{PIXEL}", "detail": "low"}
    image = [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": url}]
    messages = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": image},
        message,
        *results,
        {"role": "assistant", "content": "it is sunny"},
        {"role": "user", "content": "thanks"},
    ]
    answer = ask(
        world,
        "echo?strict=1",
        messages=messages,
        tools=[WEATHER],
        tool_choice="auto",
        parallel_tool_calls=True,
        max_completion_tokens=100,
        temperature=0.5,
        top_p=0.9,
        stop=["zwei"],
        user="somebody",
        n=1,
    )
    said = answer.choices[0].message.content
    assert said == f"thanks [1 image, {PIXEL_BYTES} bytes]", said
    more = {"stream": True, "stream_options": {"include_usage": True}}
    assert list(ask(world, "echo?strict=1", **more))


def stream(world):
    text, finish, chunks = "", [], list(ask(world, "stream?chunks=30", stream=True))
    for chunk in chunks:
        assert chunk.object == "chat.completion.chunk" and chunk.id == chunks[0].id
        assert chunk.usage is None, "usage was not asked for"
        (choice,) = chunk.choices
        text += choice.delta.content or ""
        finish += [choice.finish_reason] if choice.finish_reason else []
    assert chunks[0].choices[0].delta.role == "assistant"
    assert text == "".join(f"w{n} " for n in range(30)) and finish == ["stop"]
    asked = ask(world, "stream?chunks=3", stream=True, stream_options={"include_usage": True})
    *_, last = asked
    assert last.choices == [] and last.usage.completion_tokens == 3
    assert last.usage.total_tokens == last.usage.prompt_tokens + 3
    helper = world.client().chat.completions.stream
    with helper(model=world.model("echo"), messages=HELLO) as events:
        deltas = [event.delta for event in events if event.type == "content.delta"]
        whole = events.get_final_completion()
    assert "".join(deltas) == whole.choices[0].message.content == "one two three"


def stream_timing(world):
    """Chunks come when they are made, not all at the end."""
    begun, at = time.monotonic(), []
    for chunk in ask(world, "stream?chunks=10&delay=60ms", stream=True):
        if chunk.choices and chunk.choices[0].delta.content:
            at.append(time.monotonic() - begun)
    assert len(at) == 10 and at[-1] - at[0] > 0.4, at
    assert at[4] < at[-1] - 0.2, at
    pinged = ask(world, "ping?every=50ms&for=300ms", stream=True)
    assert any(chunk.choices[0].delta.content for chunk in pinged)


def tools(world):
    client = world.client()
    answer = ask(world, "tools", client, tools=[WEATHER], tool_choice="auto")
    assert answer.choices[0].finish_reason == "tool_calls"
    (call,) = answer.choices[0].message.tool_calls
    assert (call.type, call.function.name) == ("function", "get_weather") and call.id
    assert call.function.arguments == '{"city":"Paris"}'
    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    messages = [*HELLO, answer.choices[0].message, result]
    last = ask(world, "tools", client, messages=messages, tools=[WEATHER])
    assert last.choices[0].message.content == "sunny", last
    assert last.choices[0].message.tool_calls is None
    two = ask(world, "tools?calls=2", client, tools=[WEATHER])
    ids = [call.id for call in two.choices[0].message.tool_calls]
    assert len(set(ids)) == 2


def tools_streamed(world):
    calls, finish = {}, None
    for chunk in ask(world, "tools?calls=2", stream=True, tools=[WEATHER]):
        (choice,) = chunk.choices
        finish = choice.finish_reason or finish
        for part in choice.delta.tool_calls or []:
            call = calls.setdefault(part.index, {"id": "", "name": "", "arguments": ""})
            call["id"] += part.id or ""
            call["name"] += part.function.name or ""
            call["arguments"] += part.function.arguments or ""
    assert finish == "tool_calls" and sorted(calls) == [0, 1]
    for call in calls.values():
        assert call["id"] and call["name"] == "get_weather"
        assert call["arguments"] == '{"city":"Paris"}', call
    helper = world.client().chat.completions.stream
    with helper(model=world.model("tools"), messages=HELLO, tools=[WEATHER]) as events:
        seen = [event.type for event in events]
        whole = events.get_final_completion()
    assert "tool_calls.function.arguments.done" in seen, seen
    assert whole.choices[0].message.tool_calls[0].function.name == "get_weather"


def parallel_results(world):
    """The results of calls made at once come back together."""
    two = ask(world, "tools?calls=2", tools=[WEATHER]).choices[0].message
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": result}
        for call, result in zip(two.tool_calls, ("sunny", "rainy"), strict=True)
    ]
    last = ask(world, "tools", tools=[WEATHER], messages=[*HELLO, two, *results])
    assert last.choices[0].message.content == "sunny rainy", last


def images(world):
    url = {"url": f"data:image/png;base64,{PIXEL}"}
    content = [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": url}]
    answer = ask(world, "echo", messages=[{"role": "user", "content": content}])
    said = answer.choices[0].message.content
    assert said == f"look [1 image, {PIXEL_BYTES} bytes]", said


def stops(world):
    answer = ask(world, "echo", stop=["zwei", "two"])
    assert answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].message.content.strip() == "one"


def cached_usage(world):
    name = "echo?tokens_in=1000&tokens_out=70&tokens_cached=600"
    *_, last = ask(world, name, stream=True, stream_options={"include_usage": True})
    for usage in (ask(world, name).usage, last.usage):
        assert (usage.prompt_tokens, usage.completion_tokens) == (1000, 70), usage
        assert usage.prompt_tokens_details.cached_tokens == 600, usage


def reasoning(world):
    answer = ask(world, "reasoning").choices[0].message
    thoughts = "thought0 thought1 thought2 thought3 "
    assert answer.content == "w0 w1 w2 w3 w4 "
    assert answer.reasoning_content == thoughts, answer
    said, thought = "", ""
    for chunk in ask(world, "reasoning", stream=True):
        said += chunk.choices[0].delta.content or ""
        thought += getattr(chunk.choices[0].delta, "reasoning_content", None) or ""
    assert (said, thought) == (answer.content, thoughts)


def signed(world):
    """Thoughts before a call, given back with the message, satisfy even Anthropic."""
    message = ask(world, "signed", tools=[WEATHER]).choices[0].message
    (call,) = message.tool_calls
    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    last = ask(world, "signed", messages=[*HELLO, message, result], tools=[WEATHER])
    assert last.choices[0].message.content == "sunny", last


def completions(world):
    """The older form, for a prompt instead of a conversation."""
    create = world.client().completions.create
    answer = create(model=world.model("echo"), prompt="once upon", echo=True, max_tokens=5)
    assert answer.object == "text_completion" and answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].text == "once upononce upon"
    assert answer.usage.total_tokens == 4
    several = create(model=world.model("echo"), prompt=["a", "b"], n=2)
    assert [choice.text for choice in several.choices] == ["a", "a", "b", "b"]
    texts = [chunk.choices[0].text for chunk in create(
        model=world.model("stream?chunks=4"), prompt="x", stream=True
    )]
    assert "".join(texts) == "w0 w1 w2 w3 "


def structured(world):
    client = world.client()
    parse = client.chat.completions.parse
    answer = parse(model=world.model("json"), messages=HELLO, response_format=Event)
    assert isinstance(answer.choices[0].message.parsed, Event), answer
    helper = client.chat.completions.stream
    with helper(model=world.model("json"), messages=HELLO, response_format=Event) as events:
        for _ in events:
            pass
        whole = events.get_final_completion()
    assert isinstance(whole.choices[0].message.parsed, Event), whole


def gateway_errors(world):
    """What Alfred itself refuses."""
    known = world.client()
    error = fails(openai.NotFoundError, lambda: known.chat.completions.create(model="fats", messages=HELLO))
    assert (error.status_code, error.code, error.param) == (404, "model_not_found", "model")
    assert "did you mean 'fast'" in error.message and error.type == "invalid_request_error"
    assert error.request_id and error.response.headers["x-alfred-error-source"] == "gateway"
    stranger = world.client(api_key="ak_live_nonsense")
    error = fails(openai.AuthenticationError, lambda: ask(world, "echo", stranger))
    assert error.code == "invalid_api_key" and error.status_code == 401
    error = fails(openai.BadRequestError, lambda: ask(world, "echo", messages=[]))
    assert (error.param, error.code) == ("messages", "empty_array")
    error = fails(openai.BadRequestError, lambda: ask(world, "echo", n=0))
    assert error.param == "n"
    huge = [{"role": "user", "content": "x" * 1_100_000}]
    error = fails(openai.APIStatusError, lambda: ask(world, "echo", messages=huge))
    assert error.status_code == 413 and error.code == "request_too_large"
    fails(openai.NotFoundError, lambda: known.responses.create(model="fast", input="hi"))
    assert ask(world, "echo", known).choices, "the client goes on after its errors"


def narrow_key(world):
    """The key may use `fast` alone, and three times a minute; one is spent."""
    client = world.client()
    assert [model.id for model in client.models.list()] == ["fast"]
    error = fails(openai.PermissionDeniedError, lambda: ask(world, "echo", client))
    assert (error.status_code, error.code) == (403, "model_not_allowed")
    error = fails(openai.RateLimitError, lambda: client.models.list())
    assert error.code == "rate_limit_exceeded" and error.type == "rate_limit_error"
    headers = error.response.headers
    assert int(headers["retry-after"]) >= 1 and headers["x-ratelimit-remaining-requests"] == "0"
    assert headers["x-ratelimit-limit-requests"] == "3"


def provider_errors(world):
    """What the provider answers, in whatever shape, as the class that applications catch."""
    cases = [
        ("status?code=400", openai.BadRequestError, 400),
        ("status?code=404", openai.NotFoundError, 404),
        ("status?code=422", openai.UnprocessableEntityError, 422),
        ("status?code=429", openai.RateLimitError, 429),
        ("quota", openai.RateLimitError, 429),
        ("status?code=500", openai.InternalServerError, None),
        ("status?code=503&shape=html", openai.InternalServerError, None),
        ("status?code=529&shape=anthropic", openai.InternalServerError, None),
        ("close", openai.InternalServerError, 502),
        ("error_in_stream", openai.InternalServerError, None),
    ]
    for name, kind, status in cases:
        for streamed in (False, True):
            error = fails(kind, lambda: list(ask(world, apart(name, streamed), stream=streamed)))
            assert status in (None, error.status_code), f"{name}: {error.status_code}"
            assert error.body and {"message", "type", "param", "code"} <= set(error.body), f"{name}: {error.body}"
            assert error.request_id, name
    fails(openai.InternalServerError, lambda: ask(world, "bad_json"))
    error = fails(openai.RateLimitError, lambda: ask(world, apart("quota", 2)))
    assert error.code == "insufficient_quota"
    assert error.response.headers["x-alfred-error-source"] == "provider"
    assert error.response.headers["x-should-retry"] == "false"
    # Last, because the provider's key is left alone from then on.
    error = fails(openai.InternalServerError, lambda: ask(world, "status?code=401"))
    assert error.status_code == 502


def stream_errors(world):
    """A stream that breaks off after content raises, and what came before was delivered."""
    for name in ("error_in_stream?after=3", "cut?after=3", "reset?after=3", "end_without_finish?after=3"):
        text = ""

        def read():
            nonlocal text
            for chunk in ask(world, name, stream=True):
                text += chunk.choices[0].delta.content or ""

        error = fails(openai.APIError, read)
        assert text == "w0 w1 w2 ", f"{name}: {text!r}"
        assert error.body and error.body["message"] and error.body["type"], f"{name}: {error.body}"


def timeouts(world):
    """A client that gives up is gone; the next one is served."""
    client = world.client(timeout=0.4)
    fails(openai.APITimeoutError, lambda: ask(world, "hang", client))
    fails(openai.APITimeoutError, lambda: list(ask(world, "stall?after=2&for=5s", client, stream=True)))
    assert ask(world, "echo").choices


def leaving(world):
    """Streams that are closed in the middle leave the connection pool in order."""
    client = world.client()
    for _ in range(3):
        with ask(world, "stream?chunks=1000&delay=5ms", client, stream=True) as chunks:
            for number, _ in enumerate(chunks):
                if number == 5:
                    break
        assert ask(world, "echo", client).choices[0].message.content == "one two three"


def embeddings(world):
    client = world.client()
    create = client.embeddings.create
    model = world.model("echo")
    packed = create(model=model, input="a text", dimensions=64)
    plain = create(model=model, input="a text", dimensions=64, encoding_format="float")
    raw = create(model=model, input="a text", dimensions=64, encoding_format="base64")
    assert packed.object == "list" and packed.data[0].object == "embedding"
    assert len(packed.data[0].embedding) == 64, "the client asks for base64 and unpacks it"
    assert all(abs(a - b) < 1e-6 for a, b in zip(packed.data[0].embedding, plain.data[0].embedding))
    assert isinstance(raw.data[0].embedding, str)
    several = create(model=model, input=["one", "two", "one"])
    assert [item.index for item in several.data] == [0, 1, 2]
    assert several.data[0].embedding == several.data[2].embedding != several.data[1].embedding
    assert several.usage.prompt_tokens == several.usage.total_tokens > 0
    assert create(model=model, input=[[1, 2, 3], [4]]).data[1].index == 1
    fails(openai.BadRequestError, lambda: create(model=model, input=[]))
    fails(openai.NotFoundError, lambda: create(model="nobody", input="x"))


def models(world):
    client = world.client()
    listed = client.models.list()
    ids = [model.id for model in listed]
    known = "echo" if world.direct else "fast"
    assert listed.object == "list" and known in ids
    for model in listed:
        assert model.object == "model" and model.created > 1_000_000_000 and model.owned_by
    assert client.models.retrieve(known).id == known
    name = world.model("echo")
    assert client.models.retrieve(name).id == name, "a name with a slash is escaped by the client"
    error = fails(openai.NotFoundError, lambda: client.models.retrieve("fats"))
    assert error.code == "model_not_found"


def raw_headers(world):
    completions = world.client(default_headers={"x-request-id": "from-the-client"}).chat.completions
    raw = completions.with_raw_response.create(model=world.model("echo"), messages=HELLO)
    assert raw.status_code == 200 and raw.parse().choices[0].message.content == "one two three"
    headers = raw.headers
    assert headers["x-request-id"] == raw.request_id == "from-the-client"
    assert len(headers["x-alfred-request-id"]) == 36
    assert headers["x-alfred-attempts"] == "1" and headers["x-alfred-model"] == "echo"
    assert headers["x-alfred-cost"] and headers["server-timing"]
    assert headers["content-type"] == "application/json"
    for foreign in ("openai-organization", "anthropic-organization-id", "set-cookie", "x-mock-request-hash"):
        assert foreign not in headers, foreign
    with completions.with_streaming_response.create(
        model=world.model("stream?chunks=3"), messages=HELLO, stream=True
    ) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in response.iter_lines() if line]
    assert lines[-1] == "data: [DONE]", lines[-3:]


def counting(world, **more):
    """A client that counts the requests it sends."""
    sent = []
    http = openai.DefaultHttpxClient(event_hooks={"request": [sent.append]})
    return world.client(http_client=http, **more), sent


def retries(world):
    """Alfred has retried already, and says so: the SDK must not multiply that."""
    for name in ("status?code=503", "status?code=500", "close", "quota"):
        client, sent = counting(world, max_retries=2)
        try:
            ask(world, name, client)
        except openai.APIStatusError as error:
            assert error.response.headers["x-should-retry"] == "false", name
        assert len(sent) == 1, f"{name}: {len(sent)} requests"
    client, sent = counting(world, max_retries=2)
    answer = ask(world, f"flaky?fail=1&id={world.prefix}", client)
    assert answer.choices and len(sent) == 1, "the gateway's own retry was enough"


def retries_of_limits(world):
    """A limit that passes is worth waiting for: the key may ask once a second."""
    client, sent = counting(world, max_retries=5)
    begun = time.monotonic()
    for _ in range(3):
        assert ask(world, "echo", client).choices
    assert len(sent) > 3, "nothing was limited"
    assert time.monotonic() - begun > 0.8, "nobody waited"


async def many(world):
    async with AsyncOpenAI(base_url=world.base_url, api_key=world.key, max_retries=0) as client:
        create = client.chat.completions.create

        async def one(number):
            text = f"question {number}"
            messages = [{"role": "user", "content": text}]
            if number % 2:
                answer = await create(model=world.model("echo"), messages=messages)
                return text == answer.choices[0].message.content
            said = ""
            async for chunk in await create(
                model=world.model("echo?delay=5ms"), messages=messages, stream=True
            ):
                said += chunk.choices[0].delta.content or ""
            return text == said

        right = await asyncio.gather(*(one(number) for number in range(60)))
        assert all(right), right


def concurrent(world):
    asyncio.run(many(world))


SCENARIOS = [
    chat,
    own_dialect,
    strict,
    stream,
    stream_timing,
    tools,
    tools_streamed,
    parallel_results,
    images,
    stops,
    cached_usage,
    reasoning,
    signed,
    completions,
    structured,
    gateway_errors,
    narrow_key,
    provider_errors,
    stream_errors,
    timeouts,
    leaving,
    embeddings,
    models,
    raw_headers,
    retries,
    retries_of_limits,
    concurrent,
]


if __name__ == "__main__":
    play(SCENARIOS, Client)
