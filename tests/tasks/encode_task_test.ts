import { assertEquals, assertStringIncludes } from "@std/assert";
import { gzipSync } from "node:zlib";
import { readNpy } from "../../lib/dataset/npy_file.ts";
import { saveTokenizer, trainBpe } from "../../lib/tokenizer/mod.ts";
import { main } from "../../tasks/encode.ts";
import { capture } from "../cli/capture.ts";

const TEXTS = ["the cat sat on the mat\n", "the <|endoftext|> dog", "don't naïve 你好"];
const tokenizer = await trainBpe(TEXTS.join(" ").repeat(20), { vocabSize: 280 });
const encode = (text: string) => [...tokenizer.encode(text)];

/** A directory with a tokenizer in `tok`, and the texts as two plain files, as JSON Lines, and packed. */
async function inFiles(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await saveTokenizer(tokenizer, `${dir}/tok`);
    await Deno.mkdir(`${dir}/in/deep`, { recursive: true });
    await Deno.writeTextFile(`${dir}/in/a.txt`, TEXTS[0]);
    await Deno.writeTextFile(`${dir}/in/.hidden`, "not text");
    await Deno.writeTextFile(`${dir}/in/empty.txt`, "");
    await Deno.writeTextFile(`${dir}/in/deep/b.txt`, TEXTS[1]);
    const lines = TEXTS.map((body) => `${JSON.stringify({ body, text: 7 })}\n`).join("\n");
    await Deno.writeTextFile(`${dir}/c.jsonl`, lines);
    // Of two members, as parallel packers write them.
    const members = [gzipSync(lines.slice(0, 20)), gzipSync(lines.slice(20))];
    await Deno.writeFile(`${dir}/c.jsonl.gz`, new Uint8Array(members.flatMap((member) => [...member])));
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function runWithStdin(stdin: string, ...args: string[]) {
  const root = new URL("../../", import.meta.url);
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", "tasks/encode.ts", ...args],
    cwd: root,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  });
  const child = command.spawn();
  await ReadableStream.from([new TextEncoder().encode(stdin)]).pipeTo(child.stdin);
  const { code, stdout, stderr } = await child.output();
  return { code, ids: [...new Uint16Array(stdout.buffer)], stderr: new TextDecoder().decode(stderr) };
}

Deno.test("encode reads directories, packed files and JSON Lines", () =>
  inFiles(async (dir) => {
    const out = `${dir}/out.npy`;
    const run = async (...args: string[]) => {
      const { code, stderr } = await capture(main, "--tokenizer", `${dir}/tok`, "--out", out, "--force", ...args);
      const fromDirectory = args.includes(`${dir}/in`);
      const found = "Found 2 files of text, 44 B: 2 .txt (44 B)\nskipped 1 hidden\nskipped 1 empty\n";
      assertEquals([code, stderr], [0, fromDirectory ? found : ""]);
      return [...await readNpy(out)];
    };
    const end = tokenizer.specialTokens.get("<|endoftext|>")!;
    assertEquals(await run("--input", `${dir}/in`), [...encode(TEXTS[0]), ...encode(TEXTS[1])]);
    const withEnds = TEXTS.flatMap((text) => [...encode(text), end]);
    for (const file of ["c.jsonl", "c.jsonl.gz"]) {
      const args = ["--input", `${dir}/${file}`, "--field", "body"];
      assertEquals(await run(...args), TEXTS.flatMap(encode));
      assertEquals(await run(...args, "--separator", "<|endoftext|>"), withEnds);
    }
    const asText = TEXTS.flatMap((text) => [...tokenizer.encode(text, { specials: "text" })]);
    assertEquals(await run("--input", `${dir}/c.jsonl`, "--field", "body", "--specials-as-text"), asText);
    const twice = await capture(
      main,
      ...["--tokenizer", `${dir}/tok`, "--out", out, "--force"],
      ...["--input", `${dir}/in/a.txt`, "--input", `${dir}/in/a.txt`],
    );
    assertStringIncludes(twice.stderr, "named more than once, and read that many times");
    assertEquals([...await readNpy(out)], [...encode(TEXTS[0]), ...encode(TEXTS[0])]);
  }));

Deno.test("encode reads stdin and writes stdout", () =>
  inFiles(async (dir) => {
    const args = ["--tokenizer", `${dir}/tok`, "--input", "-", "--out", "-"];
    const text = TEXTS.join("\n").repeat(1000);
    const plain = await runWithStdin(text, ...args);
    assertEquals([plain.code, plain.ids], [0, encode(text)]);
    assertStringIncludes(plain.stderr, "uint16, little-endian");
    const lines = await runWithStdin(await Deno.readTextFile(`${dir}/c.jsonl`), ...args, "--field", "body");
    assertEquals(lines.ids, TEXTS.flatMap(encode));
  }));

Deno.test("encode divides into shards, goes on with them, and says what is wrong", () =>
  inFiles(async (dir) => {
    const run = (...args: string[]) =>
      capture(main, "--tokenizer", `${dir}/tok`, "--input", `${dir}/in`, "--out", `${dir}/s/train.npy`, ...args);
    await Deno.mkdir(`${dir}/s`);
    for (const shard of ["1/2", "0/2"]) assertEquals((await run("--shard", shard)).code, 0);
    const names = ["train-00000-of-00002.npy", "train-00001-of-00002.npy"];
    const written = Array.from(Deno.readDirSync(`${dir}/s`), ({ name }) => name).sort();
    assertEquals(written, [...names.flatMap((name) => [name, `${name}.provenance.json`]), "train.index.json"]);
    const ids = [...await readNpy(`${dir}/s/${names[0]}`), ...await readNpy(`${dir}/s/${names[1]}`)];
    assertEquals(ids, [...encode(TEXTS[0]), ...encode(TEXTS[1])]);
    const again = await run("--shard", "1/2");
    assertStringIncludes(again.stdout, "Nothing was left to encode");
    const refused = async (code: number, message: string, ...args: string[]) => {
      const result = await run(...args);
      assertEquals(result.code, code);
      assertStringIncludes(result.stderr, message);
    };
    await refused(1, "--force", "--shard-size", "10");
    await refused(2, "--shard 2/2", "--shard", "2/2");
    await refused(2, "--shard-size 10 sheets", "--shard-size", "10 sheets");
    await refused(2, "one of them", "--shard-size", "10", "--shard", "0/2");
    await refused(1, "are <|endoftext|>", "--shard", "0/2", "--separator", "<|pad|>");
  }));
