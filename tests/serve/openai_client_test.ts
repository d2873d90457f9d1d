// The official client of OpenAI's API, against a small model.
import { assert, assertEquals, assertRejects } from "@std/assert";
import OpenAI from "openai";
import { likeliestAfter, MODEL_ID, post, type Served, serveSmall } from "./served.ts";

const KEY = "key-of-this-test";

function clientOf({ url }: Served, apiKey = KEY): OpenAI {
  return new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });
}

const GREEDY = { model: MODEL_ID, temperature: 0, max_tokens: 20 };

Deno.test("OpenAI's client lists models, and completes and answers as the model does", async (t) => {
  await using served = await serveSmall({ apiKey: KEY });
  const client = clientOf(served);

  await t.step("models", async () => {
    const { data } = await client.models.list();
    assertEquals(data.map(({ id, object }) => [id, object]), [[MODEL_ID, "model"]]);
    assertEquals((await client.models.retrieve(MODEL_ID)).id, MODEL_ID);
    const error = await assertRejects(() => client.models.retrieve("other"), OpenAI.NotFoundError);
    assertEquals(error.code, "model_not_found");
  });

  await t.step("completions", async () => {
    const { choices, usage, object } = await client.completions.create({ ...GREEDY, prompt: "the cat" });
    assertEquals(object, "text_completion");
    assertEquals(choices, [{
      index: 0,
      text: await likeliestAfter("the cat", 20),
      logprobs: null,
      finish_reason: "length",
    }]);
    const promptTokens = served.loaded.tokenizer.encode("the cat").length;
    assertEquals([usage?.prompt_tokens, usage?.completion_tokens], [promptTokens, 20]);
  });

  await t.step("completions of several prompts, several times, by text and by ids", async () => {
    const request = { model: MODEL_ID, n: 2, seed: 7, max_tokens: 9 };
    const ids = [...served.loaded.tokenizer.encode("on the log")];
    const texts = await client.completions.create({ ...request, prompt: ["the cat", "on the log"] });
    const [first] = (await client.completions.create({ ...request, prompt: [ids] as unknown as number[][] })).choices;
    assertEquals(texts.choices.map(({ index }) => index), [0, 1, 2, 3]);
    assertEquals(texts.choices[2].text, first.text);
    const alone = await client.completions.create({ ...request, n: 1, seed: 8, prompt: "the cat" });
    assertEquals(texts.choices[1].text, alone.choices[0].text);
    assert(texts.choices[0].text !== texts.choices[1].text);
  });

  await t.step("completions as a stream", async () => {
    const request = { model: MODEL_ID, prompt: "the dog", seed: 3, max_tokens: 30, logprobs: 2, n: 2 };
    const whole = await client.completions.create(request);
    const stream = await client.completions.create({
      ...request,
      stream: true,
      stream_options: { include_usage: true },
    });
    const texts = ["", ""];
    const tokens: string[][] = [[], []];
    const ends: unknown[] = [];
    let used: unknown;
    for await (const { choices, usage } of stream) {
      used = usage ?? used;
      for (const { index, text, finish_reason, logprobs } of choices) {
        texts[index] += text;
        tokens[index].push(...logprobs?.tokens ?? []);
        if (finish_reason) ends[index] = finish_reason;
      }
    }
    assertEquals(texts, whole.choices.map(({ text }) => text));
    assertEquals(tokens, whole.choices.map(({ logprobs }) => logprobs!.tokens!));
    assertEquals(ends, whole.choices.map(({ finish_reason }) => finish_reason));
    assertEquals(used, whole.usage);
  });

  await t.step("chat, which ends at the template's token", async () => {
    const messages = [{ role: "system" as const, content: "Be short" }, { role: "user" as const, content: "the mat" }];
    const { choices: [choice], object } = await client.chat.completions.create({ ...GREEDY, messages });
    const text = "<|im_start|>system\nBe short<|im_end|>\n<|im_start|>user\nthe mat<|im_end|>\n<|im_start|>assistant\n";
    const end = served.loaded.tokenizer.specialTokens.get("<|im_end|>")!;
    assertEquals(choice.message.content, await likeliestAfter(text, 20, [end]));
    assertEquals([choice.message.role, object], ["assistant", "chat.completion"]);
    // Parts, and the newer name of the limit.
    const parts = messages.map(({ role, content }) => ({ role, content: [{ type: "text" as const, text: content }] }));
    const newer = { model: MODEL_ID, temperature: 0, max_completion_tokens: 20, messages: parts };
    assertEquals((await client.chat.completions.create(newer)).choices[0].message.content, choice.message.content);
  });

  await t.step("chat as a stream, with log-probabilities", async () => {
    const request = {
      model: MODEL_ID,
      messages: [{ role: "user" as const, content: "the mat" }],
      seed: 3,
      max_tokens: 12,
      logprobs: true,
      top_logprobs: 3,
    };
    const whole = (await client.chat.completions.create(request)).choices[0];
    const stream = await client.chat.completions.create({ ...request, stream: true });
    let text = "";
    const logprobs: number[] = [];
    const roles: unknown[] = [];
    for await (const { choices: [{ delta, logprobs: some }] } of stream) {
      if (delta.role) roles.push(delta.role);
      text += delta.content ?? "";
      logprobs.push(...some?.content?.map(({ logprob }) => logprob) ?? []);
    }
    assertEquals(text, whole.message.content);
    assertEquals(roles, ["assistant"]);
    const content = whole.logprobs!.content!;
    assertEquals(logprobs, content.map(({ logprob }) => logprob));
    for (const { top_logprobs, logprob } of content) {
      assertEquals(top_logprobs.length, 3);
      assert(logprob <= top_logprobs[0].logprob && top_logprobs[0].logprob < 0);
    }
    const bytes = content.flatMap(({ bytes }) => bytes!);
    assertEquals(new TextDecoder().decode(Uint8Array.from(bytes)), text);
  });

  await t.step("a stop string ends a text before it, and its tokens with it", async () => {
    const request = { model: MODEL_ID, prompt: "the cat", seed: 5, max_tokens: 40 };
    const { text } = (await client.completions.create(request)).choices[0];
    // Of random weights' bytes, many are no text.
    const stop = /[!-~]/.exec(text.slice(6))![0];
    const cut = await client.completions.create({ ...request, stop: ["never said", stop], logprobs: 0 });
    assertEquals(cut.choices[0].text, text.slice(0, text.indexOf(stop)));
    assertEquals(cut.choices[0].finish_reason, "stop");
    assertEquals(cut.choices[0].logprobs!.tokens!.length, cut.choices[0].logprobs!.token_logprobs!.length);
    assert(cut.usage!.completion_tokens < 40);
  });

  await t.step("leaving a stream ends its text", async () => {
    const stream = await client.completions.create({
      model: MODEL_ID,
      prompt: "a",
      max_tokens: 90,
      stream: true,
      n: 4,
    });
    for await (const _ of stream) break;
    while (served.loaded.engine.counts.running > 0) await client.models.list();
  });

  await t.step("another key is refused, and none", async () => {
    await assertRejects(() => clientOf(served, "another").models.list(), OpenAI.AuthenticationError);
    const response = await fetch(`${served.url}/v1/models`);
    assertEquals([response.status, (await response.json()).error.code], [401, "invalid_api_key"]);
    assertEquals((await (await fetch(`${served.url}/health`)).json()).status, "ok");
  });

  await t.step("a text that is too long is refused", async () => {
    const request = { model: MODEL_ID, prompt: "the cat", max_tokens: 95 };
    const error = await assertRejects(() => client.completions.create(request), OpenAI.BadRequestError);
    assertEquals([error.code, error.param], ["context_length_exceeded", "max_tokens"]);
    const messages = [{ role: "user" as const, content: "long ".repeat(99) }];
    const chat = () => client.chat.completions.create({ model: MODEL_ID, messages });
    assertEquals((await assertRejects(chat, OpenAI.BadRequestError)).code, "context_length_exceeded");
  });

  assertEquals(served.reported, []);
});

Deno.test("a model without a chat template says to use /v1/completions", async () => {
  await using served = await serveSmall({ template: "none" });
  const response = await post(`${served.url}/v1/chat/completions`, { messages: [{ role: "user", content: "hi" }] });
  const { error } = await response.json();
  assertEquals([response.status, error.code], [400, "no_chat_template"]);
  assert(error.message.includes("Use /v1/completions"), error.message);
});
