import { assertEquals, assertRejects } from "@std/assert";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { UserError } from "../../lib/errors.ts";
import { latestCheckpoint, listCheckpoints } from "../../lib/run/checkpoint.ts";
import { TRAINING_DEFAULTS } from "../../lib/train/config.ts";
import { recordOf } from "../../lib/run/data_record.ts";
import { trainRun } from "../../lib/run/run.ts";

/** A run's checkpoints after so many steps, one at each step. */
async function withCheckpoints(
  keep: number,
  body: (checkpoints: string, seen: readonly number[]) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await using backend = await createWasmBackend();
    const train = tokensInMemory(Array.from({ length: 60 }, (_, i) => i * i % 11));
    const model = {
      vocabSize: 11,
      contextLength: 5,
      dModel: 8,
      numLayers: 1,
      numHeads: 2,
      dFf: 12,
      ropeTheta: 10000,
    };
    const training = { ...TRAINING_DEFAULTS, steps: 4, batchSize: 2, saveEvery: 1, keep };
    const config = { model, training, data: { train: await recordOf(train) }, backend: backend.name };
    const seen: number[] = [];
    await Array.fromAsync(trainRun({ backend, directory, config, train, onCheckpoint: (step) => seen.push(step) }));
    await body(`${directory}/checkpoints`, seen);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Ways in which a file can come to harm. */
const HARMS: Record<string, (path: string) => Promise<void>> = {
  "loses its end": async (path) => await Deno.truncate(path, Math.floor((await Deno.stat(path)).size / 2)),
  "is emptied": async (path) => await Deno.truncate(path, 0),
  "is gone": (path) => Deno.remove(path),
  "has a byte changed": async (path) => {
    const bytes = await Deno.readFile(path);
    // A digit stays a digit, so that JSON stays JSON: the first one of step's value, or of a header's.
    const at = bytes.findIndex((byte) => byte >= 0x31 && byte <= 0x38);
    bytes[at]++;
    await Deno.writeFile(path, bytes);
  },
};

Deno.test("checkpoints are written at every saved step and the newest are kept", async () => {
  await withCheckpoints(3, async (checkpoints, seen) => {
    assertEquals(seen, [1, 2, 3, 4]);
    const names = (await listCheckpoints(checkpoints)).map((path) => path.split("/").at(-1));
    assertEquals(names, ["step-000000002", "step-000000003", "step-000000004"]);
    const { checkpoint, damaged } = await latestCheckpoint(checkpoints);
    assertEquals([checkpoint?.state.step, damaged], [4, []]);
  });
});

Deno.test("each harm to each file of a checkpoint is found and named, and the one before is used", async (t) => {
  for (const file of ["checkpoint.json", "weights.safetensors", "optimizer.safetensors"]) {
    for (const [name, harm] of Object.entries(HARMS)) {
      await t.step(`${file} ${name}`, async () => {
        await withCheckpoints(2, async (checkpoints) => {
          const [before, newest] = await listCheckpoints(checkpoints);
          await harm(`${newest}/${file}`);
          const { checkpoint, damaged } = await latestCheckpoint(checkpoints);
          assertEquals(checkpoint?.path, before);
          assertEquals(damaged.map(({ path }) => path), [newest]);
          assertEquals(damaged[0].problem.includes(file), true, damaged[0].problem);
          await harm(`${before}/${file}`);
          await assertRejects(() => latestCheckpoint(checkpoints), UserError, "no complete checkpoint");
        });
      });
    }
  }
});

Deno.test("a checkpoint without its final name does not count, and none is none", async () => {
  await withCheckpoints(2, async (checkpoints) => {
    for (const path of await listCheckpoints(checkpoints)) {
      await Deno.rename(path, `${path}.bytelm-0123456789abcdef0123456789abcdef.tmp`);
    }
    assertEquals(await latestCheckpoint(checkpoints), { checkpoint: undefined, damaged: [] });
  });
});
