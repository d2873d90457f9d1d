import { assert, assertEquals } from "@std/assert";
import { stub } from "@std/testing/mock";
import type { Backend, Executable } from "../../lib/backend/backend.ts";
import { WebGpuBackend } from "../../lib/backend/webgpu.ts";
import { Program } from "../../lib/graph/program.ts";
import { viewsOf } from "../../lib/measure/kernel_arrays.ts";
import { secondsPerCall, timesPerCall } from "../../lib/measure/kernel_time.ts";
import { addForward } from "../../lib/ops/add.ts";
import { forEachDevice } from "../harness/backends.ts";
import { PLAIN } from "../harness/capabilities.ts";
import { gpuTest, openGpu } from "../harness/gpu.ts";

const ADD = { kernel: addForward, arrays: [8, 8, 8], constants: [8] };

/** What a real GPU costs besides its work: Deno's `mapAsync` on an H100 takes as long as ten large products. */
const READ_SECONDS = 0.0115;
const SUBMIT_SECONDS = 41e-6;

/** A GPU whose time is only counted. */
class CountedGpu implements Backend {
  readonly name = "webgpu";
  readonly description = "a GPU whose time is counted";
  readonly capabilities = PLAIN;
  readonly bytesInUse = 0;
  /** Seconds so far, for the host. */
  elapsed = 0;
  #pending = 0;

  /** @param clock What its own clock shows of a second; undefined if it has none. */
  constructor(readonly secondsPerCall: number, readonly clock: number | undefined) {}

  load({ calls }: Program): Promise<Executable> {
    const work = calls.length * this.secondsPerCall;
    const executable: Executable = {
      run: () => {
        this.elapsed += SUBMIT_SECONDS;
        this.#pending += work;
        return Promise.resolve();
      },
    };
    const { clock } = this;
    if (clock === undefined) return Promise.resolve(executable);
    return Promise.resolve({
      ...executable,
      time: (repeats) => {
        this.elapsed += SUBMIT_SECONDS + repeats * work + READ_SECONDS;
        return Promise.resolve(repeats * work * clock);
      },
    });
  }

  write(): void {}

  read(): Promise<Float32Array> {
    this.elapsed += this.#pending + READ_SECONDS;
    this.#pending = 0;
    return Promise.resolve(new Float32Array(1));
  }

  release(): void {}

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

/** Times a call on it, by a host's clock that it drives. */
async function timeOn(gpu: CountedGpu): Promise<number> {
  using _clock = stub(performance, "now", () => 1000 * gpu.elapsed);
  return await secondsPerCall(gpu, ADD);
}

for (const [clock, what] of [[1, "by its own clock"], [undefined, "by the host's"]] as const) {
  Deno.test(`a call's time holds no wait for a result: on a GPU timed ${what}`, async () => {
    for (const seconds of [4e-6, 1e-4, 2e-3, 0.1]) {
      const timed = await timeOn(new CountedGpu(seconds, clock));
      assert(Math.abs(timed / seconds - 1) < 0.01, `${timed} s for ${seconds} s`);
    }
  });

  Deno.test(`timing ends soon, of a short call and of a long one: on a GPU timed ${what}`, async () => {
    for (const seconds of [4e-6, 0.1]) {
      const gpu = new CountedGpu(seconds, clock);
      await timeOn(gpu);
      assert(gpu.elapsed < (clock ? 0.7 : 1.5), `${gpu.elapsed} s for calls of ${seconds} s`);
    }
  });
}

Deno.test("a device's clock that stands still, or shows no numbers, gives way to the host's", async () => {
  for (const clock of [0, NaN]) {
    const timed = await timeOn(new CountedGpu(1e-3, clock));
    assert(Math.abs(timed / 1e-3 - 1) < 0.01, `${timed} s for 1 ms by a clock that shows ${clock}`);
  }
});

forEachDevice("four times the work takes longer", async (backend) => {
  const seconds = async (n: number) =>
    Math.min(...await timesPerCall(backend, { kernel: addForward, arrays: [n, n, n], constants: [n] }));
  const ratio = await seconds(1 << 20) / await seconds(1 << 18);
  // Other programs run beside this one: more than this no clock could promise.
  assert(ratio > 1, `${ratio}`);
});

gpuTest("webgpu: the device's clock counts each repetition, and results are as of a run", async () => {
  await using backend = await openGpu();
  assert(backend instanceof WebGpuBackend);
  if (!backend.device.features.has("timestamp-query")) return;
  const n = 1 << 20;
  const views = viewsOf("add", [n, n, n]);
  const program = new Program({
    calls: [{ kernel: addForward, views, constants: [n] }],
    inputs: undefined,
    scratch: [],
    placements: new Map(),
  });
  const executable = await backend.load(program);
  for (const view of views.slice(0, 2)) backend.write(view, new Float32Array(n).fill(2));
  const best = async (repeats: number) => {
    let seconds = Infinity;
    for (let run = 0; run < 5; run++) seconds = Math.min(seconds, await executable.time!(repeats));
    return seconds;
  };
  const [once, often] = [await best(1), await best(10)];
  assert(often > once, `${once} s once, ${often} s ten times`);
  assertEquals(await backend.read({ ...views[2], size: 3 }), new Float32Array([4, 4, 4]));
});
