import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { trainBpe } from "../../../lib/tokenizer/mod.ts";
import { Tokenizer } from "../../../lib/tokenizer/tokenizer.ts";
import type { TokenizerConfig } from "../../../lib/tokenizer/vocabulary/vocabulary.ts";
import { ChatTemplate } from "../../../tasks/chat/chat_template.ts";
import { answerEnds, findChatTemplate, templateTokens } from "../../../tasks/chat/find_template.ts";
import { type ChatMessage, parseMessages } from "../../../tasks/chat/messages.ts";
import { describeError, UserError } from "../../../tasks/cli/errors.ts";

interface Fixture {
  readonly templates: Readonly<Record<string, string>>;
  readonly conversations: readonly (readonly ChatMessage[])[];
  readonly cases: readonly {
    readonly template: string;
    readonly conversation: number;
    readonly addGenerationPrompt: boolean;
    /** What transformers makes of it; or what the template says against it. */
    readonly text?: string;
    readonly error?: string;
  }[];
}

const FIXTURE: Fixture = JSON.parse(
  await Deno.readTextFile(new URL("../../fixtures/transformers/chat_templates.json", import.meta.url)),
);

const HELLO: readonly ChatMessage[] = [{ role: "user", content: "Hello" }];

async function tokenizerWith(specialTokens: readonly string[], config?: TokenizerConfig): Promise<Tokenizer> {
  const { vocabulary } = await trainBpe("hello world", { vocabSize: 256 + specialTokens.length, specialTokens });
  return new Tokenizer({ ...vocabulary, ...(config && { config }) });
}

for (const [name, text] of Object.entries(FIXTURE.templates)) {
  Deno.test(`a conversation becomes the text that transformers makes of it, with a template like that of ${name}`, async () => {
    const template = await ChatTemplate.parse(text, name, { bos_token: "<s>", eos_token: "</s>" });
    const cases = FIXTURE.cases.filter((one) => one.template === name);
    assertEquals(cases.length, 2 * FIXTURE.conversations.length);
    for (const { conversation, addGenerationPrompt, text, error } of cases) {
      const render = () => template.render(FIXTURE.conversations[conversation], { addGenerationPrompt });
      if (error === undefined) assertEquals(render(), text);
      else {
        const thrown = assertThrows(render, UserError);
        assertEquals(thrown.message.includes(error), true, thrown.message);
      }
    }
  });
}

Deno.test("a template that is not in Jinja's language, or fails, is an error of one line", async () => {
  for (const text of ["{% if %}", "{{ a", "{% for x in y %}", "{{ 'a' | nothing }}"]) {
    const make = async () => (await ChatTemplate.parse(text, "t.jinja")).render(HELLO);
    const error = await assertRejects(make, UserError);
    assertMatch(
      describeError(error),
      /^error: Cannot (?:read|use) the chat template of t\.jinja.* it says ".+"\. Pass/,
    );
    assertEquals(describeError(error).includes("\n"), false);
  }
  const loud = await ChatTemplate.parse(`{{ raise_exception("${"long\\n".repeat(5000)}") }}`, "t.jinja");
  assertEquals(describeError(assertThrows(() => loud.render(HELLO), UserError)).length < 400, true);
});

Deno.test("the template is the one that is asked for, or else the tokenizer's own", async () => {
  const specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
  const rendered = async (tokenizer: Tokenizer, given?: string) =>
    (await findChatTemplate(tokenizer, given))?.render(HELLO, { addGenerationPrompt: true });
  assertEquals(await rendered(await tokenizerWith(specials)), undefined);
  assertEquals(await rendered(await tokenizerWith([], { chatTemplate: "own" })), "own");
  assertEquals(await rendered(await tokenizerWith([], { settings: { chat_template: "old form" } })), "old form");
  const chat_template = [{ name: "tool_use", template: "tools" }, { name: "default", template: "{{ eos_token }}" }];
  const listed = await tokenizerWith([], { settings: { chat_template, eos_token: { content: "<e>", lstrip: false } } });
  assertEquals([await rendered(listed), await rendered(listed, "tool_use")], ["<e>", "tools"]);

  const own = await tokenizerWith(specials, { chatTemplate: "own" });
  assertEquals(await rendered(own, "chatml"), "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n");
  assertEquals(await rendered(own, "plain"), "User:\nHello\n\nAssistant:\n");
  const path = await Deno.makeTempFile({ suffix: ".jinja" });
  try {
    await Deno.writeTextFile(path, "{{ messages[0].content }} from a file");
    assertEquals(await rendered(own, path), "Hello from a file");
  } finally {
    await Deno.remove(path);
  }
  const bare = await tokenizerWith(["<|im_start|>"]);
  const missing = await assertRejects(() => rendered(bare, "chatml"), UserError);
  assertMatch(missing.message, /got a tokenizer without <\|im_end\|>, must have these/);
  const unknown = await assertRejects(() => rendered(own, "chatmi"), UserError);
  assertMatch(unknown.message, /got no such file, must be a file or one of default, chatml, plain/);
});

Deno.test("plain ends what the assistant says with the token that ends texts", async () => {
  const tokenizer = await tokenizerWith(["<|endoftext|>"]);
  const template = await findChatTemplate(tokenizer, "plain");
  const messages = [{ role: "system", content: "S" }, ...HELLO, { role: "assistant", content: "Hi" }] as const;
  assertEquals(template!.render(messages), "System:\nS\n\nUser:\nHello\n\nAssistant:\nHi<|endoftext|>\n\n");
});

Deno.test("an answer ends where the tokenizer, the model's files or the template say", async () => {
  const specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|eot_id|>"];
  const tokenizer = await tokenizerWith(specials, { settings: { eos_token: "<|endoftext|>" } });
  const id = (text: string) => tokenizer.specialTokens.get(text)!;
  const chatml = (await findChatTemplate(tokenizer, "chatml"))!;
  // One that the template does not use may stand in an answer.
  assertEquals(answerEnds(tokenizer, chatml, [7]), [id("<|endoftext|>"), id("<|im_end|>"), 7]);
  assertEquals(templateTokens(tokenizer), { bos_token: "<|endoftext|>", eos_token: "<|endoftext|>" });
});

Deno.test("a conversation from JSON is read, and refused by the message that is wrong", () => {
  const parts = [{ type: "text", text: "a" }, { type: "text", text: "b" }];
  assertEquals(
    parseMessages([{ role: "user", content: parts, name: "x" }, { role: "assistant", content: "" }], "a file"),
    [{ role: "user", content: "ab" }, { role: "assistant", content: "" }],
  );
  const bad: readonly [unknown, RegExp][] = [
    ["text", /of a file: got messages "text", must be a list/],
    [undefined, /got messages undefined, must be a list/],
    [[], /got no messages, must be at least one/],
    [[...HELLO, 7], /got message 2 7, must be an object/],
    [[{ role: "robot", content: "a" }], /message 1 with role "robot", must be system, user or assistant/],
    [[{ content: "a" }], /message 1 with role undefined, must be/],
    [[{ role: "user" }], /message 1 with content undefined, must be text/],
    [[{ role: "user", content: [{ type: "image_url" }] }], /message 1 with content .*, must be text/],
    [[{ role: "user", content: [] }], /message 1 with content \[\], must be text/],
  ];
  for (const [value, message] of bad) {
    assertMatch(assertThrows(() => parseMessages(value, "a file"), UserError).message, message);
  }
});
