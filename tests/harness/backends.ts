import type { Backend } from "../../lib/backend/backend.ts";
import { createNativeBackend } from "../../lib/backend/native.ts";
import { findNativeSupport } from "../../lib/backend/native/support.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { createWebGpuBackend } from "../../lib/backend/webgpu.ts";
import { ReferenceBackend } from "../reference/backend.ts";
import { isSoftware, missingGpu, openGpu } from "./gpu.ts";
import { withSmallDispatches } from "./small_dispatches.ts";

/** A backend that tests run on. */
interface TestBackend {
  readonly label: string;
  readonly open: () => Promise<Backend>;
  /** Why this machine lacks it; its tests then count as ignored and name the reason. */
  readonly missing?: string;
}

const REFERENCE: TestBackend = { label: "reference", open: () => Promise.resolve(new ReferenceBackend()) };

/** Machine code, of the largest vectors that the machine has, and of AVX2's where those are larger. */
function nativeBackends(): TestBackend[] {
  const { set, unsupported } = findNativeSupport();
  const open = (instructions: "avx512" | "avx2") => () => createNativeBackend({ instructions });
  if (set === undefined) return [{ label: "native", open: open("avx2"), missing: `got ${unsupported.got}` }];
  const names = set.name === "avx512" ? ["avx512", "avx2"] as const : ["avx2"] as const;
  return names.map((name) => ({ label: `native, ${name}`, open: open(name) }));
}

const DEVICES: readonly TestBackend[] = [
  { label: "wasm", open: () => createWasmBackend() },
  ...nativeBackends(),
  { label: "webgpu", open: () => withSmallDispatches(openGpu), missing: missingGpu },
];

/** What a GPU would run, where the adapter is a CPU that runs other kernels by itself. */
const HARDWARE_KERNELS: readonly TestBackend[] = missingGpu === undefined && isSoftware
  ? [{
    label: "webgpu, kernels of a real GPU",
    open: () => withSmallDispatches(() => createWebGpuBackend({ kernelsForHardware: true })),
  }]
  : [];

/** Backends that are open, one of each kind per test file. */
const open = new Map<string, Promise<Backend>>();

Deno.test.afterAll(async () => {
  // One that did not open has failed its tests already.
  for (const opened of await Promise.allSettled(open.values())) {
    if (opened.status === "fulfilled") await opened.value[Symbol.asyncDispose]();
  }
  open.clear();
});

/** The float64 backend that this file's tests share: the oracle for the devices. */
export function reference(): Promise<Backend> {
  return opened(REFERENCE);
}

/** Registers a test for the reference backend and each device. */
export function forEachBackend(name: string, body: (backend: Backend, t: Deno.TestContext) => Promise<void>): void {
  for (const backend of [REFERENCE, ...DEVICES]) register(backend, name, body);
}

/** Registers a test for each device; those that the machine lacks are ignored, and say why. */
export function forEachDevice(name: string, body: (backend: Backend, t: Deno.TestContext) => Promise<void>): void {
  for (const backend of DEVICES) register(backend, name, body);
}

/** Registers a test for the kernels of a real GPU, where the adapter is a CPU: for ops that have such. */
export function forHardwareKernels(name: string, body: (backend: Backend, t: Deno.TestContext) => Promise<void>): void {
  for (const backend of HARDWARE_KERNELS) register(backend, name, body);
}

function register(
  backend: TestBackend,
  name: string,
  body: (backend: Backend, t: Deno.TestContext) => Promise<void>,
): void {
  const { label, missing } = backend;
  Deno.test({
    name: missing === undefined ? `${name} [${label}]` : `${name} [${label}: ${missing}]`,
    ignore: missing !== undefined,
    // Backends outlive a test: afterAll disposes of them.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async (t) => body(await opened(backend), t),
  });
}

function opened({ label, open: openBackend }: TestBackend): Promise<Backend> {
  let backend = open.get(label);
  if (backend === undefined) open.set(label, backend = openBackend());
  return backend;
}
