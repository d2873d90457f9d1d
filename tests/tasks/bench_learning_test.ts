import { assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { main } from "../../tasks/bench/learning.ts";
import { readResults } from "../../tasks/bench/learning/results.ts";
import { capture } from "../cli/capture.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const SIZES = "--context-length 16 --d-model 8 --num-layers 1 --num-heads 2 --d-ff 8 --batch-size 2 --backend wasm";

Deno.test("bench learning refuses what it cannot compare, before it trains", async () => {
  const refusals: [string[], RegExp][] = [
    [[], /must be given one of --minutes and --steps/],
    [["--minutes", "1", "--steps", "1"], /must be given one of --minutes and --steps/],
    [["--steps", "1", "--left-out", "--variant", "a:"], /got --left-out and --variant/],
    [["--steps", "1", "--variant", "a"], /got --variant a, must be a name, a colon/],
    [["--steps", "1", "--torch", "python3"], /got --torch and --steps, must be --minutes/],
  ];
  for (const [args, message] of refusals) {
    const { code, stdout, stderr } = await capture(main, ...args);
    assertEquals([code, stdout], [2, ""]);
    assertMatch(stderr, message);
  }
  const { code, stderr } = await capture(main, "--minutes", "1", "--torch", "/nonexistent");
  assertEquals(code, 1);
  assertMatch(stderr, /^error: Cannot compare with PyTorch: got no program from --torch \/nonexistent, must be/);
});

Deno.test("bench learning trains two variants with two seeds, and then only reads what it kept", () =>
  inTemporaryDirectory(async (directory) => {
    const text = `${directory}/text.txt`;
    await Deno.writeTextFile(text, "the cat sat on the mat, the dog sat on the log. ".repeat(40));
    const out = `${directory}/out`;
    const run = () =>
      capture(
        main,
        ...["--text", text, "--out", out, "--steps", "2", "--seeds", "2", "--vocab-size", "260", "--json"],
        ...["--variant", `slow: ${SIZES} --lr 1e-4`, "--variant", `fast: ${SIZES} --lr 1e-2`],
      );
    const first = await run();
    assertEquals(first.code, 0, first.stderr);
    const results = await readResults(`${out}/results.jsonl`);
    assertEquals(results.map(({ name, seed, steps, tokens }) => [name, seed, steps, tokens]), [
      ["slow", 0, 2, 64],
      ["fast", 0, 2, 64],
      ["slow", 1, 2, 64],
      ["fast", 1, 2, 64],
    ]);
    // Other rates and other seeds end elsewhere.
    assertEquals(new Set(results.map(({ bitsPerByte }) => bitsPerByte)).size, 4);
    await Deno.remove(`${out}/run`, { recursive: true });
    const again = await run();
    assertEquals(again.code, 0, again.stderr);
    const summaries = (json: string) => JSON.parse(json).summaries as unknown;
    assertEquals(summaries(again.stdout), summaries(first.stdout));
    assertEquals(await readResults(`${out}/results.jsonl`), results);
    const moved = await capture(main, "--text", fileURLToPath(import.meta.url), "--out", out, "--steps", "2");
    assertEquals(moved.code, 1);
    assertMatch(moved.stderr, /tells of another text, vocabulary or stride/);
  }));
