import { assertEquals, assertRejects } from "@std/assert";
import { type Conversation, readConversations } from "../../../tasks/chat/conversation_file.ts";
import { UserError } from "../../../tasks/cli/errors.ts";
import { inTemporaryDirectory } from "../../harness/temporary_directory.ts";

async function read(bytes: string | Uint8Array): Promise<Conversation[]> {
  const all: Conversation[] = [];
  await inTemporaryDirectory(async (dir) => {
    const path = `${dir}/c.jsonl`;
    await Deno.writeFile(path, typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes);
    for await (const { name, ...rest } of readConversations(path)) all.push({ name: name.replace(dir, ""), ...rest });
  });
  return all;
}

const HI = { role: "user", content: "Hi" };
const HELLO = { role: "assistant", content: "Hello!" };
const line = (...messages: unknown[]) => JSON.stringify({ messages });

Deno.test("a file has conversations of OpenAI's form, and pairs; answers of weight 0 are not learned", async () => {
  const parts = { role: "user", content: [{ type: "text", text: "And " }, { type: "text", text: "you?" }] };
  const lines = [
    line({ role: "system", content: "Be kind." }, HI, HELLO),
    "",
    JSON.stringify({ prompt: "Hi", completion: "Hello!", id: 7 }),
    line(HI, { ...HELLO, weight: 0 }, parts, { ...HELLO, weight: 1 }, HI),
  ];
  const [first, second, third, ...rest] = await read(`\ufeff${lines.join("\r\n")}`);
  assertEquals(rest, []);
  assertEquals(first.messages, [{ role: "system", content: "Be kind." }, HI, HELLO] as unknown);
  assertEquals([first.name, first.learned] as unknown, ["line 1 of /c.jsonl", [false, false, true]]);
  assertEquals(second, { name: "line 3 of /c.jsonl", messages: [HI, HELLO], learned: [false, true] } as unknown);
  assertEquals(third.learned, [false, false, false, true, false]);
  assertEquals(third.messages[2].content, "And you?");
});

const BAD: [content: string | Uint8Array, says: string][] = [
  ["", "got no conversation, must be one in each line"],
  ["\n \n", "got no conversation, must be one in each line"],
  [`{"messages": [`, "got text that is not JSON"],
  ["[1]", "got [1], must be an object"],
  [`{"text": "Hi"}`, 'got fields "text", must be "messages", or "prompt" and "completion"'],
  [`{"prompt": "Hi"}`, 'got fields "prompt", must be "messages", or "prompt" and "completion"'],
  ["{}", "got fields none, must be"],
  [`{"prompt": "Hi", "completion": 7}`, "got message 2 with content 7, must be text"],
  [`{"messages": {}}`, "got messages {}, must be a list"],
  [line(), "got no messages"],
  [line("Hi"), 'got message 1 "Hi", must be an object'],
  [line({ role: "robot", content: "Hi" }), 'got message 1 with role "robot", must be system, user or assistant'],
  [line(HI), "got no message of the assistant, must be one with an answer"],
  [line(HI, { ...HELLO, weight: 0 }), "got no answer but those of weight 0"],
  [line(HI, { ...HELLO, weight: 2 }), "got message 2 with weight 2, must be 0 or 1"],
  [line(HELLO, HI), "got an answer first"],
  [line(HI, { role: "assistant", content: " \n" }), "got message 2, an answer without text"],
  [line(HI, { role: "assistant", content: "a\ud800" }), "got half a surrogate pair in message 2"],
  [JSON.stringify({ messages: [HI, HELLO], tools: [{}] }), 'got "tools", must be one without them'],
  [Uint8Array.of(0x7b, 0xff, 0x7d), "got bytes that are not UTF-8"],
];

Deno.test("a line that is no conversation with an answer is refused, by its number", async () => {
  for (const [content, says] of BAD) {
    const error = await assertRejects(() => read(content), UserError, says);
    // One line, whatever it quotes.
    assertEquals(error.message.split("\n").length, 1);
  }
  const third = `${line(HI, HELLO)}\n\n${line(HI)}`;
  await assertRejects(() => read(third), UserError, "line 3 of ");
});
