"""The official `openai` client's Responses against a running Alfred; see world.py."""

import openai
from openai import OpenAI
from world import SCHEMA, TEXT, Event, World, fails, play


class Client(World):
    """A world that makes this client."""

    def client(self, **more):
        more.setdefault("api_key", self.key)
        more.setdefault("max_retries", 0)
        more.setdefault("timeout", 30)
        return OpenAI(base_url=self.base_url, **more)


WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "Current weather",
    "parameters": SCHEMA,
    "strict": False,
}


def ask(world, name, client=None, **more):
    more.setdefault("input", TEXT)
    client = client or world.client()
    return client.responses.create(model=world.model(name), **more)


def whole(world):
    answer = ask(world, "echo", instructions="be brief", max_output_tokens=50, metadata={"k": "v"})
    assert answer.object == "response" and answer.status == "completed"
    assert answer.id.startswith("resp_") and answer.output_text == TEXT
    assert answer.instructions == "be brief" and answer.metadata == {"k": "v"}
    usage = answer.usage
    assert usage.output_tokens == 3 and usage.total_tokens == usage.input_tokens + 3
    assert usage.input_tokens_details.cached_tokens == 0
    assert usage.output_tokens_details.reasoning_tokens == 0
    items = [{"role": "user", "content": [{"type": "input_text", "text": "in parts"}]}]
    assert ask(world, "echo", input=items).output_text == "in parts"
    cut = ask(world, "stream?chunks=20", max_output_tokens=5)
    assert cut.status == "incomplete" and cut.incomplete_details.reason == "max_output_tokens"


def streamed(world):
    events = list(ask(world, "echo", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] == "response.completed" and "response.content_part.done" in kinds
    said = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert said == TEXT == events[-1].response.output_text
    assert events[-1].response.usage.output_tokens == 3
    with world.client().responses.stream(model=world.model("echo"), input=TEXT) as stream:
        assert stream.get_final_response().output_text == TEXT


def tools(world):
    for stream in (False, True):
        answer = ask(world, "tools?calls=2", tools=[WEATHER], stream=stream)
        if stream:
            answer = list(answer)[-1].response
        calls = [item for item in answer.output if item.type == "function_call"]
        assert len(calls) == 2 and calls[0].name == "get_weather" and calls[0].arguments
        results = [
            {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
            for call in calls
        ]
        history = [{"role": "user", "content": TEXT}, *answer.output, *results]
        last = ask(world, "echo", input=history, tools=[WEATHER])
        assert last.status == "completed" and last.output_text


def reasoning(world):
    answer = ask(world, "reasoning", reasoning={"effort": "low", "summary": "auto"})
    (thought,) = [item for item in answer.output if item.type == "reasoning"]
    assert thought.summary[0].text and answer.output_text
    history = [{"role": "user", "content": TEXT}, *answer.output, {"role": "user", "content": "on"}]
    assert ask(world, "echo", input=history).output_text


def structured(world):
    answer = world.client().responses.parse(model=world.model("json"), input=TEXT, text_format=Event)
    assert isinstance(answer.output_parsed, Event), answer


def errors(world):
    error = fails(openai.BadRequestError, lambda: ask(world, "echo", previous_response_id="resp_1"))
    assert (error.param, error.code) == ("previous_response_id", "unsupported_parameter")
    error = fails(openai.BadRequestError, lambda: ask(world, "echo", tools=[{"type": "web_search"}]))
    assert error.param == "tools[0].type"
    fails(openai.BadRequestError, lambda: ask(world, "status?code=400"))
    fails(openai.RateLimitError, lambda: ask(world, "status?code=429", stream=True))
    stranger = world.client(api_key="ak_live_nonsense")
    error = fails(openai.AuthenticationError, lambda: ask(world, "echo", stranger))
    assert error.code == "invalid_api_key"
    fails(openai.APIError, lambda: list(ask(world, "cut?after=2", stream=True)))


if __name__ == "__main__":
    play([whole, streamed, tools, reasoning, structured, errors], Client)
