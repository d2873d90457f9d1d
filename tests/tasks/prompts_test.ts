import { assertEquals, assertRejects } from "@std/assert";
import { stub } from "@std/testing/mock";
import fc from "fast-check";
import { UserError } from "../../lib/errors.ts";
import { readPrompt, typedLines } from "../../tasks/generate/prompts.ts";

/** A stream of bytes, written as Latin-1, in pieces of some length. */
async function* piecesOf(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.slice(at, at + length);
}

const bytesOf = (latin1: string) => Uint8Array.from(latin1, (character) => character.charCodeAt(0));
const latin1Of = (bytes: Uint8Array) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");

/** Runs `body` without its warnings, which it is given. */
async function quietly(body: (said: string[]) => Promise<void>): Promise<void> {
  const said: string[] = [];
  using _error = stub(console, "error", (...words) => void said.push(words.join(" ")));
  await body(said);
}

Deno.test("a prompt from stdin is its bytes, whatever they are; one line end at its end is no part of it", () =>
  quietly(async () => {
    const byte = fc.constantFrom(..."ab \r\n\xff\xef\xbb\xbf\xc3\xa9");
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: byte }), fc.integer({ min: 1, max: 9 }), async (text, length) => {
        const prompt = text.replace(/\r?\n$/, "");
        const read = () => readPrompt(piecesOf(bytesOf(text), length));
        if (prompt === "") await assertRejects(read, UserError, "got an empty prompt");
        else assertEquals(latin1Of(await read()), prompt);
      }),
    );
  }));

Deno.test("typed lines are their bytes, up to the first empty one; those that are not UTF-8 are said", () =>
  quietly(async (said) => {
    let asked = 0;
    const typed = bytesOf("the \xff\r\n\xef\xbb\xbfna\xc3\xafve\n\nmore\n");
    const lines = [];
    for await (const line of typedLines(piecesOf(typed, 3), () => asked++)) lines.push(latin1Of(line));
    assertEquals(lines, ["the \xff", "\xef\xbb\xbfna\xc3\xafve"]);
    assertEquals(asked, 3);
    assertEquals(said, ["warning: standard input, line 1, is not UTF-8; its bytes are kept as they are"]);
  }));
