// The official `@anthropic-ai/sdk` against a running Alfred; see world.mjs.

import assert from "node:assert/strict";
import { HELLO, SCHEMA, TEXT, all, apart, counting, load, play } from "./world.mjs";

const Anthropic = load("@anthropic-ai/sdk");

const WEATHER = { name: "get_weather", description: "Current weather", input_schema: SCHEMA };

function clientOf(world, more = {}) {
  return new Anthropic({
    baseURL: world.root,
    apiKey: world.key,
    authToken: null,
    maxRetries: 0,
    timeout: 30_000,
    ...more,
  });
}

function ask(world, name, { client = clientOf(world), ...more } = {}) {
  return client.messages.create({ model: world.model(name), messages: HELLO, max_tokens: 1000, ...more });
}

const textOf = (message) =>
  message.content.filter((block) => block.type === "text").map((block) => block.text).join("");

/** The conversation after the answer's calls got these results. */
function turns(answer, ...results) {
  const calls = answer.content.filter((block) => block.type === "tool_use");
  assert.equal(calls.length, results.length, JSON.stringify(answer));
  const content = calls.map((call, at) => ({
    type: "tool_result",
    tool_use_id: call.id,
    content: results[at],
  }));
  return [...HELLO, { role: "assistant", content: answer.content }, { role: "user", content }];
}

/** What this raises, which must be of this class, or of one below it such as `OverloadedError`. */
async function fails(kind, call) {
  try {
    await call();
  } catch (error) {
    assert.ok(error instanceof kind, `${error.constructor.name}: ${error.message}`);
    return error;
  }
  throw new Error(`${kind.name} was not raised`);
}

async function chat(world) {
  const answer = await ask(world, "echo", { system: "be brief" });
  assert.deepEqual([answer.type, answer.role, textOf(answer)], ["message", "assistant", TEXT]);
  assert.deepEqual([answer.stop_reason, answer.stop_sequence], ["end_turn", null]);
  assert.deepEqual([answer.usage.input_tokens, answer.usage.output_tokens], [5, 3]);
  assert.ok(answer._request_id, "the SDK finds the request's id");
  const cut = await ask(world, "stream?chunks=20", { max_tokens: 5 });
  assert.equal(cut.stop_reason, "max_tokens");
}

async function stream(world) {
  const events = await all(await ask(world, "stream?chunks=30", { stream: true }));
  const kinds = events.map((event) => event.type);
  assert.deepEqual(kinds.slice(0, 2), ["message_start", "content_block_start"]);
  assert.deepEqual(kinds.slice(-3), ["content_block_stop", "message_delta", "message_stop"]);
  const whole = await clientOf(world)
    .messages.stream({ model: world.model("echo"), messages: HELLO, max_tokens: 100 })
    .finalMessage();
  assert.equal(textOf(whole), TEXT);
  assert.equal(whole.stop_reason, "end_turn");
  assert.deepEqual([whole.usage.input_tokens, whole.usage.output_tokens], [3, 3]);
}

async function tools(world) {
  const answer = await ask(world, "tools?calls=2", { tools: [WEATHER], tool_choice: { type: "auto" } });
  assert.equal(answer.stop_reason, "tool_use");
  const calls = answer.content.filter((block) => block.type === "tool_use");
  assert.equal(new Set(calls.map((call) => call.id)).size, 2);
  for (const call of calls) assert.deepEqual([call.name, call.input], ["get_weather", { city: "Paris" }]);
  const last = await ask(world, "tools", { tools: [WEATHER], messages: turns(answer, "sunny", "rainy") });
  assert.equal(textOf(last), "sunny rainy");
}

async function tools_streamed(world) {
  const fragments = [];
  const helper = clientOf(world).messages.stream({
    model: world.model("tools?calls=2"),
    messages: HELLO,
    max_tokens: 1000,
    tools: [WEATHER],
  });
  helper.on("inputJson", (part) => fragments.push(part));
  const whole = await helper.finalMessage();
  assert.deepEqual(fragments.join("").replaceAll(" ", ""), '{"city":"Paris"}'.repeat(2));
  const last = await ask(world, "tools", { tools: [WEATHER], messages: turns(whole, "sunny", "rainy") });
  assert.equal(textOf(last), "sunny rainy");
}

/** Thoughts are blocks of their own, whole and streamed; sent back they are accepted. */
async function thinking(world) {
  const more = { thinking: { type: "enabled", budget_tokens: 1024 }, max_tokens: 4000 };
  const answer = await ask(world, "reasoning", more);
  const helper = clientOf(world).messages.stream({ model: world.model("reasoning"), messages: HELLO, ...more });
  const seen = [];
  helper.on("thinking", (part) => seen.push(part));
  const streamed = await helper.finalMessage();
  for (const [thought, text] of [answer.content, streamed.content]) {
    assert.deepEqual([thought.type, text.type], ["thinking", "text"]);
    assert.equal(thought.thinking, "thought0 thought1 thought2 thought3 ");
    assert.equal(text.text, "w0 w1 w2 w3 w4 ");
  }
  assert.equal(seen.join(""), streamed.content[0].thinking);
  const messages = [...HELLO, { role: "assistant", content: streamed.content }, ...HELLO];
  assert.ok((await ask(world, "reasoning", { ...more, messages })).content.length);
}

/** Thoughts before a call come back with their signature. */
async function signed(world) {
  const more = { thinking: { type: "adaptive" }, max_tokens: 4000, tools: [WEATHER] };
  const whole = await ask(world, "signed", more);
  const wish = { model: world.model("signed"), messages: HELLO, ...more };
  const streamed = await clientOf(world).messages.stream(wish).finalMessage();
  for (const answer of [whole, streamed]) {
    assert.deepEqual(answer.content.map((block) => block.type), ["thinking", "tool_use"]);
    const last = await ask(world, "signed", { ...more, messages: turns(answer, "sunny") });
    assert.equal(textOf(last), "sunny");
  }
}

async function count_tokens(world) {
  const model = world.model("echo");
  const counted = await clientOf(world).messages.countTokens({ model, messages: HELLO, tools: [WEATHER] });
  assert.ok(counted.input_tokens >= 3, JSON.stringify(counted));
}

async function gateway_errors(world) {
  const create = (model) => clientOf(world).messages.create({ model, messages: HELLO, max_tokens: 9 });
  let error = await fails(Anthropic.NotFoundError, () => create("fats"));
  assert.deepEqual([error.status, error.type, error.error.type], [404, "not_found_error", "error"]);
  assert.ok(error.requestID);
  const client = clientOf(world, { apiKey: "ak_live_nonsense" });
  error = await fails(Anthropic.AuthenticationError, () => ask(world, "echo", { client }));
  assert.deepEqual([error.status, error.error.error.type], [401, "authentication_error"]);
  error = await fails(Anthropic.BadRequestError, () => ask(world, "echo", { messages: [] }));
  assert.equal(error.error.error.type, "invalid_request_error");
}

async function provider_errors(world) {
  const cases = [
    ["status?code=400", Anthropic.BadRequestError],
    ["status?code=404", Anthropic.NotFoundError],
    ["status?code=429", Anthropic.RateLimitError],
    ["quota", Anthropic.RateLimitError],
    ["status?code=500", Anthropic.InternalServerError],
    ["error_in_stream", Anthropic.InternalServerError],
  ];
  for (const [name, kind] of cases) {
    for (const streamed of [false, true]) {
      const [fetch, sent] = counting();
      const client = clientOf(world, { fetch, maxRetries: 2 });
      const error = await fails(kind, async () =>
        ask(world, apart(name, Number(streamed)), { client, stream: streamed }),
      );
      assert.ok(error.error.error.message && error.requestID, `${name}: ${JSON.stringify(error.error)}`);
      if (error.headers.get("x-should-retry") === "false") assert.equal(sent.length, 1, name);
    }
  }
}

async function stream_errors(world) {
  for (const name of ["error_in_stream?after=3", "cut?after=3", "reset?after=3", "end_without_finish?after=3"]) {
    let text = "";
    const error = await fails(Anthropic.APIError, async () => {
      for await (const event of await ask(world, name, { stream: true })) {
        if (event.type === "content_block_delta") text += event.delta.text;
      }
    });
    assert.equal(text, "w0 w1 w2 ", name);
    assert.ok(error.error.error.type, `${name}: ${JSON.stringify(error.error)}`);
  }
}

async function leaving(world) {
  const client = clientOf(world);
  const events = await ask(world, "stream?chunks=1000&delay=5ms", { client, stream: true });
  let seen = 0;
  for await (const _ of events) {
    seen += 1;
    if (seen === 6) events.controller.abort();
  }
  assert.ok(seen < 1000);
  assert.equal(textOf(await ask(world, "echo", { client })), TEXT);
}

await play([
  chat,
  stream,
  tools,
  tools_streamed,
  thinking,
  signed,
  count_tokens,
  gateway_errors,
  provider_errors,
  stream_errors,
  leaving,
]);
