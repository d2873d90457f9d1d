import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { pipedLines } from "../../../tasks/chat/piped_lines.ts";
import type { Speaker } from "../../../tasks/chat/speaker.ts";
import { talk } from "../../../tasks/chat/talk.ts";
import { CANCELLED, type ReadLine, type Turn, turnsOf } from "../../../tasks/chat/turns.ts";
import { UserError } from "../../../tasks/cli/errors.ts";
import { inTemporaryDirectory } from "../../harness/temporary_directory.ts";

/** Reads lines that are there already. */
function reading(...lines: (string | typeof CANCELLED)[]): ReadLine {
  return () => Promise.resolve(lines.shift());
}

async function turnsFrom(...lines: (string | typeof CANCELLED)[]): Promise<Turn[]> {
  return await Array.fromAsync(turnsOf(reading(...lines)));
}

const text = (text: string): Turn => ({ kind: "text", text });

Deno.test("a turn is a line, a command, or all lines of a fence", async () => {
  assertEquals(await turnsFrom("one", "", "  ", " two "), [text("one"), text(" two ")]);
  assertEquals(await turnsFrom("/save  a b.jsonl ", "//slash", "/"), [
    { kind: "command", name: "save", rest: "a b.jsonl" },
    text("/slash"),
    { kind: "command", name: "", rest: "" },
  ]);
  assertEquals(await turnsFrom('"""', "a", "", "/b", '"""', "c"), [text("a\n\n/b"), text("c")]);
  assertEquals(await turnsFrom('"""a', 'b"""', '"""c"""', '"""', "", "d", '"""'), [
    text("a\nb"),
    text("c"),
    text("\nd"),
  ]);
  assertEquals(await turnsFrom("```ts", "x", "```", "```y```"), [text("```ts\nx\n```"), text("```y```")]);
  assertEquals(await turnsFrom('"""', '"""', "a"), [text("a")]);
  assertEquals(await turnsFrom(CANCELLED, '"""', "a", CANCELLED, "b"), [text("b")]);
  for (const fence of ['"""', "```"]) {
    await assertRejects(() => turnsFrom(fence, "a"), UserError, `the end of input after ${fence}, must be another`);
  }
});

Deno.test("lines from a pipe come without line ends, and must be UTF-8", async () => {
  const lines = async (...bytes: number[]) =>
    await Array.fromAsync(turnsOf(pipedLines(ReadableStream.from([Uint8Array.from(bytes)]))));
  const code = (text: string) => [...new TextEncoder().encode(text)];
  assertEquals(await lines(...code("\ufeffa\r\n\r\nné\nlast")), [text("a"), text("né"), text("last")]);
  await assertRejects(() => lines(...code("a\n"), 0xff, 0x0a), UserError, "got line 2 that is not UTF-8");
});

/** Answers every text with itself in capitals, piece by piece; refuses those that say so. */
class Echo implements Speaker {
  said: string[] = [];

  async *answer(text: string): AsyncGenerator<Uint8Array, void, void> {
    if (text === "refuse") throw new UserError("Refused. Do otherwise");
    this.said.push(text);
    for (const letter of text.toUpperCase()) yield await Promise.resolve(new TextEncoder().encode(letter));
  }

  takeBack(): string | undefined {
    return this.said.pop();
  }

  reset(): void {
    this.said = [];
  }

  record(): string {
    return this.said.length === 0 ? "" : `${JSON.stringify(this.said)}\n`;
  }
}

async function talkWith(...lines: string[]) {
  const speaker = new Echo();
  let written = "";
  const heard: string[] = [];
  const errors: string[] = [];
  await talk(turnsOf(reading(...lines)), speaker, {
    write: (bytes) => {
      written += new TextDecoder().decode(bytes);
      return Promise.resolve();
    },
    say: (line) => heard.push(line),
    afterAnswer: () => heard.push(`after ${JSON.stringify(written)}`),
    onError: ({ message }) => errors.push(message),
    whileAnswering: (answer) => answer(new AbortController().signal),
  });
  return { written, heard, errors, speaker };
}

Deno.test("texts are answered and commands obeyed, until /exit", async () => {
  const { written, heard, errors, speaker } = await talkWith("a", "/retry", "/help", "b", "/reset", "c", "/exit", "d");
  assertEquals(written, "A\nA\nB\nC\n");
  assertEquals(speaker.said, ["c"]);
  assertEquals(errors, []);
  assertEquals(heard.slice(0, 2), ['after "A\\n"', 'after "A\\nA\\n"']);
  assertMatch(heard[2], /\/retry .*\n\/save FILE/);
});

Deno.test("what cannot be done is told, and the conversation goes on", async () => {
  const { written, errors } = await talkWith("/retry", "/foo bar", "/save", "/save x.jsonl", "refuse", "ok");
  assertEquals(written, "OK\n");
  const told = [/^Cannot answer again/, /^Cannot do \/foo: /, /got no name/, /got an empty conversation/, /^Refused/];
  assertEquals(errors.length, told.length);
  for (const [i, message] of told.entries()) assertMatch(errors[i], message);
});

Deno.test("/save writes the conversation to a new file, and replaces none", async () => {
  await inTemporaryDirectory(async (directory) => {
    const path = `${directory}/a chat.jsonl`;
    const { errors, heard } = await talkWith("a", `/save ${path}`, "b", `/save ${path}`);
    assertEquals(await Deno.readTextFile(path), '["a"]\n');
    assertEquals(heard.includes(`Saved: ${path}`), true);
    assertEquals(errors.length, 1);
    assertMatch(errors[0], /exists/);
  });
});

Deno.test({
  name: "Ctrl-C ends what gives an answer, and not the process",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    // Two answers: each is ended by a signal of its own.
    const program = `
      import { untilCtrlC } from "${new URL("../../../tasks/cli/interrupt.ts", import.meta.url)}";
      for (const name of ["one", "two"]) {
        await untilCtrlC(async (signal) => {
          const { promise, resolve } = Promise.withResolvers();
          signal.addEventListener("abort", resolve);
          const waiting = setInterval(() => {}, 1000);
          Deno.kill(Deno.pid, "SIGINT");
          await promise;
          clearInterval(waiting);
          console.log(name);
        });
      }`;
    const args = ["eval", "--no-check", program];
    const { code, stdout } = await new Deno.Command(Deno.execPath(), { args }).output();
    assertEquals([code, new TextDecoder().decode(stdout)], [0, "one\ntwo\n"]);
  },
});
