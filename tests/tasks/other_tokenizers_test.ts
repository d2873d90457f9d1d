// Tokenizers of others, and patterns of others, on the command line.
import { assertEquals, assertStringIncludes } from "@std/assert";
import { gzipSync } from "node:zlib";
import { readNpy } from "../../lib/dataset/npy_file.ts";
import { loadTokenizer } from "../../lib/tokenizer/mod.ts";
import { main as count } from "../../tasks/count.ts";
import { main as encode } from "../../tasks/encode.ts";
import { main as trainBpe } from "../../tasks/train_bpe.ts";
import { capture } from "../cli/capture.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const { base } = JSON.parse(
  Deno.readTextFileSync(new URL("../fixtures/tokenizer/sentence_piece_cases.json", import.meta.url)),
);
const TEXTS = ["The cat sat.\nIt was 12!", "naïve 你好 " + "and so on, ".repeat(60)];

Deno.test("encode --add-special puts the tokenizer's own tokens around each text, however it is stored and cut", () =>
  inTemporaryDirectory(async (dir) => {
    await Deno.writeTextFile(`${dir}/tokenizer.json`, JSON.stringify(base));
    const tokenizer = await loadTokenizer(dir);
    await Deno.mkdir(`${dir}/in`);
    for (const [i, text] of TEXTS.entries()) await Deno.writeTextFile(`${dir}/in/${i}.txt`, text);
    const lines = TEXTS.map((text) => `${JSON.stringify({ text })}\n`).join("");
    await Deno.writeTextFile(`${dir}/lines.jsonl`, lines);
    await Deno.writeFile(`${dir}/text.gz`, gzipSync(TEXTS[1]));
    const around = (text: string) => [1, ...tokenizer.encode(text), 2];
    const all = TEXTS.flatMap(around);
    const run = async (input: string, ...more: string[]) => {
      const args = ["--tokenizer", `${dir}/tokenizer.json`, "--input", `${dir}/${input}`, "--out", `${dir}/ids.npy`];
      const { code, stderr } = await capture(encode, ...args, "--add-special", "--force", ...more);
      assertEquals(code, 0, stderr);
      return [...await readNpy(`${dir}/ids.npy`)];
    };
    assertEquals(await run("in"), all);
    assertEquals(await run("lines.jsonl"), all);
    assertEquals(await run("text.gz"), around(TEXTS[1]));
    assertEquals(JSON.parse(await Deno.readTextFile(`${dir}/ids.npy.provenance.json`)).addSpecial, true);
    const shards = ["--tokenizer", dir, "--input", `${dir}/in`, "--out", `${dir}/cut`, "--shard-size", "100B"];
    assertEquals((await capture(encode, ...shards, "--add-special")).code, 0);
    const names = Array.from(Deno.readDirSync(dir), ({ name }) => name)
      .filter((name) => /^cut-.*\.npy$/.test(name)).sort();
    assertEquals((await Promise.all(names.map((name) => readNpy(`${dir}/${name}`)))).flatMap((ids) => [...ids]), all);
    // What is there was made with it.
    const without = await capture(encode, ...shards);
    assertEquals(without.code, 1);
    assertStringIncludes(without.stderr, "addSpecial");
  }));

Deno.test("train-bpe splits by any pattern, from text and from counts, and what it writes says so", () =>
  inTemporaryDirectory(async (dir) => {
    await Deno.writeTextFile(`${dir}/text`, "cafe\u0301 123456 don't café ".repeat(40));
    const how = ["--pattern", "qwen2", "--normalizer", "nfc"];
    const train = ["--vocab-size", "263", "--out"];
    assertEquals((await capture(trainBpe, "--input", `${dir}/text`, ...how, ...train, `${dir}/a`)).code, 0);
    assertEquals((await capture(count, "--input", `${dir}/text`, ...how, "--out", `${dir}/counts`)).code, 0);
    assertEquals((await capture(trainBpe, "--counts", `${dir}/counts`, ...train, `${dir}/b`)).code, 0);
    const [a, b] = await Promise.all(["a", "b"].map((name) => Deno.readTextFile(`${dir}/${name}/tokenizer.json`)));
    assertEquals(a, b);
    const tokenizer = await loadTokenizer(`${dir}/a`);
    assertEquals(tokenizer.vocabulary.normalizer, [{ type: "NFC" }]);
    assertEquals([...tokenizer.encode("cafe\u0301")], [...tokenizer.encode("café")]);
    // No merge joins digits.
    assertEquals(tokenizer.encode("123456").length, 6);
    await Deno.remove(`${dir}/a/tokenizer.json`);
    const pair = await loadTokenizer(`${dir}/a`);
    assertEquals([pair.vocabulary.pattern, pair.vocabulary.normalizer], [
      tokenizer.vocabulary.pattern,
      tokenizer.vocabulary.normalizer,
    ]);
    const own = ["--pattern", "\\p{L}+|\\d"];
    assertEquals((await capture(trainBpe, "--input", `${dir}/text`, ...own, ...train, `${dir}/c`)).code, 0);
    assertEquals((await loadTokenizer(`${dir}/c`)).encode("123456").length, 6);
    for (const wrong of ["gpt5", "(?<=a)b", "a*"]) {
      const { code, stderr } = await capture(
        trainBpe,
        "--input",
        `${dir}/text`,
        "--pattern",
        wrong,
        ...train,
        `${dir}/d`,
      );
      assertEquals(code, 2);
      assertStringIncludes(stderr, wrong);
    }
  }));

Deno.test("encode --add-special needs a tokenizer that names tokens for it", () =>
  inTemporaryDirectory(async (dir) => {
    await Deno.writeTextFile(`${dir}/text`, "a b c d e ".repeat(9));
    await capture(trainBpe, "--input", `${dir}/text`, "--vocab-size", "258", "--out", `${dir}/tok`);
    const args = ["--tokenizer", `${dir}/tok`, "--input", `${dir}/text`, "--out", `${dir}/ids.npy`, "--add-special"];
    const { code, stderr } = await capture(encode, ...args);
    assertEquals(code, 1);
    assertStringIncludes(stderr, "names none to put around a text");
  }));
