// The same text in other containers: every task that reads text makes the same of it.
import { assertEquals, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { readNpy } from "../../lib/dataset/npy_file.ts";
import { saveTokenizer, trainBpe } from "../../lib/tokenizer/mod.ts";
import { main as compareTokenizers } from "../../tasks/compare_tokenizers.ts";
import { main as count } from "../../tasks/count.ts";
import { main as data } from "../../tasks/data.ts";
import { main as encode } from "../../tasks/encode.ts";
import { main as train } from "../../tasks/train_bpe.ts";
import { capture } from "../cli/capture.ts";
import { runTaskProcess } from "../harness/run_task.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const TEXT = "the cat sat on the mat, the dog sat on the log. Grüße!\n".repeat(20);

const PARQUET: { readonly name: string; readonly base64: string; readonly texts: string[] }[] = JSON.parse(
  Deno.readTextFileSync(new URL("../fixtures/parquet/parquet_files.json", import.meta.url)),
);

async function withTokenizer(body: (dir: string) => Promise<void>): Promise<void> {
  await inTemporaryDirectory(async (dir) => {
    await saveTokenizer(await trainBpe(TEXT, { vocabSize: 270 }), `${dir}/tok`);
    await body(dir);
  });
}

Deno.test("encode makes the same ids of the same text, whatever its container", () =>
  withTokenizer(async (dir) => {
    const lines = `${JSON.stringify({ body: TEXT })}\n`;
    const utf16 = (text: string) => new Uint8Array(Buffer.from(`\ufeff${text}`, "utf16le"));
    const files: Record<string, Uint8Array | string> = {
      "a.txt": TEXT,
      "b.bin": new Uint8Array(gzipSync(TEXT)),
      "c.zst": new Uint8Array(zstdCompressSync(TEXT)),
      "d.txt": utf16(TEXT),
      "e.jsonl.zst": new Uint8Array(zstdCompressSync(lines)),
      "f.txt": lines.repeat(2),
    };
    const ids: number[][] = [];
    for (const [name, content] of Object.entries(files)) {
      await Deno.writeFile(`${dir}/${name}`, typeof content === "string" ? new TextEncoder().encode(content) : content);
      const field = /jsonl|f\.txt/.test(name) ? ["--field", "body"] : [];
      const out = `${dir}/${name}.npy`;
      const args = ["--tokenizer", `${dir}/tok`, "--input", `${dir}/${name}`, "--out", out, ...field];
      const { code, stderr } = await capture(encode, ...args);
      assertEquals([code, stderr.replace(/^\d.*\n/gm, "")], [0, ""], name);
      ids.push(Array.from(await readNpy(out)));
    }
    for (const other of ids.slice(0, 5)) assertEquals(other, ids[0]);
    assertEquals(ids[5], [...ids[0], ...ids[0]]);
    const { code, stderr } = await capture(
      encode,
      "--tokenizer",
      `${dir}/tok`,
      "--input",
      `${dir}/f.txt`,
      "--out",
      "-",
    );
    assertEquals(code, 1);
    assertStringIncludes(
      stderr,
      "got what looks like JSON Lines, must be a text, or named .jsonl. Name the --field with",
    );
    assertStringIncludes(stderr, "or take it for plain text with: --as-text\n");
  }));

Deno.test("every task reads the rows of Parquet as it reads the lines of JSON Lines", () =>
  withTokenizer(async (dir) => {
    const { base64, texts } = PARQUET.find(({ name }) => name === "zstd")!;
    await Deno.writeFile(`${dir}/a.dat`, Uint8Array.fromBase64(base64));
    await Deno.writeTextFile(`${dir}/a.jsonl`, texts.map((text) => `${JSON.stringify({ text })}\n`).join(""));
    const made: Record<string, string[]> = { dat: [], jsonl: [] };
    for (const kind of ["dat", "jsonl"]) {
      const input = ["--input", `${dir}/a.${kind}`];
      const runs = [
        [encode, "--tokenizer", `${dir}/tok`, "--out", `${dir}/${kind}.npy`, "--separator", "<|endoftext|>"],
        [count, "--out", `${dir}/${kind}.counts`],
        [train, "--vocab-size", "270", "--out", `${dir}/${kind}-tok`],
        [data, "--out", `${dir}/${kind}-data`, "--valid-fraction", "0.4"],
      ] as const;
      for (const [main, ...args] of runs) {
        const { code, stderr } = await capture(main, ...args, ...input);
        assertEquals(code, 0, stderr);
      }
      for (const path of [".npy", ".counts", "-tok/merges.txt", "-data/train.txt", "-data/valid.txt"]) {
        made[kind].push((await Deno.readFile(`${dir}/${kind}${path}`)).toBase64());
      }
      const compared = await capture(compareTokenizers, "--tokenizer", `${dir}/tok`, "--json", ...input);
      const [{ bytes, tokens }] = JSON.parse(compared.stdout);
      made[kind].push(`${bytes} ${tokens}`);
    }
    assertEquals(made.dat, made.jsonl);
    const wrong = await capture(count, "--out", `${dir}/x.counts`, "--input", `${dir}/a.dat`, "--field", "id");
    assertStringIncludes(
      wrong.stderr,
      `Cannot read ${dir}/a.dat: got no text in column "id", must be a column of texts.`,
    );
  }));

Deno.test("a Parquet file is read with no more permissions than a text", () =>
  withTokenizer(async (dir) => {
    const { base64 } = PARQUET.find(({ name }) => name === "lz4")!;
    await Deno.writeFile(`${dir}/a.parquet`, Uint8Array.fromBase64(base64));
    const args = ["--tokenizer", `${dir}/tok`, "--input", `${dir}/a.parquet`, "--out", `${dir}/a.npy`];
    const { code, stderr } = await runTaskProcess("encode", args);
    assertEquals([code, stderr.replace(/^\d.*\n/gm, "")], [0, ""]);
  }));
