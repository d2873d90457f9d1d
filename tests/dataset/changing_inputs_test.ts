import { assertEquals, assertRejects } from "@std/assert";
import { gzipSync } from "node:zlib";
import { encodeParts, encodePartsToNpy, wholeInputs } from "../../lib/corpus/encode/encode_parts.ts";
import { readNpy } from "../../lib/dataset/npy_file.ts";
import { planShards } from "../../lib/corpus/encode/shard_plan.ts";
import { expandInputs } from "../../lib/corpus/expand_inputs.ts";
import { type TextInput, textSourceOf } from "../../lib/corpus/text_inputs.ts";
import { UserError } from "../../lib/errors.ts";
import { countTexts, type Texts, trainBpe } from "../../lib/tokenizer/mod.ts";
import { SpecialTokens } from "../../lib/tokenizer/pretokenize/special_tokens.ts";

const TEXT = "the cat sat on the mat, the dog sat on the log. ".repeat(500);
const tokenizer = await trainBpe(TEXT, { vocabSize: 265 });

/** The same text as a plain file, as JSON Lines, and packed. */
async function withInputs(body: (dir: string, paths: readonly string[]) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    const line = `${JSON.stringify({ text: TEXT })}\n`;
    await Deno.writeTextFile(`${dir}/a.txt`, TEXT);
    await Deno.writeTextFile(`${dir}/b.jsonl`, line.repeat(3));
    await Deno.writeFile(`${dir}/c.jsonl.gz`, new Uint8Array(gzipSync(line.repeat(3))));
    await body(dir, ["a.txt", "b.jsonl", "c.jsonl.gz"].map((name) => `${dir}/${name}`));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Ways in which somebody may write to a file, what is said of each, and the time of a change. */
const CHANGES: readonly [(path: string) => void, RegExp][] = [
  [(path) => Deno.writeTextFileSync(path, "x", { append: true }), /got \d+ bytes, must still be the \d+ it had/],
  [
    (path) => Deno.truncateSync(path, Deno.statSync(path).size - 1),
    /got \d+ bytes, must still be the \d+ it had|it ended/,
  ],
  [(path) => Deno.utimeSync(path, 0, 0), /it changed while it was being read/],
];

Deno.test("an input that somebody writes to while it is encoded is an error that names it, and leaves nothing", () =>
  withInputs(async (dir, paths) => {
    const names = () => Array.from(Deno.readDirSync(dir), ({ name }) => name).sort();
    const before = names();
    for (const path of paths) {
      for (const [change, says] of CHANGES) {
        const original = await Deno.readFile(path);
        let isChanged = false;
        const onProgress = () => {
          if (!isChanged) change(path);
          isChanged = true;
        };
        const inputs = wholeInputs(await expandInputs([path]));
        const error = await assertRejects(
          () => encodePartsToNpy(tokenizer, inputs, `${dir}/out.npy`, { onProgress }),
          UserError,
          path,
        );
        assertEquals(says.test(error.message), true, `${path}: ${error.message}`);
        assertEquals(names(), before);
        await Deno.writeFile(path, original);
      }
    }
  }));

Deno.test("an input that is not as long as it was listed is an error that names it", () =>
  withInputs(async (_, paths) => {
    for (const path of paths) {
      const [input] = await expandInputs([path]);
      for (const more of [-1, 1, 1_000_000]) {
        const inputs = [{ ...input, bytes: input.bytes! + more }];
        const says = `Cannot read ${path}: got ${input.bytes} bytes, must still be the ${inputs[0].bytes}`;
        await assertRejects(() => planShards(inputs, { numShards: 3 }, new SpecialTokens([])), UserError, says);
        await assertRejects(() => Array.fromAsync(encodeParts(tokenizer, wholeInputs(inputs))), UserError, says);
      }
    }
  }));

Deno.test("a file that somebody writes to while its words are counted is an error that names it", () =>
  withInputs(async (_, [path]) => {
    for (const [change, says] of CHANGES) {
      const original = await Deno.readFile(path);
      let isChanged = false;
      const onProgress = () => {
        if (!isChanged) change(path);
        isChanged = true;
      };
      const error = await assertRejects(() => countTexts([{ path }], { onProgress }), UserError, path);
      assertEquals(says.test(error.message), true, error.message);
      await Deno.writeFile(path, original);
    }
  }));

Deno.test("a file that somebody writes to between two of its texts is an error that names it", () =>
  withInputs(async (_, [, path]) => {
    const source = textSourceOf((await expandInputs([path]))[0]) as Texts;
    const readAll = async () => {
      for await (const _ of source.texts) Deno.utimeSync(path, 0, 0);
    };
    await assertRejects(readAll, UserError, `Cannot read ${path}: it changed while it was being read`);
  }));

Deno.test({
  name: "a pipe is read to its end: what it is listed with says nothing",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withInputs(async (dir, [path]) => {
      const pipe = `${dir}/pipe`;
      assertEquals((await new Deno.Command("mkfifo", { args: [pipe] }).output()).code, 0);
      const throughPipe = async <T>(read: (input: TextInput) => Promise<T>): Promise<T> => {
        const [input] = await expandInputs([pipe]);
        const writer = new Deno.Command("sh", { args: ["-c", 'cat "$0" > "$1"', path, pipe] }).spawn();
        const result = await read(input);
        await writer.status;
        return result;
      };
      const expected = await countTexts([TEXT]);
      const { words } = await throughPipe((input) => countTexts([textSourceOf(input)]));
      assertEquals(words, expected.words);
      await throughPipe((input) => encodePartsToNpy(tokenizer, wholeInputs([input]), `${dir}/out.npy`));
      assertEquals(await readNpy(`${dir}/out.npy`), Uint16Array.from(tokenizer.encode(TEXT)));
    }),
});

Deno.test("planShards() refuses sizes and numbers that no shards can have", () =>
  withInputs(async (_, paths) => {
    const inputs = await expandInputs(paths);
    for (const numShards of [0, -1, 1.5, NaN, Infinity, 100_000]) {
      await assertRejects(
        () => planShards(inputs, { numShards }, new SpecialTokens([])),
        RangeError,
        "from 1 to 99999",
      );
    }
    for (const shardBytes of [0, -1, NaN]) {
      await assertRejects(() => planShards(inputs, { shardBytes }, new SpecialTokens([])), RangeError, "above 0");
    }
    const many = [{ ...inputs[0], bytes: 1e9 }];
    await assertRejects(
      () => planShards(many, { shardBytes: 10 }, new SpecialTokens([])),
      UserError,
      "100,000,000 shards",
    );
  }));
