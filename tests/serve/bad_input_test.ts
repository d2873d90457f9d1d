// What the server cannot answer: each refused in OpenAI's form, and the server goes on.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { MODEL_ID, post, serveSmall, untilIdle } from "./served.ts";

const COMPLETIONS = "/v1/completions";
const CHAT = "/v1/chat/completions";
const SAID = [{ role: "user", content: "hi" }];

/** Fields that are wrong, and the one that the error names. */
const COMPLETION_FIELDS: readonly (readonly [unknown, string | null])[] = [
  [{ prompt: "a", temprature: 1 }, "temprature"],
  [{ prompt: "a", messages: SAID }, "messages"],
  [{ prompt: "a", max_tokens: 0 }, "max_tokens"],
  [{ prompt: "a", max_tokens: 1.5 }, "max_tokens"],
  [{ prompt: "a", max_tokens: "9" }, "max_tokens"],
  [{ prompt: "a", max_tokens: 1e9 }, "max_tokens"],
  [{ prompt: "a", temperature: -1 }, "temperature"],
  [{ prompt: "a", temperature: 2.1 }, "temperature"],
  [{ prompt: "a", temperature: true }, "temperature"],
  [{ prompt: "a", top_p: 0 }, "top_p"],
  [{ prompt: "a", top_p: 1.1 }, "top_p"],
  [{ prompt: "a", n: 0 }, "n"],
  [{ prompt: "a", n: 129 }, "n"],
  // More than there are slots and places in the queue.
  [{ prompt: ["a", "b"], n: 7 }, "n"],
  [{ prompt: "a", stop: 5 }, "stop"],
  [{ prompt: "a", stop: [""] }, "stop"],
  [{ prompt: "a", stop: ["a", "b", "c", "d", "e"] }, "stop"],
  [{ prompt: "a", seed: -1 }, "seed"],
  [{ prompt: "a", seed: 2 ** 60 }, "seed"],
  [{ prompt: "a", logprobs: 6 }, "logprobs"],
  [{ prompt: "a", logprobs: true }, "logprobs"],
  [{ prompt: "a", stream: "yes" }, "stream"],
  [{ prompt: "a", stream_options: { include_usage: true } }, "stream_options"],
  [{ prompt: "a", stream: true, stream_options: { more: true } }, "stream_options.more"],
  [{ prompt: "a", stream: true, stream_options: 1 }, null],
  [{ prompt: "a", echo: true }, "echo"],
  [{ prompt: "a", best_of: 2 }, "best_of"],
  [{ prompt: "a", suffix: "b" }, "suffix"],
  [{ prompt: "a", presence_penalty: 0.5 }, "presence_penalty"],
  [{ prompt: "a", logit_bias: { 5: 1 } }, "logit_bias"],
  [{ prompt: "a", user: 5 }, "user"],
  [{ prompt: "a", model: 5 }, "model"],
  [{ prompt: 5 }, "prompt"],
  [{ prompt: [] }, "prompt"],
  [{ prompt: [[]] }, "prompt"],
  [{ prompt: ["a", 5] }, "prompt"],
  [{ prompt: [-1] }, "prompt"],
  [{ prompt: [0.5] }, "prompt"],
  [{ prompt: [99999] }, "prompt"],
  [{ prompt: "long ".repeat(200) }, "max_tokens"],
  ["", null],
  ["{", null],
  ["[]", null],
  ["null", null],
  ["5", null],
  ['"the cat"', null],
  ["[".repeat(100_000), null],
  [`{"prompt":${"[".repeat(5000)}${"]".repeat(5000)}}`, "prompt"],
];

const CHAT_FIELDS: readonly (readonly [unknown, string | null])[] = [
  [{ messages: SAID, prompt: "a" }, "prompt"],
  [{ messages: SAID, functions: [] }, "functions"],
  [{ messages: SAID, tools: [{}] }, "tools"],
  [{ messages: SAID, response_format: { type: "json_object" } }, "response_format"],
  [{ messages: SAID, top_logprobs: 2 }, "top_logprobs"],
  [{ messages: SAID, logprobs: true, top_logprobs: 21 }, "top_logprobs"],
  [{ messages: SAID, logprobs: 1 }, "logprobs"],
  [{ messages: SAID, max_tokens: 1, max_completion_tokens: 1 }, "max_completion_tokens"],
  [{}, "messages"],
  [{ messages: "hi" }, "messages"],
  [{ messages: [] }, "messages"],
  [{ messages: ["hi"] }, "messages"],
  [{ messages: [{ role: "robot", content: "hi" }] }, "messages"],
  [{ messages: [{ role: "user" }] }, "messages"],
  [{ messages: [{ role: "user", content: [{ type: "image_url" }] }] }, "messages"],
];

Deno.test("requests that mean nothing are refused by the field's name, and the server goes on", async () => {
  await using served = await serveSmall();
  const asked = { prompt: "the cat", max_tokens: 5, seed: 1 };
  const textNow = async () => (await (await post(served.url + COMPLETIONS, asked)).json()).choices[0].text;
  const before = await textNow();
  for (const [path, fields] of [[COMPLETIONS, COMPLETION_FIELDS], [CHAT, CHAT_FIELDS]] as const) {
    for (const [body, param] of fields) {
      const label = JSON.stringify(body).slice(0, 100);
      const response = await post(served.url + path, body);
      const text = await response.text();
      assertEquals(response.status, 400, `${label}: ${text}`);
      const { error } = JSON.parse(text);
      assertEquals(error.param, param, `${label}: ${text}`);
      assertEquals(error.type, "invalid_request_error", label);
      assertMatch(error.message, typeof body === "string" ? /^Cannot .*: got / : /^Cannot .*: got .*, must be /, label);
      assert(error.message.length < 600, `${label}: ${error.message.length} characters`);
    }
  }
  assertEquals(await textNow(), before);
  await untilIdle(served);
  assertEquals(served.reported, []);
});

Deno.test("fields that are null, or say what happens anyway, change nothing", async () => {
  await using served = await serveSmall();
  const asked = { prompt: "the cat", max_tokens: 5, seed: 1 };
  const plain = await (await post(served.url + COMPLETIONS, asked)).json();
  const more = { model: MODEL_ID, stop: null, n: null, logit_bias: {}, presence_penalty: 0, best_of: 1, user: "me" };
  const same = await (await post(served.url + COMPLETIONS, { ...asked, ...more })).json();
  assertEquals(same.choices, plain.choices);
});

Deno.test("other paths, methods, types, and bodies that are too large or never end are refused", async () => {
  await using served = await serveSmall({ limits: { bytes: 2000, milliseconds: 20 } });
  const statusOf = async (response: Response) => {
    const { error } = await response.json();
    assertEquals([typeof error.message, typeof error.type], ["string", "string"]);
    return response.status;
  };
  const { url } = served;
  assertEquals(await statusOf(await fetch(`${url}/v1/nothing`)), 404);
  assertEquals(await statusOf(await fetch(`${url}/`)), 404);
  assertEquals(await statusOf(await fetch(`${url}/v1/models/%zz`)), 404);
  const got = await fetch(url + COMPLETIONS);
  assertEquals([got.headers.get("allow"), await statusOf(got)], ["POST", 405]);
  assertEquals(await statusOf(await post(`${url}/v1/models`, {})), 405);
  assertEquals(await statusOf(await post(url + COMPLETIONS, {}, { headers: { "content-type": "text/plain" } })), 415);
  assertEquals(await statusOf(await post(url + COMPLETIONS, { prompt: "a".repeat(2000) })), 413);
  // Of unknown length: the answer comes once there is too much of it.
  const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(999).fill(32)) });
  const request = (body: ReadableStream) =>
    new Request(`${url}${COMPLETIONS}`, { method: "POST", headers: { "content-type": "application/json" }, body });
  assertEquals(await statusOf(await served.handler(request(endless))), 413);
  assertEquals(await statusOf(await served.handler(request(new ReadableStream()))), 408);
  assertEquals(await statusOf(await served.handler(new Request("http://elsewhere.example/v1/models"))), 403);
  assertEquals((await (await fetch(`${url}/health`)).json()).status, "ok");
});
