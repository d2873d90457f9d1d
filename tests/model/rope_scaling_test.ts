import { assertEquals, assertThrows } from "@std/assert";
import type { RopeScaling } from "../../lib/model/architecture.ts";
import { validateModelConfig } from "../../lib/model/config.ts";
import { ropeFrequencies } from "../../lib/model/rope_scaling.ts";
import { modelRopeTables } from "../../lib/model/rope_tables.ts";
import { ropeAngles } from "../../lib/ops/rope.ts";
import { assertClose } from "../harness/assert_close.ts";

const BASE = { vocabSize: 11, contextLength: 7, dModel: 16, numLayers: 1, numHeads: 2, dFf: 12, ropeTheta: 10000 };

/** What transformers found, in float32. */
interface Known {
  readonly rotaryDim: number;
  readonly theta: number;
  readonly scaling: Readonly<Record<string, number>> & { readonly rope_type: RopeScaling["type"] };
  readonly frequencies: readonly number[];
  readonly magnitude: number;
}

/** A scaling as transformers names it. */
function scalingOf(
  { rope_type: type, original_max_position_embeddings: originalContextLength, ...rest }: Known["scaling"],
) {
  const camel = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  const others = Object.fromEntries(Object.entries(rest).map(([name, value]) => [camel(name), value]));
  return { type, ...(originalContextLength && { originalContextLength }), ...others } as unknown as RopeScaling;
}

Deno.test("stretched rotary positions have the frequencies that transformers gives them", async () => {
  const url = new URL("../fixtures/transformers/rope_scaling.json", import.meta.url);
  const cases: readonly Known[] = JSON.parse(await Deno.readTextFile(url));
  assertEquals(cases.map(({ scaling }) => scaling.rope_type), ["linear", "llama3", "yarn", "yarn"]);
  for (const { rotaryDim, theta, scaling, frequencies, magnitude } of cases) {
    const got = ropeFrequencies(rotaryDim, theta, scalingOf(scaling));
    const name = JSON.stringify(scaling);
    // A power, and a handful of operations, in float32.
    assertClose(got.frequencies, frequencies, { absolute: 0, relative: 2e-6 }, name);
    assertClose([got.magnitude], [magnitude], { absolute: 0, relative: 1e-12 }, name);
  }
});

/** A model's tables, as they are made: cosines, then sines. */
function tablesOf(config: Parameters<typeof modelRopeTables>[0]) {
  const { cos, sin } = modelRopeTables(config);
  const storage = cos.placement!.storage;
  const contents = storage.contents!() as Float32Array;
  const at = (tensor: typeof cos) =>
    contents.slice(tensor.placement!.byteOffset / 4, tensor.placement!.byteOffset / 4 + tensor.size);
  return { cos: at(cos), sin: at(sin) };
}

Deno.test("a model's rotary tables are ropeAngles', to the bit", () => {
  const { cos, sin } = ropeAngles(7, 8, 10000);
  assertEquals(tablesOf(BASE), { cos: cos.slice(), sin: sin.slice() });
});

Deno.test("dimensions beyond the rotated ones keep what they have, and a magnitude is for the others alone", () => {
  const ropeScaling = { type: "yarn", factor: 4, originalContextLength: 64, attentionFactor: 1.5 } as const;
  const { cos, sin } = tablesOf({ ...BASE, rotaryDim: 4, ropeScaling });
  const { frequencies } = ropeFrequencies(4, 10000, ropeScaling);
  for (let position = 0; position < 7; position++) {
    const row = cos.subarray(4 * position, 4 * position + 4);
    assertClose(row.subarray(0, 2), frequencies.map((f) => 1.5 * Math.cos(position * f)), { absolute: 1e-7 });
    assertEquals([...row.subarray(2)], [1, 1]);
    assertEquals([...sin.subarray(4 * position + 2, 4 * position + 4)], [0, 0]);
  }
});

Deno.test("a stretch that cannot work is refused by the field at fault", () => {
  const llama3 = { type: "llama3", factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalContextLength: 64 };
  const yarn = { type: "yarn", factor: 4, originalContextLength: 64 };
  const wrong: [Record<string, unknown>, string][] = [
    [{ type: "ntk", factor: 2 }, 'ropeScaling.type "ntk", must be linear or llama3 or yarn'],
    [{ type: "linear", factor: 0.5 }, "ropeScaling.factor 0.5, must be a number of at least 1"],
    [{ type: "linear" }, "ropeScaling.factor undefined"],
    [{ ...llama3, lowFreqFactor: 0 }, "ropeScaling.lowFreqFactor 0, must be a number above 0"],
    [{ ...llama3, highFreqFactor: 1 }, "ropeScaling.highFreqFactor 1, must be a number above lowFreqFactor 1"],
    [{ ...llama3, originalContextLength: 1.5 }, "ropeScaling.originalContextLength 1.5, must be a positive integer"],
    [{ ...yarn, betaFast: 1 }, "ropeScaling.betaFast 1, must be a number above betaSlow 1"],
    [{ ...yarn, attentionFactor: -1 }, "ropeScaling.attentionFactor -1, must be a number above 0"],
  ];
  for (const [ropeScaling, message] of wrong) {
    const config = { ...BASE, ropeScaling: ropeScaling as unknown as RopeScaling };
    assertThrows(() => validateModelConfig(config), RangeError, message);
  }
  for (const right of [llama3, yarn, { type: "linear", factor: 1 }]) {
    validateModelConfig({ ...BASE, ropeScaling: right as RopeScaling });
  }
});
