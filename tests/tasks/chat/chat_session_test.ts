import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { toText } from "@std/streams";
import { createWasmBackend } from "../../../lib/backend/wasm.ts";
import { TextGenerator } from "../../../lib/generate/generator.ts";
import { Transformer } from "../../../lib/model/transformer.ts";
import { initialWeights, writeWeights } from "../../../lib/model/weights.ts";
import { ChatSession } from "../../../tasks/chat/chat_session.ts";
import { ChatTemplate } from "../../../tasks/chat/chat_template.ts";
import { findChatTemplate } from "../../../tasks/chat/find_template.ts";
import type { Speaker, SpeakerOptions, SpeakingModel } from "../../../tasks/chat/speaker.ts";
import { TextCompletion } from "../../../tasks/chat/text_completion.ts";
import { UserError } from "../../../tasks/cli/errors.ts";
import { scriptedModel } from "./scripted_model.ts";

const OPTIONS: SpeakerOptions = {
  sampling: { temperature: 0, topP: 1 },
  maxTokens: 100,
  seed: 7,
  onNote: (note) => {
    throw new Error(note);
  },
};

async function sessionWith(model: SpeakingModel, options: Partial<SpeakerOptions> & { system?: string } = {}) {
  const template = (await findChatTemplate(model.tokenizer, "chatml"))!;
  return new ChatSession(model, template, { ...OPTIONS, ...options });
}

function ask(speaker: Speaker, text: string, signal?: AbortSignal): Promise<string> {
  return toText(ReadableStream.from(speaker.answer(text, signal)));
}

const said = (role: string, text: string) => `<|im_start|>${role}\n${text}<|im_end|>\n`;
const ASSISTANT = "<|im_start|>assistant\n";

Deno.test("each turn gives the model the whole conversation, and ends at the template's end token", async () => {
  const model = await scriptedModel(["Hello — you!", "", "again"]);
  const chat = await sessionWith(model, { system: "Be kind." });
  assertEquals(await ask(chat, "Hi"), "Hello — you!");
  assertEquals(await ask(chat, "naïve?"), "");
  assertEquals(await ask(chat, "third"), "again");
  const first = said("system", "Be kind.") + said("user", "Hi");
  const second = first + said("assistant", "Hello — you!") + said("user", "naïve?");
  assertEquals(model.asked.map(({ prompt }) => prompt), [
    first + ASSISTANT,
    second + ASSISTANT,
    second + said("assistant", "") + said("user", "third") + ASSISTANT,
  ]);
  const [{ options }] = model.asked;
  assertEquals([options.reusePrefix, options.temperature, options.maxTokens], [true, 0, 100]);
  assertEquals(model.asked.map(({ options }) => options.seed), [7, 8, 9]);
  assertEquals(JSON.parse(chat.record()).messages, chat.messages);
  assertEquals(chat.messages.length, 7);
});

Deno.test("an answer is taken back and made anew with another seed, and a conversation forgotten", async () => {
  const model = await scriptedModel(["one", "two", "three"]);
  const chat = await sessionWith(model, { system: "S" });
  assertEquals([chat.takeBack(), chat.record()], [undefined, ""]);
  await ask(chat, "Hi");
  assertEquals(chat.takeBack(), "Hi");
  assertEquals(await ask(chat, "Hi"), "two");
  assertEquals(chat.messages.map(({ content }) => content), ["S", "Hi", "two"]);
  assertEquals(model.asked[1].prompt, model.asked[0].prompt);
  assertEquals(model.asked[1].options.seed, 8);
  chat.reset();
  await ask(chat, "Hi");
  assertEquals(model.asked[2].prompt, model.asked[0].prompt);
});

Deno.test("an answer that is ended early stays, as far as it was said", async () => {
  const model = await scriptedModel(["a long answer", "more", "left"]);
  const chat = await sessionWith(model);
  const controller = new AbortController();
  for await (const _ of chat.answer("Hi", controller.signal)) controller.abort();
  assertEquals(chat.messages.at(-1), { role: "assistant", content: "a" });
  for await (const _ of chat.answer("go on")) break;
  assertEquals(chat.messages.map(({ content }) => content), ["Hi", "a", "go on", "m"]);
  assertEquals(await ask(await sessionWith(model, { stopStrings: ["ft"] }), "Hi"), "le");
});

Deno.test("an answer that fails leaves the conversation as it was", async () => {
  const chat = await sessionWith(await scriptedModel(["fine", new UserError("broken"), "well"]));
  await ask(chat, "one");
  await assertRejects(() => ask(chat, "two"), UserError, "broken");
  assertEquals(await ask(chat, "three"), "well");
  assertEquals(chat.messages.map(({ content }) => content), ["one", "fine", "three", "well"]);
});

Deno.test("the oldest turns are left out by whole turns once the window is full, which is said", async () => {
  const notes: string[] = [];
  const model = await scriptedModel(Array.from({ length: 9 }, (_, i) => `answer ${i}`), 400);
  const chat = await sessionWith(model, { system: "Rules.", onNote: (note) => notes.push(note) });
  const lengths: number[] = [];
  for (let i = 0; i < 9; i++) {
    await ask(chat, `question ${i}`);
    const { prompt } = model.asked.at(-1)!;
    // Every prompt has the system's message, and turns without a gap up to the newest.
    const turns = [...prompt.matchAll(/question (\d)/g)].map(([, number]) => Number(number));
    assertEquals(turns, Array.from({ length: turns.length }, (_, k) => i + 1 - turns.length + k));
    assertEquals(prompt.startsWith(said("system", "Rules.") + said("user", `question ${turns[0]}`)), true, prompt);
    const length = model.tokenizer.encode(prompt).length;
    assertEquals(length + 100 <= 400, true, `${length} tokens leave too little room`);
    lengths.push(turns.length);
  }
  // Several are left out at once, so that not every turn computes all of the window anew.
  // A turn makes 39 tokens, the system's message and a question 45: 7 turns leave room for an answer, 4 half of the window.
  assertEquals(lengths, [1, 2, 3, 4, 5, 6, 7, 4, 5]);
  assertEquals(notes, ["The 4 oldest turns are left out from now on: the model's window has 400 tokens"]);
  // What was said is still saved.
  assertEquals(chat.messages.length, 19);
  assertEquals(chat.takeBack(), "question 8");
});

Deno.test("a message that does not fit the window is refused, and an answer that fills it is ended, which is said", async () => {
  const notes: string[] = [];
  const model = await scriptedModel(["short", "b".repeat(500), "c".repeat(500)], 60);
  const chat = await sessionWith(model, { onNote: (note) => notes.push(note) });
  await ask(chat, "Hi");
  const error = await assertRejects(() => ask(chat, "a".repeat(60)), UserError);
  assertMatch(error.message, /got a message that makes 79 tokens, must be less than the model's window of 60/);
  assertEquals(notes, []);
  const room = 60 - model.tokenizer.encode(said("user", "a".repeat(30)) + ASSISTANT).length;
  assertEquals(await ask(chat, "a".repeat(30)), "b".repeat(room));
  assertEquals(notes, [
    "The oldest turn is left out from now on: the model's window has 60 tokens",
    "The answer was ended: the model's window of 60 tokens is full",
  ]);
  chat.reset();
  const brief = await sessionWith(model, { maxTokens: 3, onNote: (note) => notes.push(note) });
  assertEquals(await ask(brief, "Hi"), "ccc");
  assertEquals(notes.at(-1), "The answer was ended after 3 tokens");
});

Deno.test("a template that takes no message of the system refuses it before anything is said", async () => {
  const model = await scriptedModel([]);
  const text = "{% if messages[0].role == 'system' %}{{ raise_exception('No system') }}{% endif %}x";
  const template = await ChatTemplate.parse(text, "t");
  assertThrows(() => new ChatSession(model, template, { ...OPTIONS, system: "S" }), UserError, "No system");
  new ChatSession(model, template, OPTIONS);
});

Deno.test("without a template, each text is continued by itself", async () => {
  const notes: string[] = [];
  const model = await scriptedModel([" b", " c", "d".repeat(200)]);
  const completion = new TextCompletion(model, { ...OPTIONS, onNote: (note) => notes.push(note) });
  const end = model.tokenizer.specialTokens.get("<|im_end|>")!;
  await ask(completion, "a");
  assertEquals(completion.takeBack(), "a");
  await ask(completion, "a");
  await ask(completion, "b");
  assertEquals(model.asked.map(({ prompt }) => prompt), ["a", "a", "b"]);
  assertEquals(model.asked.map(({ options }) => options.seed), [7, 8, 9]);
  assertEquals(notes, ["The text was ended after 100 tokens"]);
  const lines = completion.record().trimEnd().split("\n").map((line) => JSON.parse(line));
  const special = model.tokenizer.decode([end]);
  assertEquals(lines, [{ prompt: "a", completion: ` c${special}` }, { prompt: "b", completion: "d".repeat(100) }]);
  completion.reset();
  assertEquals(completion.record(), "");
  await assertRejects(() => ask(completion, ""), UserError, "makes no tokens");
});

Deno.test("answers with the cache of earlier turns are those without it", async () => {
  const { tokenizer } = await scriptedModel([]);
  const shape = { contextLength: 200, dModel: 16, numLayers: 2, numHeads: 2, dFf: 24, ropeTheta: 10000 };
  const model = new Transformer({ ...shape, vocabSize: tokenizer.vocabSize });
  await using backend = await createWasmBackend({ workers: 1 });
  const talk = async (forgets: boolean) => {
    using generator = await TextGenerator.create(backend, model);
    await writeWeights(backend, model, initialWeights(model.config, 5));
    const kept: number[] = [];
    const speaking: SpeakingModel = {
      generator: {
        generate: (ids, options) => generator.generate(ids, { ...options, ...(forgets && { reusePrefix: false }) }),
        cachedPrefix: (ids) => generator.cachedPrefix(ids),
      },
      tokenizer,
      config: model.config,
      stopIds: [],
    };
    const onFigures = ({ cachedTokens }: { readonly cachedTokens: number }) => kept.push(cachedTokens);
    const chat = await sessionWith(speaking, { maxTokens: 20, onNote: () => {}, onFigures });
    for (const text of ["one", "two", "three", "four", "five"]) await ask(chat, text);
    return { messages: chat.messages, kept };
  };
  const { messages, kept } = await talk(false);
  assertEquals((await talk(true)).messages, messages);
  // Nothing is kept at first; the second turn finds the first one.
  assertEquals(kept[0], 0);
  assertEquals(kept[1] >= tokenizer.encode(said("user", "one") + ASSISTANT).length, true, kept.join());
  model.release(backend);
});
