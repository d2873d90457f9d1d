import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { main as count } from "../../tasks/count.ts";
import { main as trainBpe } from "../../tasks/train_bpe.ts";
import { capture, type Captured } from "../cli/capture.ts";
import { runTaskProcess } from "../harness/run_task.ts";

const SHERLOCK = new URL("../fixtures/cs336/corpus.en", import.meta.url);

Deno.test("training on counts of shards gives the files that training on all the text gives", async () => {
  const dir = await Deno.makeTempDir();
  const ok = ({ code, stderr, stdout }: Captured) => {
    assertEquals(code, 0, stderr);
    return stdout;
  };
  try {
    const documents = (await Deno.readTextFile(SHERLOCK)).match(/[^]{1,20000}/g)!;
    const lines = documents.map((text) => `${JSON.stringify({ text })}\n`);
    await Deno.writeTextFile(`${dir}/all.jsonl`, lines.join(""));
    const half = lines.length >> 1;
    await Deno.writeTextFile(`${dir}/first.jsonl`, lines.slice(0, half).join(""));
    ok(await capture(count, "--input", `${dir}/first.jsonl`, "--out", `${dir}/first.counts`));
    // The other half comes by stdin and goes by stdout, as in Spark's pipe; a third part is empty.
    for (const [name, stdin] of [["second", lines.slice(half).join("")], ["empty", ""]]) {
      const args = ["--stdin", "--field", "text", "--out", "-", "--base64"];
      const piped = await runTaskProcess("count", args, stdin);
      assertEquals(piped.code, 0, piped.stderr);
      assertEquals(piped.stdout.trimEnd().split("\n").length, 1);
      await Deno.writeFile(`${dir}/${name}.counts`, Uint8Array.fromBase64(piped.stdout.trimEnd()));
    }
    const train = (out: string, ...args: string[]) =>
      capture(trainBpe, "--vocab-size", "500", "--out", `${dir}/${out}`, ...args);
    ok(await train("all", "--input", `${dir}/all.jsonl`));
    const counts = ["second", "empty", "first"].map((name) => `${dir}/${name}.counts`);
    const report = JSON.parse(ok(await train("parts", "--json", "--counts", ...counts)));
    for (const file of ["tokenizer.json", "merges.txt", "vocab.json"]) {
      assertEquals(await Deno.readTextFile(`${dir}/parts/${file}`), await Deno.readTextFile(`${dir}/all/${file}`));
    }

    const { seconds, longestToken, peakMemoryBytes } = report;
    assert(seconds.read > 0 && seconds.merge > 0 && seconds.write > 0);
    assert(seconds.total >= seconds.read + seconds.pretokenize + seconds.merge + seconds.write - 1e-6);
    assert(peakMemoryBytes > 1e7 && peakMemoryBytes < 2e10, `${peakMemoryBytes} bytes`);
    const vocab: Record<string, number> = JSON.parse(await Deno.readTextFile(`${dir}/all/vocab.json`));
    const longest = Math.max(
      ...Object.keys(vocab).filter((token) => token !== "<|endoftext|>").map((token) => token.length),
    );
    assertEquals(longestToken.bytes, longest);
    assertEquals(longestToken.merges.at(-1).token, longestToken.text);

    const refused = async (result: Promise<Captured>, code: number, message: string) => {
      const { stderr, ...rest } = await result;
      assertEquals(rest.code, code);
      assertStringIncludes(stderr, message);
    };
    await refused(train("x", "--counts", counts[0], "--special", "<|pad|>"), 2, "must be given when counting");
    await refused(train("x", "--counts", `${dir}/all.jsonl`), 1, "must be a count file");
    await refused(train("x", "--counts", counts[0], "--input", counts[0]), 2, "got --input and --counts");
    await refused(capture(count, "--input", `${dir}/all.jsonl`, "--out", counts[0]), 1, "--force");
    await refused(capture(count, "--out", "x"), 2, "--input is required");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
