// Tries the kernels when a backend starts: a processor, or a machine that imitates one, may do otherwise than it should.
import type { Bf16Unit } from "../../../kernels/native/bf16/product_shape.ts";
import { PARAMETER_BYTES } from "../../../kernels/native/calling.ts";
import type { InstructionSet } from "../../../kernels/native/instruction_set.ts";
import { SCRATCH_BYTES } from "../wasm/layout.ts";
import { CodeCache } from "./code_cache.ts";
import { callingConvention } from "./executable_memory.ts";
import type { WorkerTools } from "./kernel.ts";
import { MADE_BY, NATIVE_KERNELS } from "./kernels.ts";
import { openFunctionMaker } from "./native_function.ts";
import type { CallingSystem } from "./system_library.ts";
import { parametersAt } from "./parameters.ts";
import { bf16Cases, type SelfTestCase, selfTestCases } from "./self_test_cases.ts";

/** Where a test's arrays begin. */
const ARRAYS = PARAMETER_BYTES + 64 & ~63;

/** The largest difference that passes, relative to the largest expected value: far above rounding, far below a mistake. */
const TOLERANCE = 1e-4;

/** What each instruction set was found to do; it will not change. */
const found = new Map<InstructionSet["name"], string | undefined>();
/** The same of units, by their names. */
const foundBf16 = new Map<string, string | undefined>();

/** Runs each kernel on one thread, against plain loops. What is wrong, in words for a person; `undefined` if nothing is. */
export function findFault(set: InstructionSet): string | undefined {
  if (!found.has(set.name)) found.set(set.name, tryKernels(set, selfTestCases()));
  return found.get(set.name);
}

/** The same for products of numbers rounded to bf16. */
export function findBf16Fault({ set, bf16Units }: CodeCache): string | undefined {
  const units = bf16Units.join();
  if (!foundBf16.has(units)) foundBf16.set(units, tryKernels(set, bf16Cases(), bf16Units));
  return foundBf16.get(units);
}

/** The same for some calls. */
export function tryKernels(
  set: InstructionSet,
  cases: readonly SelfTestCase[],
  bf16Units: readonly Bf16Unit[] = [],
): string | undefined {
  const pages = Math.ceil((ARRAYS + SCRATCH_BYTES) / 65536) + 8;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  using code = new CodeCache(set, callingConvention(Deno.build.os)!, 1, bf16Units);
  const tools: WorkerTools = {
    set,
    workers: 1,
    memory,
    parameters: parametersAt(memory, 0),
    scratch: ARRAYS,
    makeFunction: openFunctionMaker(Deno.build.os as CallingSystem),
    work: allUnits(),
  };
  for (const { name, constants, inputs, before, expected } of cases) {
    let end = ARRAYS + SCRATCH_BYTES;
    const place = (size: number) => {
      const address = end;
      end += Math.ceil(size / 16) * 64;
      return { address, values: new Float32Array(memory.buffer, address, size) };
    };
    const given = inputs.map((values) => {
      const array = place(values.length);
      array.values.set(values);
      return array;
    });
    const results = expected.map((values, i) => {
      const array = place(values.length);
      array.values.fill(NaN);
      if (before !== undefined) array.values.set(before[i]);
      return array;
    });
    const addresses = [...given, ...results].map(({ address }) => address);
    const kernel = NATIVE_KERNELS[MADE_BY.get(name)!];
    const numbers = kernel.encode({ name, constants, addresses }, code);
    if (numbers === undefined) throw new Error(`Cannot try ${name}: it has no machine code for the test's sizes`);
    kernel.bind(numbers, 0, tools)();
    if (!expected.every((values, i) => isClose(results[i].values, values))) return `wrong results from ${name}`;
  }
}

function isClose(got: Float32Array, expected: Float64Array): boolean {
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return got.every((value, i) => Math.abs(value - expected[i]) <= TOLERANCE * largest);
}

/** All of a call's units, in one piece. */
function allUnits(): WorkerTools["work"] {
  let [units, isTaken] = [0, true];
  return {
    divide: (_counters, count) => [units, isTaken] = [count, false],
    claim: () => {
      const claims = !isTaken && units > 0;
      isTaken = true;
      return claims;
    },
    firstUnit: () => 0,
    endUnit: () => units,
  };
}
