// A process of the contention campaign: runs short programs on the CPU, and counts them on stdout until it is ended.
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { copyKernel } from "../../lib/graph/copy.ts";
import { Program, type ProgramCall, wholeOf } from "../../lib/graph/program.ts";
import { DeviceStorage } from "../../lib/graph/tensor.ts";

/** Runs between two lines on stdout. */
const STRETCH = 2000;

/** Elements: one worker makes a copy of the fewer, all workers share the others'. */
const SIZES = [64, 5003];

/** Copies round in a ring, so that every call waits for the one before. */
function ring(size: number): { program: Program; first: DeviceStorage; last: DeviceStorage } {
  const storages = Array.from({ length: 3 }, (_, i) => new DeviceStorage(`ring ${i}`, size * 4));
  const calls = storages.slice(1).map((to, i): ProgramCall => (
    { kernel: copyKernel, views: [wholeOf(storages[i]), wholeOf(to)], constants: [size, 0] }
  ));
  return {
    program: new Program({ calls, inputs: undefined, scratch: [], placements: new Map() }),
    first: storages[0],
    last: storages.at(-1)!,
  };
}

if (import.meta.main) {
  await using backend = await createWasmBackend({ workers: Number(Deno.args[0]) });
  const rings = [];
  for (const size of SIZES) {
    const { program, first, last } = ring(size);
    rings.push({ size, first, last, executable: await backend.load(program) });
  }
  for (let stretch = 1;; stretch++) {
    for (const { size, first } of rings) backend.write(wholeOf(first), new Float32Array(size).fill(stretch));
    for (let i = 0; i < STRETCH; i++) await rings[i % rings.length].executable.run();
    for (const { last } of rings) {
      const values = await backend.read(wholeOf(last));
      if (!values.every((value) => value === stretch)) throw new Error(`wrong results in stretch ${stretch}`);
    }
    console.log(STRETCH);
  }
}
