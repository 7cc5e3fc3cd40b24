"""The official `mistralai` client against a running Alfred; see world.py.

It is the strictest reader of OpenAI's dialect: an answer that lacks a required member, in any
chunk, is an error to it.
"""

from mistralai.client import Mistral
from mistralai.client.errors import MistralError, ResponseValidationError
from world import HELLO, PIXEL, PIXEL_BYTES, TEXT, WEATHER, Event, play


def client_of(world, **more):
    more.setdefault("api_key", world.key)
    return Mistral(server_url=world.root, timeout_ms=30_000, **more)


def ask(world, name, client=None, **more):
    more.setdefault("messages", HELLO)
    return (client or client_of(world)).chat.complete(model=world.model(name), **more)


def stream_of(world, name, **more):
    more.setdefault("messages", HELLO)
    with client_of(world).chat.stream(model=world.model(name), **more) as events:
        return [event.data for event in events]


def refused(call):
    """The error of the call's HTTP answer."""
    try:
        call()
    except MistralError as error:
        return error
    raise AssertionError("nothing was raised")


# Scenarios


def chat(world):
    answer = ask(world, "echo", temperature=0.2, max_tokens=50)
    assert answer.object == "chat.completion" and answer.id and answer.created > 1_000_000_000
    (choice,) = answer.choices
    assert choice.index == 0 and choice.finish_reason == "stop"
    assert choice.message.role == "assistant" and choice.message.content == TEXT
    usage = answer.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (3, 3, 6), usage
    cut = ask(world, "stream?chunks=20", max_tokens=5)
    assert cut.choices[0].finish_reason == "length"
    stopped = ask(world, "echo", stop=["two"])
    assert stopped.choices[0].message.content.strip() == "one"


def stream(world):
    chunks = stream_of(world, "stream?chunks=30")
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "".join(f"w{n} " for n in range(30)), text
    finish = [choice.finish_reason for chunk in chunks for choice in chunk.choices]
    assert [reason for reason in finish if reason] == ["stop"]
    assert all(chunk.id == chunks[0].id and chunk.model for chunk in chunks)


def tools(world):
    answer = ask(world, "tools", tools=[WEATHER], tool_choice="auto")
    assert answer.choices[0].finish_reason == "tool_calls"
    (call,) = answer.choices[0].message.tool_calls
    assert call.function.name == "get_weather" and call.id
    assert call.function.arguments == '{"city":"Paris"}'
    last = ask(world, "tools", tools=[WEATHER], messages=turns(answer, "sunny"))
    assert last.choices[0].message.content == "sunny", last
    two = ask(world, "tools?calls=2", tools=[WEATHER])
    assert len({call.id for call in two.choices[0].message.tool_calls}) == 2
    last = ask(world, "tools", tools=[WEATHER], messages=turns(two, "sunny", "rainy"))
    assert last.choices[0].message.content == "sunny rainy", last


def turns(answer, *results):
    message = answer.choices[0].message
    results = [
        {"role": "tool", "tool_call_id": call.id, "name": call.function.name, "content": result}
        for call, result in zip(message.tool_calls, results, strict=True)
    ]
    return [*HELLO, message, *results]


def tools_streamed(world):
    """Calls in one piece, as Mistral sends them: the client reads no fragments without a name."""
    calls, finish = {}, None
    for chunk in stream_of(world, "tools?calls=2&whole=yes", tools=[WEATHER]):
        for choice in chunk.choices:
            finish = choice.finish_reason or finish
            for part in choice.delta.tool_calls or []:
                calls[part.index] = (part.function.name, part.function.arguments)
    assert finish == "tool_calls", finish
    assert calls == {n: ("get_weather", '{"city":"Paris"}') for n in (0, 1)}, calls


def images(world):
    url = f"data:image/png;base64,{PIXEL}"
    for image in (url, {"url": url}):
        content = [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": image}]
        answer = ask(world, "echo", messages=[{"role": "user", "content": content}])
        said = answer.choices[0].message.content
        assert said == f"look [1 image, {PIXEL_BYTES} bytes]", said


def structured(world):
    parse = client_of(world).chat.parse
    answer = parse(Event, model=world.model("json"), messages=HELLO)
    assert isinstance(answer.choices[0].message.parsed, Event), answer


def reasoning(world):
    """The client keeps no member that it does not know; the answer is read all the same."""
    answer = ask(world, "reasoning")
    assert answer.choices[0].message.content == "w0 w1 w2 w3 w4 ", answer
    chunks = stream_of(world, "reasoning")
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "w0 w1 w2 w3 w4 ", text


def embeddings(world):
    create = client_of(world).embeddings.create
    answer = create(model=world.model("echo"), inputs=["one", "two", "one"])
    assert answer.object == "list" and [item.index for item in answer.data] == [0, 1, 2]
    first, second, third = (item.embedding for item in answer.data)
    assert first == third != second and len(first) == 16
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == 3


def provider_errors(world):
    cases = [("status?code=400", 400), ("status?code=404", 404), ("status?code=429", 429)]
    for name, status in [*cases, ("quota", 429), ("status?code=500", None), ("status?code=529", None)]:
        error = refused(lambda: ask(world, name))
        assert error.status_code == status or (status is None and error.status_code >= 500), name
        assert "message" in error.body, f"{name}: {error.body}"
    error = refused(lambda: ask(world, "status?code=429&retry_after=7"))
    assert error.headers["retry-after"] == "7"


def stream_errors(world):
    """It has no class for an error in a stream: the event is not what it expects."""
    error = refused(lambda: stream_of(world, "error_in_stream?after=3"))
    assert isinstance(error, ResponseValidationError), repr(error)


def gateway_errors(world):
    """What Alfred itself refuses."""
    client = client_of(world)
    error = refused(lambda: client.chat.complete(model="fats", messages=HELLO))
    assert error.status_code == 404 and "did you mean" in error.body, error.body
    stranger = client_of(world, api_key="ak_live_nonsense")
    error = refused(lambda: ask(world, "echo", stranger))
    assert error.status_code == 401 and "invalid_api_key" in error.body
    assert ask(world, "echo", client).choices, "the client goes on after its errors"


SCENARIOS = [
    chat,
    stream,
    tools,
    tools_streamed,
    images,
    structured,
    reasoning,
    embeddings,
    provider_errors,
    stream_errors,
    gateway_errors,
]

if __name__ == "__main__":
    play(SCENARIOS)
