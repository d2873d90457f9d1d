import { assert, assertEquals, assertRejects } from "@std/assert";
import { encodeFiles } from "../../../lib/corpus/encode/encode_files.ts";
import { encodeParts, wholeInputs } from "../../../lib/corpus/encode/encode_parts.ts";
import { UserError } from "../../../lib/errors.ts";
import { countTexts } from "../../../lib/corpus/count/count_texts.ts";
import { LongStretchError, MAX_STRETCH_BYTES } from "../../../lib/tokenizer/pretokenize/long_stretch.ts";
import { SpecialTokens } from "../../../lib/tokenizer/pretokenize/special_tokens.ts";
import { TextSplitter } from "../../../lib/tokenizer/pretokenize/text_splitter.ts";
import { trainBpe } from "../../../lib/corpus/train_bpe.ts";

const MIB = 1 << 20;
const tokenizer = await trainBpe("the cat sat on the mat ".repeat(20), { vocabSize: 264 });
const words = new TextEncoder().encode("some words ");

/** A text of words, then a stretch of one byte that begins at `at`, then words again. */
function textWith(byte: number, at: number, length: number): Uint8Array<ArrayBuffer> {
  const text = new Uint8Array(at + length + words.length).fill(byte);
  for (let i = 0; i < at; i++) text[i] = words[i % words.length];
  text.set(words, at + length);
  return text;
}

async function* pieces(text: Uint8Array, size: number) {
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
}

/** What came of it: the message of a refusal, or "fine". */
async function outcome(run: () => unknown): Promise<string> {
  try {
    await run();
    return "fine";
  } catch (error) {
    // From a worker comes the message alone.
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

Deno.test("text that cannot be divided is refused at the same place, whole, in pieces and in files", async () => {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/a.txt`;
  try {
    const at = 5 * MIB + 2;
    const readers = async (text: Uint8Array<ArrayBuffer>) => {
      await Deno.writeFile(path, text);
      const range = { path, start: 0, end: text.length, endsText: true };
      const input = { path, bytes: text.length, isGzip: false, isJsonLines: false };
      return {
        text: [() => countTexts([pieces(text, 3 * MIB)]), () => tokenizer.encode(text)],
        file: [
          () => countTexts([{ path }], { workers: 2, segmentBytes: MIB }),
          () => Array.fromAsync(encodeParts(tokenizer, wholeInputs([input]))),
          () => encodeFiles(tokenizer, [range], `${dir}/out.npy`, { workers: 1 }),
        ],
      };
    };
    const short = await readers(textWith(0x20, at, MAX_STRETCH_BYTES - 2 * words.length));
    for (const run of [short.text[0], short.file[0]]) {
      assertEquals(await outcome(run), "fine");
    }
    const long = await readers(textWith(0x20, at, MAX_STRETCH_BYTES));
    for (const [name, runs] of [["the text", long.text], [path, long.file]] as const) {
      for (const run of runs) {
        const found = await outcome(run);
        const message = /^Cannot split (.+) into words: got more than 16 MiB from byte (\d+) on that cannot/.exec(
          found,
        );
        assertEquals(message?.[1], name, found);
        const position = Number(message?.[2]);
        assert(position > at - words.length && position <= at, `${position}, not ${at}`);
      }
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("text that cannot be divided is refused soon: of an endless stream little is read", async () => {
  let given = 0;
  async function* endless() {
    for (const piece = new Uint8Array(MIB).fill(0x20);; given++) yield piece;
  }
  async function* texts() {
    yield "short";
    yield textWith(0x20, 0, MAX_STRETCH_BYTES + 1);
  }
  const count = (source: Parameters<typeof countTexts>[0][0]) => () => countTexts([source], { names: ["endless"] });
  await assertRejects(count(endless()), LongStretchError, "split endless into words");
  assert(given <= 18, `${given} pieces`);
  await assertRejects(count({ texts: texts() }), LongStretchError, "split endless, text 2 into words");
});

Deno.test("special tokens without text between them are not held, however many there are", () => {
  const a = `<|${"a".repeat(400)}|>`, b = `<|${"b".repeat(500)}|>`;
  const SPECIALS = [a, a + b, b].map((text, id) => ({ text, id }));
  const specials = new SpecialTokens(SPECIALS);
  const found: number[] = [];
  let pending = 0;
  const splitter = new TextSplitter(specials, () => assert(false), (id) => {
    found.push(id);
    pending -= SPECIALS[id].text.length;
  });
  const text = new TextEncoder().encode((a + a + b + b).repeat(1000));
  let most = 0;
  for (let i = 0; i < 15; i++) {
    pending += text.length;
    splitter.push(text);
    most = Math.max(most, pending);
  }
  splitter.flush();
  assert(most <= MAX_STRETCH_BYTES + text.length);
  assertEquals(pending, 0);
  const expected = Array.from({ length: found.length }, (_, i) => [0, 1, 2][i % 3]);
  assert(found.every((id, i) => id === expected[i]));
});
