import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { createWebGpuBackend } from "../../lib/backend/webgpu.ts";
import { measureBandwidth } from "../../lib/measure/limits.ts";
import { measurePeak, Peak } from "../../lib/measure/peak.ts";
import { forEachDevice } from "../harness/backends.ts";
import { gpuTest } from "../harness/gpu.ts";

forEachDevice("a device's peak is found within reason", async (backend) => {
  const { peak, peakSource } = await measurePeak(backend);
  // Slower than a pocket calculator or faster than any chip: a mistake in counting.
  assert(peak > 1e7 && peak < 1e16, `${peak} FLOP/s`);
  assertMatch(peakSource, /multiply-adds in registers/);
});

forEachDevice("a memory's bandwidth is found within reason", async (backend) => {
  const { bandwidth, bandwidthSource } = await measureBandwidth(backend);
  assert(bandwidth > 1e7 && bandwidth < 1e14, `${bandwidth} B/s`);
  assertMatch(bandwidthSource, /^reading \d+ MiB$/);
});

gpuTest(
  "webgpu: what a GPU can do at most is measured with thousands of workgroups, so that all of it has work",
  async () => {
    for (const [name, measure] of [["peak_fma_workgroups", measurePeak], ["peak_read", measureBandwidth]] as const) {
      let workgroups = 0;
      const kernels = new Map([[name, (constants: Readonly<Record<string, number>>) => {
        workgroups = constants.workgroups;
        throw new Error("seen enough");
      }]]);
      await using backend = await createWebGpuBackend({ kernelsForHardware: true, kernels });
      await assertRejects(() => measure(backend), Error, "seen enough");
      assert(workgroups >= 4096, `${workgroups} workgroups of ${name}`);
    }
  },
);

Deno.test("the peak of a CPU is that of the workers that the backend has", async () => {
  await using one = await createWasmBackend({ workers: 1 });
  // Many more than there are cores: each makes its part, the parts are counted, and the cores do no more for it.
  await using many = await createWasmBackend({ workers: 8 * navigator.hardwareConcurrency });
  const [ofOne, ofMany] = [await measurePeak(one), await measurePeak(many)];
  const ratio = ofMany.peak / ofOne.peak;
  assert(ratio > 0.2 && ratio < 4 * navigator.hardwareConcurrency, `${ratio}`);
});

Deno.test("the best measurement counts, and what a run reached if that is more: no share is above one", () => {
  const peak = new Peak({ peak: 60e9, peakSource: "a try" });
  assertEquals(peak.share(30e9), 0.5);
  assertEquals(peak.source, "a try");
  assertEquals(peak.share(90e9), 1);
  assertEquals(peak.share(45e9), 0.5);
  assertEquals([peak.flopsPerSecond, peak.source], [
    90e9,
    "the fastest steps, since only 60.0 GFLOP/s were measured with a try",
  ]);
  peak.measure({ peak: 50e9, peakSource: "a slow try" });
  assertEquals(peak.flopsPerSecond, 90e9);
  peak.measure({ peak: 180e9, peakSource: "a good try" });
  assertEquals([peak.share(90e9), peak.flopsPerSecond, peak.source], [0.5, 180e9, "a good try"]);
  assert(Number.isNaN(peak.share(NaN)));
  assertEquals(peak.share(Infinity), Infinity);
  assertEquals(peak.share(90e9), 0.5);
});
