// The official `openai` client for JavaScript against a running Alfred; see world.mjs.

import assert from "node:assert/strict";
import { HELLO, SCHEMA, TEXT, WEATHER, all, apart, counting, load, play } from "./world.mjs";

const OpenAI = load("openai");
const { zodResponseFormat, zodTextFormat } = load("openai/helpers/zod");
const { z } = load("zod");

const EVENT = z.object({ name: z.string(), participants: z.array(z.string()) });

function clientOf(world, more = {}) {
  return new OpenAI({ baseURL: world.baseUrl, apiKey: world.key, maxRetries: 0, timeout: 30_000, ...more });
}

function ask(world, name, { client = clientOf(world), ...more } = {}) {
  return client.chat.completions.create({ model: world.model(name), messages: HELLO, ...more });
}

/** What this raises, which must be of exactly this class. */
async function fails(kind, call) {
  try {
    await call();
  } catch (error) {
    assert.equal(error.constructor.name, kind.name, `${error.constructor.name}: ${error.message}`);
    return error;
  }
  throw new Error(`${kind.name} was not raised`);
}

/** A chat and what its first answer holds. */
async function chat(world) {
  const answer = await ask(world, "echo", { temperature: 0.2, max_completion_tokens: 50 });
  assert.equal(answer.object, "chat.completion");
  assert.equal(answer.choices.length, 1);
  const [choice] = answer.choices;
  assert.deepEqual([choice.index, choice.finish_reason, choice.logprobs], [0, "stop", null]);
  const { role, content, refusal } = choice.message;
  assert.deepEqual([role, content, refusal], ["assistant", TEXT, null]);
  const { prompt_tokens, completion_tokens, total_tokens } = answer.usage;
  assert.deepEqual([prompt_tokens, completion_tokens, total_tokens], [3, 3, 6]);
  assert.ok(answer._request_id, "the SDK finds the request's id");
  const cut = await ask(world, "stream?chunks=20", { max_completion_tokens: 5 });
  assert.equal(cut.choices[0].finish_reason, "length");
  const long = "déjà 🌍 ".repeat(20_000).trim();
  const messages = [{ role: "user", content: long }];
  const whole = await ask(world, "echo", { messages, max_tokens: 500_000 });
  assert.equal(whole.choices[0].message.content, long);
}

async function stream(world) {
  const options = { stream: true, stream_options: { include_usage: true } };
  const chunks = await all(await ask(world, "stream?chunks=30", options));
  const last = chunks.at(-1);
  assert.deepEqual(last.choices, []);
  assert.equal(last.usage.completion_tokens, 30);
  const choices = chunks.flatMap((chunk) => chunk.choices);
  assert.equal(choices[0].delta.role, "assistant");
  const said = choices.map((choice) => choice.delta.content ?? "").join("");
  assert.equal(said, Array.from({ length: 30 }, (_, number) => `w${number} `).join(""));
  const ends = choices.map((choice) => choice.finish_reason).filter(Boolean);
  assert.deepEqual(ends, ["stop"]);
  assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
  const helper = clientOf(world).chat.completions.stream({ model: world.model("echo"), messages: HELLO });
  assert.equal(await helper.finalContent(), TEXT);
}

async function tools(world) {
  const first = (await ask(world, "tools?calls=2", { tools: [WEATHER], tool_choice: "auto" })).choices[0];
  assert.equal(first.finish_reason, "tool_calls");
  const { tool_calls: calls } = first.message;
  assert.equal(new Set(calls.map((call) => call.id)).size, 2);
  for (const call of calls) assert.deepEqual(JSON.parse(call.function.arguments), { city: "Paris" });
  const results = calls.map((call, at) => ({
    role: "tool",
    tool_call_id: call.id,
    content: ["sunny", "rainy"][at],
  }));
  const messages = [...HELLO, first.message, ...results];
  const last = await ask(world, "tools", { messages, tools: [WEATHER] });
  assert.equal(last.choices[0].message.content, "sunny rainy");
}

/** Calls in fragments, and the helper that runs the tools itself. */
async function tools_streamed(world) {
  const calls = [];
  for await (const chunk of await ask(world, "tools?calls=2", { tools: [WEATHER], stream: true })) {
    for (const part of chunk.choices[0].delta.tool_calls ?? []) {
      calls[part.index] ??= { id: "", name: "", arguments: "" };
      const call = calls[part.index];
      call.id += part.id ?? "";
      call.name += part.function?.name ?? "";
      call.arguments += part.function?.arguments ?? "";
    }
  }
  assert.equal(calls.length, 2);
  for (const call of calls) {
    assert.ok(call.id && call.name === "get_weather", JSON.stringify(call));
    assert.deepEqual(JSON.parse(call.arguments), { city: "Paris" });
  }
  const asked = [];
  const run = async ({ city }) => {
    asked.push(city);
    return "sunny";
  };
  const runner = clientOf(world).chat.completions.runTools({
    model: world.model("tools"),
    messages: HELLO,
    stream: true,
    tools: [{ type: "function", function: { ...WEATHER.function, function: run, parse: JSON.parse } }],
  });
  assert.equal(await runner.finalContent(), "sunny");
  assert.deepEqual(asked, ["Paris"]);
}

async function structured(world) {
  const wish = { model: world.model("json"), messages: HELLO, response_format: zodResponseFormat(EVENT, "event") };
  const { completions } = clientOf(world).chat;
  const answer = await completions.parse(wish);
  EVENT.parse(answer.choices[0].message.parsed);
  const streamed = await completions.stream(wish).finalChatCompletion();
  EVENT.parse(streamed.choices[0].message.parsed);
}

/** What Alfred itself refuses. */
async function gateway_errors(world) {
  const known = clientOf(world);
  const create = (more) => known.chat.completions.create({ model: "fats", messages: HELLO, ...more });
  let error = await fails(OpenAI.NotFoundError, () => create());
  assert.deepEqual([error.status, error.code, error.param], [404, "model_not_found", "model"]);
  assert.ok(error.requestID && error.headers.get("x-alfred-error-source") === "gateway");
  error = await fails(OpenAI.NotFoundError, async () => all(await create({ stream: true })));
  assert.equal(error.code, "model_not_found");
  const client = clientOf(world, { apiKey: "ak_live_nonsense" });
  error = await fails(OpenAI.AuthenticationError, () => ask(world, "echo", { client }));
  assert.deepEqual([error.status, error.code], [401, "invalid_api_key"]);
  error = await fails(OpenAI.BadRequestError, () => ask(world, "echo", { messages: [] }));
  assert.equal(error.param, "messages");
}

/** What the provider answers, and how often it is asked for that. */
async function provider_errors(world) {
  const cases = [
    ["status?code=400", OpenAI.BadRequestError],
    ["status?code=404", OpenAI.NotFoundError],
    ["status?code=429", OpenAI.RateLimitError],
    ["quota", OpenAI.RateLimitError],
    ["status?code=500", OpenAI.InternalServerError],
    ["status?code=503", OpenAI.InternalServerError],
    ["error_in_stream", OpenAI.InternalServerError],
  ];
  for (const [name, kind] of cases) {
    for (const streamed of [false, true]) {
      const [fetch, sent] = counting();
      const client = clientOf(world, { fetch, maxRetries: 2 });
      const error = await fails(kind, () =>
        ask(world, apart(name, Number(streamed)), { client, stream: streamed }),
      );
      assert.ok(error.type && error.error.message && error.requestID, `${name}: ${JSON.stringify(error.error)}`);
      if (error.headers.get("x-should-retry") === "false") assert.equal(sent.length, 1, name);
    }
  }
  const quota = await fails(OpenAI.RateLimitError, () => ask(world, apart("quota", 2)));
  assert.equal(quota.code, "insufficient_quota");
  assert.equal(quota.headers.get("x-should-retry"), "false");
}

/** A stream that breaks off raises, and what came before was delivered. */
async function stream_errors(world) {
  for (const name of ["error_in_stream?after=3", "cut?after=3", "reset?after=3", "end_without_finish?after=3"]) {
    let text = "";
    const error = await fails(OpenAI.APIError, async () => {
      for await (const chunk of await ask(world, name, { stream: true })) {
        text += chunk.choices[0]?.delta.content ?? "";
      }
    });
    assert.equal(text, "w0 w1 w2 ", name);
    assert.ok(error.error.message && error.type, `${name}: ${JSON.stringify(error.error)}`);
  }
}

/** Streams that are given up in the middle leave the client usable. */
async function leaving(world) {
  const client = clientOf(world);
  for (let time = 0; time < 3; time += 1) {
    const chunks = await ask(world, "stream?chunks=1000&delay=5ms", { client, stream: true });
    let seen = 0;
    for await (const _ of chunks) {
      seen += 1;
      if (seen === 5) chunks.controller.abort();
    }
    assert.ok(seen < 1000);
    assert.equal((await ask(world, "echo", { client })).choices[0].message.content, TEXT);
  }
}

async function embeddings(world) {
  const { embeddings: made } = clientOf(world);
  const model = world.model("echo");
  const packed = await made.create({ model, input: "a text", dimensions: 64 });
  const plain = await made.create({ model, input: "a text", dimensions: 64, encoding_format: "float" });
  assert.equal(packed.data[0].embedding.length, 64);
  packed.data[0].embedding.forEach((value, at) =>
    assert.ok(Math.abs(value - plain.data[0].embedding[at]) < 1e-6),
  );
  const several = await made.create({ model, input: ["one", "two", "one"] });
  assert.deepEqual(several.data.map((item) => item.index), [0, 1, 2]);
  assert.deepEqual(several.data[0].embedding, several.data[2].embedding);
}

const RESPONSES_TOOL = { type: "function", name: "get_weather", parameters: SCHEMA, strict: false };

async function responses(world) {
  const { responses: made } = clientOf(world);
  const answer = await made.create({ model: world.model("echo"), input: TEXT, instructions: "be brief" });
  assert.deepEqual([answer.object, answer.status, answer.output_text], ["response", "completed", TEXT]);
  assert.equal(answer.usage.output_tokens, 3);
  const called = await made.create({ model: world.model("tools?calls=2"), input: TEXT, tools: [RESPONSES_TOOL] });
  const calls = called.output.filter((item) => item.type === "function_call");
  assert.equal(calls.length, 2);
  const results = calls.map((call) => ({ type: "function_call_output", call_id: call.call_id, output: "sunny" }));
  const input = [{ role: "user", content: TEXT }, ...called.output, ...results];
  const last = await made.create({ model: world.model("tools"), input, tools: [RESPONSES_TOOL] });
  assert.equal(last.output_text, "sunny sunny");
  const parsed = await made.parse({
    model: world.model("json"),
    input: TEXT,
    text: { format: zodTextFormat(EVENT, "event") },
  });
  EVENT.parse(parsed.output_parsed);
  const error = await fails(OpenAI.BadRequestError, () =>
    made.create({ model: world.model("echo"), input: TEXT, tools: [{ type: "web_search" }] }),
  );
  assert.equal(error.param, "tools[0].type");
}

async function responses_streamed(world) {
  const { responses: made } = clientOf(world);
  const events = await all(await made.create({ model: world.model("echo"), input: TEXT, stream: true }));
  assert.deepEqual(events.map((event) => event.sequence_number), [...events.keys()]);
  assert.equal(events.at(-1).type, "response.completed");
  const deltas = events.filter((event) => event.type === "response.output_text.delta");
  assert.equal(deltas.map((event) => event.delta).join(""), TEXT);
  const helper = made.stream({ model: world.model("tools"), input: TEXT, tools: [RESPONSES_TOOL] });
  const [call] = (await helper.finalResponse()).output.filter((item) => item.type === "function_call");
  assert.deepEqual(JSON.parse(call.arguments), { city: "Paris" });
  await fails(OpenAI.APIError, async () =>
    all(await made.create({ model: world.model("cut?after=2"), input: TEXT, stream: true })),
  );
}

await play([
  chat,
  stream,
  tools,
  tools_streamed,
  structured,
  gateway_errors,
  provider_errors,
  stream_errors,
  leaving,
  embeddings,
  responses,
  responses_streamed,
]);
