"""LangChain's `ChatOpenAI` and `OpenAIEmbeddings` against a running Alfred; see world.py."""

import openai
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from world import PIXEL, PIXEL_BYTES, TEXT, Event, play

HELLO = [HumanMessage(TEXT)]


@tool
def get_weather(city: str) -> str:
    """Current weather"""
    return f"sunny in {city}"


def model(world, name, **more):
    more.setdefault("api_key", world.key)
    more.setdefault("max_retries", 0)
    more.setdefault("timeout", 30)
    return ChatOpenAI(model=world.model(name), base_url=world.base_url, **more)


def raises(kind, name, model):
    """What the model raises: LangChain has classes of its own below those of `openai`."""
    try:
        model.invoke(HELLO)
    except kind as error:
        return error
    raise AssertionError(f"{name} raised nothing")


# Scenarios


def chat(world):
    answer = model(world, "echo", temperature=0.2).invoke([SystemMessage("be brief"), *HELLO])
    assert answer.content == TEXT and answer.response_metadata["finish_reason"] == "stop"
    usage = answer.usage_metadata
    assert (usage["input_tokens"], usage["output_tokens"]) == (5, 3), usage
    cut = model(world, "stream?chunks=20", max_tokens=5).invoke(HELLO)
    assert cut.response_metadata["finish_reason"] == "length"
    stopped = model(world, "echo").invoke(HELLO, stop=["two"])
    assert stopped.content.strip() == "one"


def stream(world):
    chunks = list(model(world, "stream?chunks=30", stream_usage=True).stream(HELLO))
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    assert whole.content == "".join(f"w{n} " for n in range(30))
    assert whole.usage_metadata["output_tokens"] == 30, whole.usage_metadata
    assert whole.response_metadata["finish_reason"] == "stop"


def tools(world):
    for name, many in (("tools", 1), ("tools?calls=3", 3)):
        bound = model(world, name).bind_tools([get_weather])
        answer = bound.invoke(HELLO)
        assert len(answer.tool_calls) == many == len({call["id"] for call in answer.tool_calls})
        results = [get_weather.invoke(call) for call in answer.tool_calls]
        assert all(isinstance(result, ToolMessage) for result in results)
        last = bound.invoke([*HELLO, answer, *results])
        assert last.content == " ".join(["sunny in Paris"] * many), last
        assert not last.tool_calls


def tools_streamed(world):
    whole = None
    for chunk in model(world, "tools?calls=2").bind_tools([get_weather]).stream(HELLO):
        whole = chunk if whole is None else whole + chunk
    calls = [(call["name"], call["args"]) for call in whole.tool_calls]
    assert calls == [("get_weather", {"city": "Paris"})] * 2, calls


def images(world):
    url = {"url": f"data:image/png;base64,{PIXEL}"}
    content = [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": url}]
    answer = model(world, "echo").invoke([HumanMessage(content)])
    assert answer.content == f"look [1 image, {PIXEL_BYTES} bytes]", answer


def structured(world):
    """By a schema for the answer, and by a tool that must be called."""
    by_schema = model(world, "json").with_structured_output(Event, method="json_schema")
    assert isinstance(by_schema.invoke(HELLO), Event)
    by_tool = model(world, "tools?fit=yes").with_structured_output(Event, method="function_calling")
    assert isinstance(by_tool.invoke(HELLO), Event)


def reasoning(world):
    answer = model(world, "reasoning").invoke(HELLO)
    assert answer.content == "w0 w1 w2 w3 w4 ", answer
    assert answer.usage_metadata["output_token_details"]["reasoning"] == 4, answer.usage_metadata


def cached_usage(world):
    usage = model(world, "echo?tokens_in=1000&tokens_cached=600").invoke(HELLO).usage_metadata
    assert usage["input_tokens"] == 1000, usage
    assert usage["input_token_details"]["cache_read"] == 600, usage


def embeddings(world):
    more = {"api_key": world.key, "base_url": world.base_url, "max_retries": 0}
    # The tokenizer of an unknown model would be fetched from the network.
    embedder = OpenAIEmbeddings(
        model=world.model("echo"), check_embedding_ctx_length=False, dimensions=32, **more
    )
    first, second, third = embedder.embed_documents(["one", "two", "one"])
    assert first == third != second and len(first) == 32
    assert embedder.embed_query("one") == first


def provider_errors(world):
    for name, kind in (
        ("status?code=400", openai.BadRequestError),
        ("status?code=404", openai.NotFoundError),
        ("status?code=429", openai.RateLimitError),
        ("quota", openai.RateLimitError),
        ("status?code=500", openai.InternalServerError),
    ):
        error = raises(kind, name, model(world, name))
        assert error.body["message"], f"{name}: {error.body}"


def stream_errors(world):
    text = ""
    try:
        for chunk in model(world, "error_in_stream?after=3").stream(HELLO):
            text += chunk.content
    except openai.APIError as error:
        assert error.message
    else:
        raise AssertionError("nothing was raised")
    assert text == "w0 w1 w2 ", text


def gateway_errors(world):
    """What Alfred itself refuses."""
    unknown = ChatOpenAI(model="fats", base_url=world.base_url, api_key=world.key, max_retries=0)
    error = raises(openai.NotFoundError, "fats", unknown)
    assert error.code == "model_not_found"
    stranger = model(world, "echo", api_key="ak_live_nonsense")
    raises(openai.AuthenticationError, "a stranger", stranger)


SCENARIOS = [
    chat,
    stream,
    tools,
    tools_streamed,
    images,
    structured,
    reasoning,
    cached_usage,
    embeddings,
    provider_errors,
    stream_errors,
    gateway_errors,
]

if __name__ == "__main__":
    play(SCENARIOS)
