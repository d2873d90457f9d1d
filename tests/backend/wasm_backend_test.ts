import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { copy, copyKernel } from "../../lib/graph/copy.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { defineKernel } from "../../lib/graph/kernel.ts";
import { plan } from "../../lib/graph/plan.ts";
import { Program, type ProgramCall, viewOf, wholeOf } from "../../lib/graph/program.ts";
import { DeviceStorage, Tensor, type View } from "../../lib/graph/tensor.ts";

function stored(name: string, size: number): Tensor {
  return new Tensor(name, [size], { placement: { storage: new DeviceStorage(name, size * 4), byteOffset: 0 } });
}

const viewOfStored = (tensor: Tensor) => viewOf(tensor, tensor.placement!);

/** Copies one after another, each of what the one before it wrote, twice: the last is the first times 2^links. */
function chain(links: number, size: number): { program: Program; first: Tensor; last: Tensor } {
  const graph = new Graph();
  const tensors = Array.from({ length: links + 1 }, (_, i) => stored(`link ${i}`, size));
  for (let i = 0; i < links; i++) {
    copy(graph, tensors[i], tensors[i + 1], false);
    copy(graph, tensors[i], tensors[i + 1], true);
  }
  return { program: plan(graph), first: tensors[0], last: tensors[links] };
}

/**
 * Turns an array round and round by `by` elements, so that each call reads what other workers wrote in the call before:
 * a call that begins too early shows in the result.
 */
function carousel(turns: number, size: number, by: number): { program: Program; array: View } {
  const [array, other] = [new DeviceStorage("array", size * 4), new DeviceStorage("other", size * 4)];
  const part = (storage: DeviceStorage, from: number, elements: number): View => (
    { storage, byteOffset: from * 4, size: elements, dtype: "f32" }
  );
  const copyCall = (from: View, to: View): ProgramCall => (
    { kernel: copyKernel, views: [from, to], constants: [from.size, 0] }
  );
  const calls = Array.from({ length: turns }, (_, i) => {
    const [from, to] = i % 2 === 0 ? [array, other] : [other, array];
    return [
      copyCall(part(from, by, size - by), part(to, 0, size - by)),
      copyCall(part(from, 0, by), part(to, size - by, by)),
    ];
  }).flat();
  return {
    program: new Program({ calls, inputs: undefined, scratch: [], placements: new Map() }),
    array: wholeOf(array),
  };
}

/** A program that no op would make: it copies far more than its arrays hold. */
function trapping(): Program {
  const storage = new DeviceStorage("small", 64);
  const views = [wholeOf(storage), wholeOf(storage)];
  const calls = [{ kernel: copyKernel, views, constants: [2 ** 29, 0] }];
  return new Program({ calls, inputs: undefined, scratch: [], placements: new Map() });
}

async function withBackend(workers: number, body: (backend: Backend) => Promise<void>): Promise<void> {
  await using backend = await createWasmBackend({ workers });
  await body(backend);
}

for (const workers of [1, 2, 3, 7]) {
  Deno.test(`wasm backend: ${workers} workers keep step through short calls, run after run`, async () => {
    await withBackend(workers, async (backend) => {
      const [turns, size, by] = [40, 5003, 1931];
      const { program, array } = carousel(turns, size, by);
      const executable = await backend.load(program);
      for (let run = 1; run <= 50; run++) {
        backend.write(array, Float32Array.from({ length: size }, (_, i) => i * run));
        await executable.run();
        const expected = Float32Array.from({ length: size }, (_, i) => (i + turns * by) % size * run);
        assertEquals(await backend.read(array), expected, `run ${run}`);
      }
    });
  });
}

Deno.test("wasm backend: the main thread's timers fire while a program runs", async () => {
  await withBackend(1, async (backend) => {
    const { program } = chain(200, 100_000);
    const executable = await backend.load(program);
    const running = executable.run();
    let settled = false;
    const watched = running.finally(() => settled = true);
    await new Promise((resolve) => setTimeout(resolve, 0));
    assert(!settled, "the program was over before the timer: give it more to do");
    await watched;
  });
});

Deno.test("wasm backend: a trap rejects with the kernel's name, and the backend still works", async () => {
  await withBackend(3, async (backend) => {
    const bad = await backend.load(trapping());
    const { program, first, last } = chain(1, 10);
    const good = await backend.load(program);
    for (let i = 0; i < 3; i++) {
      const error = await assertRejects(() => bad.run(), Error);
      assertStringIncludes(error.message, "Kernel copy (call 0) failed on worker");
      assertStringIncludes(error.message, "out of bounds");
      backend.write(viewOfStored(first), new Float32Array(10).fill(i));
      await good.run();
      assertEquals([...await backend.read(viewOfStored(last))], new Array(10).fill(2 * i));
    }
  });
});

Deno.test("wasm backend: a profile runs the program once, and its times add up to no more than the run's", async () => {
  await withBackend(2, async (backend) => {
    const { program, first, last } = chain(3, 100_000);
    const executable = await backend.load(program);
    backend.write(viewOfStored(first), new Float32Array(100_000).fill(1));
    const start = performance.now();
    const seconds = await executable.profile!();
    const elapsed = (performance.now() - start) / 1000;
    assertEquals(seconds.length, program.calls.length);
    // 0 where the worker that keeps the time came so late that others had made the call.
    assert(seconds.every((time) => time >= 0), `got ${seconds.join()}`);
    const sum = seconds.reduce((total, time) => total + time, 0);
    assert(sum < elapsed, `got ${sum} s of ${elapsed} s`);
    assertEquals((await backend.read(viewOfStored(last)))[99_999], 8);
  });
});

Deno.test("wasm backend: running, writing and releasing wait for the run under way", async () => {
  await withBackend(2, async (backend) => {
    const { program, first, last } = chain(50, 10_000);
    const executable = await backend.load(program);
    backend.write(viewOfStored(first), new Float32Array(10_000).fill(1e-10));
    // All of this comes before the event loop turns, so that the run is under way however fast it is.
    const running = executable.run();
    const second = executable.run();
    assertThrows(() => backend.write(viewOfStored(first), new Float32Array(10_000)), Error, "a program is running");
    assertThrows(() => backend.release(first.placement!.storage), Error, "a program is running");
    // Reading takes its place behind the run.
    const reading = backend.read(viewOfStored(last));
    await assertRejects(() => second, Error, "another is running");
    const result = await reading;
    assertEquals(result[9_999], Math.fround(1e-10) * 2 ** 50);
    await running;
  });
});

Deno.test("wasm backend: storages start as zeros, are shared by identity, and return to zeros after release", async () => {
  await withBackend(2, async (backend) => {
    const { program, first, last } = chain(1, 7);
    const one = await backend.load(program);
    const two = await backend.load(program);
    assertEquals([...await backend.read(viewOfStored(last))], [0, 0, 0, 0, 0, 0, 0]);
    backend.write(viewOfStored(first), Float32Array.of(1, 2, 3, 4, 5, 6, 7));
    await two.run();
    assertEquals([...await backend.read(viewOfStored(last))], [2, 4, 6, 8, 10, 12, 14]);
    backend.release(first.placement!.storage);
    await assertRejects(() => one.run(), Error, "released");
    assertThrows(() => backend.write(viewOfStored(first), new Float32Array(7)), RangeError, 'Cannot use "link 0"');
    await (await backend.load(program)).run();
    assertEquals([...await backend.read(viewOfStored(last))], [0, 0, 0, 0, 0, 0, 0]);
  });
});

Deno.test("wasm backend: more than 4 GiB may pass through, if released", async () => {
  await withBackend(1, async (backend) => {
    for (let i = 0; i < 9; i++) {
      const storage = new DeviceStorage("half a GiB", 2 ** 29);
      await (await backend.load(doubling(storage))).run();
      backend.release(storage);
    }
  });
});

/** A program that adds the first number of each storage to itself. */
function doubling(...storages: DeviceStorage[]): Program {
  const calls = storages.map((storage) => {
    const view: View = { storage, byteOffset: 0, size: 1, dtype: "f32" };
    return { kernel: copyKernel, views: [view, view], constants: [1, 1] };
  });
  return new Program({ calls, inputs: undefined, scratch: [], placements: new Map() });
}

Deno.test("wasm backend: too large a storage is named in the error, and nothing of the program stays allocated", async () => {
  await withBackend(1, async (backend) => {
    const small = new DeviceStorage("small", 2 ** 20);
    const failing = doubling(small, new DeviceStorage("activations", 2 ** 32));
    await assertRejects(() => backend.load(failing), RangeError, 'Cannot allocate storage "activations"');
    assertThrows(() => backend.write({ ...wholeOf(small), size: 1 }, new Float32Array(1)), RangeError, "no loaded");
    await (await backend.load(doubling(small))).run();
  });
});

Deno.test("wasm backend: addresses beyond 2 GiB work", async () => {
  await withBackend(2, async (backend) => {
    const high = new DeviceStorage("high", 2 ** 20);
    const executable = await backend.load(doubling(new DeviceStorage("low", 2 ** 31), high));
    const view: View = { storage: high, byteOffset: 0, size: 1, dtype: "f32" };
    backend.write(view, Float32Array.of(21));
    await executable.run();
    assertEquals([...await backend.read(view)], [42]);
  });
});

Deno.test("wasm backend: wrong sizes, places and kernels are refused", async () => {
  await assertRejects(() => createWasmBackend({ workers: 0 }), RangeError, "got 0 workers");
  await withBackend(1, async (backend) => {
    const { program, first } = chain(1, 8);
    await backend.load(program);
    const view = viewOfStored(first);
    assertThrows(() => backend.write(view, new Float32Array(7)), RangeError, "got 7 elements, must be 8");
    const beyond = { ...view, byteOffset: 4 };
    assertThrows(() => backend.write(beyond, new Float32Array(8)), RangeError, "must lie within 32 bytes");
    const kernel = defineKernel({ name: "no_such_kernel", inputs: [], outputs: ["y"], constants: {} });
    const unknown = new Program({
      calls: [{ kernel, views: [view], constants: [] }],
      inputs: undefined,
      scratch: [],
      placements: new Map(),
    });
    await assertRejects(() => backend.load(unknown), Error, "Cannot load kernel no_such_kernel: got none");
    const outgrown = new Program({
      calls: [{ kernel: { ...kernel, name: "copy" }, views: [view], constants: [] }],
      inputs: undefined,
      scratch: [],
      placements: new Map(),
    });
    await assertRejects(() => backend.load(outgrown), Error, "Cannot load kernel copy: got one of 5 parameters");
  });
});

Deno.test("wasm backend: a disposed backend says so, and disposing twice is no error", async () => {
  const backend = await createWasmBackend({ workers: 2 });
  const { program, first } = chain(1, 8);
  const executable = await backend.load(program);
  await backend[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
  await assertRejects(() => executable.run(), Error, "disposed");
  await assertRejects(() => backend.load(program), Error, "disposed");
  assertThrows(() => backend.write(viewOfStored(first), new Float32Array(8)), Error, "disposed");
});

Deno.test("wasm backend: a process that disposes it ends by itself, with no permission to run anything", async () => {
  const source = `
    import { createWasmBackend } from ${JSON.stringify(new URL("../../lib/backend/wasm.ts", import.meta.url).href)};
    const backend = await createWasmBackend({ workers: 3 });
    await backend[Symbol.asyncDispose]();
    console.log("disposed");`;
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-config", "--quiet", "--allow-read", "--ext=ts", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(30_000),
  });
  const child = command.spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(source));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  assertEquals(new TextDecoder().decode(stderr), "");
  assertEquals(new TextDecoder().decode(stdout), "disposed\n");
  assertEquals(code, 0);
});
