import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { countParameters } from "../../lib/accounting/parameters.ts";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { main } from "../../tasks/train_lm.ts";
import { capture } from "../cli/capture.ts";

for (const accumulation of ["1", "3"]) {
  Deno.test(`train-lm says what a run should take, and what it took, ${accumulation} batches a step`, async () => {
    await requireReport(accumulation);
  });
}

async function requireReport(accumulation: string): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    const shape = { vocabSize: 17, contextLength: 8, dModel: 12, numLayers: 2, numHeads: 3, dFf: 20 };
    await writeNpy(`${directory}/ids.npy`, Uint16Array.from({ length: 100 }, (_, i) => i % 17));
    const sizes = ["--vocab-size", "17", "--context-length", "8", "--d-model", "12", "--num-layers", "2"];
    sizes.push(
      "--num-heads",
      "3",
      "--d-ff",
      "20",
      "--batch-size",
      "4",
      "--steps",
      "3",
      "--backend",
      "wasm",
      "--grad-accumulation",
      accumulation,
    );
    const { code, stdout, stderr } = await capture(
      main,
      "--train",
      `${directory}/ids.npy`,
      "--out",
      `${directory}/run`,
      ...sizes,
      "--verbose",
    );
    assertEquals(code, 0, stderr);
    assertStringIncludes(stderr, `predicted: ${countParameters(shape).toLocaleString("en-US")} parameters`);
    const line = stderr.split("\n").find((line) => line.startsWith("step 3/3"));
    // The memory is the whole process's, in which other tests may run too.
    assertMatch(
      line ?? stderr,
      /^step 3\/3 {2}loss \d+\.\d{3} {2}[\d,]+ tokens\/s {2}0:00 left {2}lr \S+ {2}norm \d+\.\d\d {2}\d+\.\d\d % MFU {2}[\d.]+ [MG]iB$/,
    );
    const rows = new Map(
      stdout.split("\n").map((line) => line.split(/ {2,}/)).map((cells) => [cells[0], cells.slice(1)]),
    );
    for (const name of ["parameters", "forward FLOPs per token", "backward FLOPs per token"]) {
      const [predicted, measured, difference] = rows.get(name)!;
      assertEquals([measured, difference], [predicted, "equal"], name);
    }
    assertStringIncludes(stdout, "tokens/s, ");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
