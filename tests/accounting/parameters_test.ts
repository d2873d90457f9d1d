import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { countParameters, parameterItems } from "../../lib/accounting/parameters.ts";
import { type ModelShape, validateShape } from "../../lib/accounting/shape.ts";
import { formatBinary, formatSi } from "../../lib/accounting/units.ts";
import { parameterSpecs, sizeOf } from "../../lib/model/parameters.ts";
import { anyArchitecture, XL } from "./shapes.ts";

Deno.test("GPT-2 XL's parameters, itemised: the write-up's total and the final norm that it leaves out", () => {
  const counts = new Map(parameterItems(XL).map(({ name, count }) => [name, count]));
  assertEquals(counts.get("embeddings"), 50_257 * 1600);
  assertEquals(counts.get("norms"), 48 * 3200);
  assertEquals(counts.get("attention"), 48 * 10_240_000);
  assertEquals(counts.get("feed-forward"), 48 * 30_720_000);
  assertEquals(counts.get("final norm"), 1600);
  assertEquals(counts.get("head"), 80_411_200);
  assertEquals(countParameters(XL) - counts.get("final norm")!, 2_127_056_000);
  assertEquals(countParameters(XL), 2_127_057_600);
  assertEquals(formatSi(4 * countParameters(XL), "B"), "8.51 GB");
  assertEquals(formatBinary(4 * countParameters(XL)), "7.92 GiB");
});

Deno.test("countParameters equals what the model allocates, for any shape", () => {
  fc.assert(
    fc.property(anyArchitecture, (shape) => {
      const specs = parameterSpecs({ ...shape, ropeTheta: 10_000 });
      assertEquals(countParameters(shape), specs.reduce((sum, spec) => sum + sizeOf(spec), 0));
    }),
    { seed: 8, numRuns: 100 },
  );
});

Deno.test("each switch takes away exactly its own parameters", () => {
  const without = (change: Partial<ModelShape>) => countParameters(XL) - countParameters({ ...XL, ...change });
  assertEquals(without({ ffn: "silu" }), 48 * 1600 * 6400);
  assertEquals(without({ tieEmbeddings: true }), 50_257 * 1600);
  assertEquals(without({ norm: "none" }), 48 * 2 * 1600 + 1600);
  assertEquals(without({ position: "none" }), 0);
  assertEquals(-without({ valueEmbeddings: "alternate" }), 24 * 50_257 * 1600);
  assertEquals(-without({ valueEmbeddings: "all", numKeyValueHeads: 5 }), 48 * (50_257 * 320 - 2 * 1600 * 1280));
});

Deno.test("validateShape names the value that cannot work", () => {
  assertEquals(validateShape(XL), XL);
  const bad: [Record<string, unknown>, string][] = [
    [{ vocabSize: 0 }, "got vocabSize 0, must be a positive integer"],
    [{ dFf: NaN }, "got dFf NaN"],
    [{ numLayers: undefined }, "got numLayers undefined"],
    [{ numHeads: 24 }, "got dModel 1600, must be divisible by 24 heads"],
    [{ ffn: "relu" }, "got ffn relu, must be swiglu or silu or geglu or gelu or gelu_erf or relu_squared"],
    [{ norm: "batch" }, "got norm batch, must be rms or layer or none"],
    [{ numKeyValueHeads: 4 }, "got numKeyValueHeads 4, must be a divisor of 25 heads"],
  ];
  for (const [change, message] of bad) {
    assertThrows(() => validateShape({ ...XL, ...change } as ModelShape), RangeError, message);
  }
});
