import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { UserError } from "../../lib/errors.ts";
import { sha256 } from "../../lib/io/sha256.ts";
import { listCheckpoints, readCheckpoint } from "../../lib/run/checkpoint.ts";
import { recordOf } from "../../lib/run/data_record.ts";
import { mergeConfigs, readConfigFile } from "../../lib/run/merge_config.ts";
import { readModelConfig, readRunConfig, type RunConfig, writeRunConfig } from "../../lib/run/run_directory.ts";
import { trainRun } from "../../lib/run/run.ts";

/** How many harmed files each property looks at. */
const RUNS = Number(Deno.env.get("BYTELM_FUZZ_RUNS") ?? 300);

async function withRun(body: (directory: string, checkpoint: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await using backend = await createWasmBackend({ workers: 1 });
    const train = tokensInMemory(Array.from({ length: 60 }, (_, i) => i * i % 11));
    const model = { vocabSize: 11, contextLength: 5, dModel: 8, numLayers: 1, numHeads: 2, dFf: 12 };
    const record = await recordOf(train);
    const config: RunConfig = {
      ...mergeConfigs([{ model, training: { steps: 2, batchSize: 2, validEvery: 1, validBatches: 1 } }]),
      data: { train: record, valid: record },
      backend: "wasm",
    };
    await writeRunConfig(directory, config);
    await Array.fromAsync(trainRun({ backend, directory, config, train, valid: train }));
    const [checkpoint] = await listCheckpoints(`${directory}/checkpoints`);
    await body(directory, checkpoint);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Where a value was put, and which; or nothing in its place. */
interface Edit {
  readonly at: number;
  readonly value: unknown;
  readonly how: "replace" | "remove" | "add";
}

const ODD = fc.constantFrom<unknown>(
  null,
  -1,
  0,
  0.5,
  1e308,
  -0,
  2 ** 53,
  "",
  "1",
  [],
  {},
  true,
  [null],
  "x".repeat(9999),
);
const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat(),
  value: fc.oneof(ODD, fc.jsonValue({ maxDepth: 2 })),
  how: fc.constantFrom("replace", "replace", "remove", "add"),
});

/** A copy with one node, anywhere in it, changed. */
function edited(json: unknown, { at, value, how }: Edit): unknown {
  const places: [object: Record<string, unknown>, key: string][] = [];
  const root = { root: structuredClone(json) };
  const visit = (object: object) => {
    for (const [key, child] of Object.entries(object)) {
      places.push([object as Record<string, unknown>, key]);
      if (typeof child === "object" && child !== null) visit(child);
    }
  };
  visit(root);
  const [object, key] = places[at % places.length];
  if (how === "remove") delete object[key];
  else object[how === "add" ? `${key}_` : key] = value;
  return root.root;
}

/** The text with a few characters changed or cut off. */
const cut = (text: string, at: number, value: string) => text.slice(0, at % text.length) + value;

/** Reads, and lets a refusal pass if it is one line that a person can read. */
async function requireReadable(read: () => Promise<unknown>): Promise<void> {
  try {
    await read();
  } catch (error) {
    // Of settings that cannot work together: tasks print those as they are.
    const isRefusal = error instanceof UserError ||
      (error instanceof RangeError && /^Cannot .+: got /.test(error.message));
    if (!isRefusal) throw error;
    assert(/^Cannot [^:]+: .{10,}/.test(error.message), error.message);
    assert(!/\p{Cc}/u.test(error.message) && error.message.length < 1500, error.message);
  }
}

Deno.test("a harmed config.json is read as what it says, or refused in one line", async () => {
  await withRun(async (directory) => {
    const path = `${directory}/config.json`;
    const text = await Deno.readTextFile(path);
    const harmed = fc.oneof(
      fc.array(edit, { minLength: 1, maxLength: 3 }).map((edits) =>
        JSON.stringify(edits.reduce(edited, JSON.parse(text)))
      ),
      fc.tuple(fc.nat(), fc.string({ maxLength: 4 })).map(([at, value]) => cut(text, at, value)),
    );
    await fc.assert(
      fc.asyncProperty(harmed, async (harmed) => {
        await Deno.writeTextFile(path, harmed ?? "");
        await requireReadable(() => readRunConfig(directory));
        await requireReadable(() => readModelConfig(directory));
        await requireReadable(async () => mergeConfigs([await readConfigFile(path, 11)], 11));
      }),
      { seed: 1, numRuns: RUNS },
    );
  });
});

Deno.test("a checkpoint that was edited, with a new checksum, is read as what it says, or refused in one line", async () => {
  await withRun(async (_, checkpoint) => {
    const path = `${checkpoint}/checkpoint.json`;
    const { sha256: _sum, ...record } = JSON.parse(await Deno.readTextFile(path));
    assertEquals((await readCheckpoint(checkpoint)).state.step, 2);
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), fc.boolean(), async (edits, reseals) => {
        const other = edits.reduce<unknown>(edited, record);
        const isObject = typeof other === "object" && other !== null;
        const sealed = isObject && reseals ? { ...other, sha256: sha256(JSON.stringify(other)) } : other;
        await Deno.writeTextFile(path, JSON.stringify(sealed) ?? "");
        await requireReadable(() => readCheckpoint(checkpoint));
      }),
      { seed: 2, numRuns: RUNS },
    );
  });
});
