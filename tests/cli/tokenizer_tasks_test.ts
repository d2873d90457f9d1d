import { assertEquals, assertStringIncludes } from "@std/assert";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { main as decode } from "../../tasks/decode.ts";
import { main as encode } from "../../tasks/encode.ts";
import { main as trainBpe } from "../../tasks/train_bpe.ts";
import { capture, type Captured } from "./capture.ts";

const SHERLOCK = new URL("../fixtures/cs336/corpus.en", import.meta.url).pathname;
const DECODE = new URL("../../tasks/decode.ts", import.meta.url).pathname;

function assertRefused(got: Captured, code: number, message: string): void {
  assertStringIncludes(got.stderr, message);
  const lines = got.stderr.trimEnd().split("\n").filter((line) => !line.startsWith("warning: "));
  assertEquals(lines.length, 1, "one line, no stack trace");
  assertEquals({ code: got.code, stdout: got.stdout }, { code, stdout: "" });
}

Deno.test("train-bpe, encode and decode: text comes back as it was; bad input leaves nothing behind", async (t) => {
  const dir = await Deno.makeTempDir();
  const tok = `${dir}/tok`, ids = `${dir}/ids.npy`;
  const train = (...args: string[]) => capture(trainBpe, ...args);

  await t.step("each prints its help", async () => {
    for (const main of [trainBpe, encode, decode]) {
      const { code, stdout } = await capture(main, "--help");
      assertEquals(code, 0);
      assertStringIncludes(stdout, "deno task");
    }
  });

  await t.step("round trip", async () => {
    const trained = await train("--input", SHERLOCK, "--vocab-size", "400", "--out", tok);
    assertEquals([trained.code, trained.stderr], [0, ""]);
    const encoded = await capture(encode, "--tokenizer", tok, "--input", SHERLOCK, "--out", ids);
    assertEquals([encoded.code, encoded.stderr], [0, ""]);
    const decoded = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-read", DECODE, "--tokenizer", tok, "--input", ids],
    }).output();
    assertEquals(decoded.code, 0);
    assertEquals(decoded.stdout, await Deno.readFile(SHERLOCK));
  });

  await t.step("bad input", async () => {
    const empty = `${dir}/empty.txt`, short = `${dir}/short.txt`;
    await Deno.writeTextFile(empty, "");
    await Deno.writeTextFile(short, "a short text");
    const before = Array.from(Deno.readDirSync(dir), (entry) => entry.name).sort();
    const out = `${dir}/new`;
    assertRefused(await train("--vocab-size", "400", "--out", out), 2, "--input is required, or --counts");
    assertRefused(await train("--input", `${dir}/none`, "--vocab-size", "400", "--out", out), 1, "no such file");
    assertRefused(await train("--input", empty, "--vocab-size", "400", "--out", out), 1, "got an empty file");
    assertRefused(await train("--input", short, "--vocab-size", "256", "--out", out), 2, "of at least 257");
    assertRefused(await train("--input", short, "--vocab-size", "400", "--out", out), 1, "must be at most 266");
    assertRefused(await train("--input", short, "--vocab-size", "260", "--out", tok), 1, "--force");
    assertRefused(
      await capture(encode, "--tokenizer", out, "--input", short, "--out", out),
      1,
      "no such file or directory",
    );
    assertRefused(
      await capture(encode, "--tokenizer", dir, "--input", short, "--out", out),
      1,
      "got none of tokenizer.json",
    );
    assertRefused(await capture(encode, "--tokenizer", tok, "--input", short, "--out", ids), 1, "--force");
    assertRefused(await capture(decode, "--tokenizer", tok, "--input", short), 1, "must be a NumPy .npy file");
    assertEquals(Array.from(Deno.readDirSync(dir), (entry) => entry.name).sort(), before);
  });

  await t.step(
    "decode refuses ids beyond the tokenizer's, a file cut short, and one written over another",
    async () => {
      const other = `${dir}/other.npy`;
      await writeNpy(other, new Uint16Array([70, 400]));
      assertRefused(await capture(decode, "--tokenizer", tok, "--input", other), 1, "got token id 400");
      await Deno.truncate(other, 130);
      assertRefused(await capture(decode, "--tokenizer", tok, "--input", other), 1, "got 130 bytes, must be 132");
      await writeNpy(ids, new Uint16Array([70, 71]));
      assertRefused(await capture(decode, "--tokenizer", tok, "--input", ids), 1, "got another file than");
    },
  );

  await t.step("--force replaces", async () => {
    assertEquals((await train("--input", SHERLOCK, "--vocab-size", "300", "--out", tok, "--force")).code, 0);
    assertEquals(
      (await capture(encode, "--tokenizer", tok, "--input", SHERLOCK, "--out", ids, "--force")).code,
      0,
    );
  });
  await Deno.remove(dir, { recursive: true });
});
