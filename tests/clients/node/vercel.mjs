// Vercel's AI SDK (`ai` with `@ai-sdk/openai`) against a running Alfred; see world.mjs. It checks
// every chunk against a schema, so it is a strict reader, of Chat Completions and of Responses.

import assert from "node:assert/strict";
import { SCHEMA, TEXT, all, apart, counting, load, play } from "./world.mjs";

const ai = load("ai");
const { createOpenAI } = load("@ai-sdk/openai");
const { z } = load("zod");

const EVENT = z.object({ name: z.string(), participants: z.array(z.string()) });

/** The tool, which runs or only is called. */
function weather(run) {
  return ai.tool({
    description: "Current weather",
    inputSchema: z.object({ city: z.string() }),
    ...(run && { execute: run }),
  });
}

function providerOf(world, more = {}) {
  return createOpenAI({ baseURL: world.baseUrl, apiKey: world.key, ...more });
}

/** Plays a scenario through both surfaces that the package speaks. */
function both(scenario) {
  const played = async (world) => {
    for (const surface of ["chat", "responses"]) {
      const provider = (more) => providerOf(world, more);
      const of = (name, more) => provider(more)[surface](world.model(name));
      await scenario(of, { world, provider, surface });
    }
  };
  Object.defineProperty(played, "name", { value: scenario.name });
  return played;
}

const ONCE = { maxRetries: 0 };
// What this package warns of is its own matter.
globalThis.AI_SDK_LOG_WARNINGS = false;

async function chat(of) {
  const { generateText } = ai;
  const answer = await generateText({ model: of("echo"), prompt: TEXT, temperature: 0.2, ...ONCE });
  assert.deepEqual([answer.text, answer.finishReason], [TEXT, "stop"]);
  assert.deepEqual([answer.usage.inputTokens, answer.usage.outputTokens], [3, 3]);
  const cut = await generateText({ model: of("stream?chunks=20"), prompt: TEXT, maxOutputTokens: 5, ...ONCE });
  assert.equal(cut.finishReason, "length");
  const long = "déjà 🌍 ".repeat(20_000).trim();
  const more = { maxOutputTokens: 500_000, ...ONCE };
  assert.equal((await generateText({ model: of("echo"), prompt: long, ...more })).text, long);
}

/** Every part of the stream, of which none may be an error. */
async function parts(wish) {
  const seen = await all(ai.streamText({ onError() {}, ...ONCE, ...wish }).fullStream);
  const error = seen.find((part) => part.type === "error");
  assert.equal(error, undefined, `${error?.error}`);
  return seen;
}

async function stream(of) {
  const seen = await parts({ model: of("stream?chunks=30"), prompt: TEXT });
  const said = seen.filter((part) => part.type === "text-delta").map((part) => part.text);
  assert.equal(said.join(""), Array.from({ length: 30 }, (_, number) => `w${number} `).join(""));
  const last = seen.at(-1);
  assert.deepEqual([last.type, last.finishReason, last.totalUsage.outputTokens], ["finish", "stop", 30]);
}

async function tools(of) {
  const first = await ai.generateText({
    model: of("tools?calls=2"),
    prompt: TEXT,
    tools: { get_weather: weather() },
    ...ONCE,
  });
  assert.equal(first.finishReason, "tool-calls");
  assert.deepEqual(first.toolCalls.map((call) => call.input), [{ city: "Paris" }, { city: "Paris" }]);
  const asked = [];
  const get_weather = weather(async ({ city }) => {
    asked.push(city);
    return "sunny";
  });
  const wish = { prompt: TEXT, tools: { get_weather }, stopWhen: ai.stepCountIs(3) };
  const last = await ai.generateText({ model: of("tools?calls=2"), ...wish, ...ONCE });
  assert.equal(last.text, "sunny sunny");
  assert.deepEqual(asked, ["Paris", "Paris"]);
}

async function tools_streamed(of) {
  const get_weather = weather(async () => "sunny");
  const wish = { prompt: TEXT, tools: { get_weather }, stopWhen: ai.stepCountIs(3) };
  const seen = await parts({ model: of("tools?calls=2"), ...wish });
  const fragments = seen.filter((part) => part.type === "tool-input-delta").map((part) => part.delta);
  assert.equal(fragments.join("").replaceAll(" ", ""), '{"city":"Paris"}'.repeat(2));
  const said = seen.filter((part) => part.type === "text-delta").map((part) => part.text);
  assert.equal(said.join(""), "sunny sunny");
}

async function structured(of) {
  const wish = { model: of("json"), schema: EVENT, prompt: TEXT, ...ONCE };
  EVENT.parse((await ai.generateObject(wish)).object);
  const streamed = ai.streamObject(wish);
  assert.ok((await all(streamed.partialObjectStream)).length > 0);
  EVENT.parse(await streamed.object);
  const schema = ai.jsonSchema({ ...SCHEMA, additionalProperties: false });
  const city = await ai.generateObject({ ...wish, schema });
  assert.equal(typeof city.object.city, "string");
}

/** What this raises, which must be an answer's error. */
async function fails(call) {
  try {
    await call();
  } catch (error) {
    assert.ok(ai.APICallError.isInstance(error), `${error.constructor.name}: ${error.message}`);
    return error;
  }
  throw new Error("nothing was raised");
}

async function gateway_errors(of, { provider, surface }) {
  const unknown = provider()[surface]("fats");
  let error = await fails(() => ai.generateText({ model: unknown, prompt: TEXT, ...ONCE }));
  assert.deepEqual([error.statusCode, error.data.error.code], [404, "model_not_found"]);
  const stranger = of("echo", { apiKey: "ak_live_nonsense" });
  error = await fails(() => ai.generateText({ model: stranger, prompt: TEXT, ...ONCE }));
  assert.deepEqual([error.statusCode, error.data.error.code], [401, "invalid_api_key"]);
}

async function provider_errors(of, { surface }) {
  const cases = [["status?code=400", 400], ["status?code=404", 404], ["status?code=429", 429], ["quota", 429]];
  for (const [name, status] of cases) {
    const [fetch, sent] = counting();
    // A model that was asked too often rests, so that each is asked once.
    const mark = surface === "chat" ? 0 : 2;
    const model = of(apart(name, mark), { fetch });
    const error = await fails(() => ai.generateText({ model, prompt: TEXT, ...ONCE }));
    assert.equal(error.statusCode, status, name);
    assert.ok(error.data?.error.message, `${name}: the package reads Alfred's errors`);
    assert.equal(sent.length, 1);
    // What it says of a stream comes as a part.
    const told = await all(
      ai.streamText({ model: of(apart(name, mark + 1)), prompt: TEXT, onError() {}, ...ONCE }).fullStream,
    );
    const part = told.find((one) => one.type === "error");
    assert.equal(part.error.statusCode, status, `${name}: ${part.error}`);
  }
}

/** A stream that breaks off tells an error after what it said. */
async function stream_errors(of) {
  for (const name of ["error_in_stream?after=3", "cut?after=3", "reset?after=3", "end_without_finish?after=3"]) {
    const seen = await all(ai.streamText({ model: of(name), prompt: TEXT, onError() {}, ...ONCE }).fullStream);
    const said = seen.filter((part) => part.type === "text-delta").map((part) => part.text);
    assert.equal(said.join(""), "w0 w1 w2 ", name);
    assert.ok(seen.some((part) => part.type === "error"), `${name}: ${JSON.stringify(seen.at(-1))}`);
  }
}

async function leaving(of) {
  const abort = new AbortController();
  const { textStream } = ai.streamText({
    model: of("stream?chunks=1000&delay=5ms"),
    prompt: TEXT,
    abortSignal: abort.signal,
    onError() {},
    ...ONCE,
  });
  let seen = 0;
  for await (const _ of textStream) {
    seen += 1;
    if (seen === 5) abort.abort();
  }
  assert.ok(seen < 1000);
  assert.equal((await ai.generateText({ model: of("echo"), prompt: TEXT, ...ONCE })).text, TEXT);
}

/** Thoughts, which this package knows on Responses only. */
async function reasoning(world) {
  const model = providerOf(world).responses(world.model("reasoning"));
  const options = { openai: { forceReasoning: true, reasoningEffort: "low", reasoningSummary: "auto" } };
  const answer = await ai.generateText({ model, prompt: TEXT, providerOptions: options, ...ONCE });
  assert.equal(answer.text, "w0 w1 w2 w3 w4 ");
  assert.equal(answer.reasoningText, "thought0 thought1 thought2 thought3 ");
  const seen = await parts({ model, prompt: TEXT, providerOptions: options });
  const thought = seen.filter((part) => part.type === "reasoning-delta").map((part) => part.text);
  assert.equal(thought.join(""), answer.reasoningText);
}

async function embeddings(world) {
  const model = providerOf(world).embedding(world.model("echo"));
  const one = await ai.embed({ model, value: "a text", ...ONCE });
  assert.ok(one.embedding.length > 1);
  const many = await ai.embedMany({ model, values: ["a text", "another"], ...ONCE });
  assert.equal(many.embeddings.length, 2);
  assert.deepEqual(many.embeddings[0], one.embedding);
}

await play([
  ...[chat, stream, tools, tools_streamed, structured].map(both),
  ...[gateway_errors, provider_errors, stream_errors, leaving].map(both),
  reasoning,
  embeddings,
]);
