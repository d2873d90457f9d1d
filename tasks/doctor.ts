/**
 * Says what this machine can compute with, and whether it computes right.
 *
 *   deno task doctor
 */
import { formatSi } from "../lib/accounting/units.ts";
import type { Backend } from "../lib/backend/backend.ts";
import { createNativeBackend, findNative } from "../lib/backend/native.ts";
import { chooseBackend } from "../lib/backend/select.ts";
import { createWasmBackend } from "../lib/backend/wasm.ts";
import { createWebGpuBackend, type WebGpuBackend } from "../lib/backend/webgpu.ts";
import { type AdapterSummary, findAdapter, installHint, summarizeAdapter } from "../lib/backend/webgpu/adapter.ts";
import { linearForward } from "../lib/ops/linear.ts";
import type { Precision } from "../lib/graph/graph.ts";
import type { KernelFault } from "../lib/self_test/self_test.ts";
import { secondsPerCall } from "../lib/measure/kernel_time.ts";
import { askedInstructions, faultMessage, quietVulkanLoader } from "./cli/backend.ts";
import { columnsOfStdout, wrapText } from "./cli/columns.ts";
import type { Flags } from "./cli/flags.ts";
import { testKernels } from "./cli/self_test.ts";
import { runProgram } from "./cli/program.ts";
import { runTask } from "./cli/run.ts";

const HELP = `
Tells you what this machine can compute with: the WebGPU adapter, whether its kernels are right, whether there can be
machine code for the processor, how fast each backend multiplies matrices, and what --backend auto chooses. If there is
no adapter, tells you what to install.

  deno task doctor

  --size N   Rows and columns of the matrices (default: 1024, or 512 for a software adapter)
  --json     Print JSON.

Exits with 1 if a kernel is wrong in f32. If one is wrong in f16, train-lm refuses --dtype f16.
`;

const FLAGS = {
  size: { type: "integer", min: 1, max: 16384 },
  json: { type: "boolean" },
} as const;

interface SelfTestResult {
  readonly seconds: number;
  readonly faults: readonly KernelFault[];
}

interface Diagnosis {
  readonly deno: string;
  readonly system: string;
  readonly adapter?: AdapterSummary;
  /** Present where there is no adapter: why, and how to get one. */
  readonly missing?: string;
  readonly install?: string;
  readonly selfTest?: SelfTestResult;
  /** Of the kernels in f16, where the adapter has it. */
  readonly selfTestF16?: SelfTestResult;
  /** The native backend, or why there is none. */
  readonly native: string;
  readonly auto: { readonly name: string; readonly reason: string };
  readonly matmul: { readonly size: number; readonly flopsPerSecond: Readonly<Record<string, number>> };
}

export async function main(args: string[]): Promise<number> {
  let healthy = true;
  const code = await runTask({ name: "doctor", help: HELP, flags: FLAGS }, args, async (flags) => {
    healthy = await doctor(flags);
  });
  return healthy ? code : 1;
}

/** @returns Whether every kernel is right. */
async function doctor({ size: asked, json }: Flags<typeof FLAGS>): Promise<boolean> {
  quietVulkanLoader();
  const { adapter, missing } = await findAdapter();
  await using wasm = await createWasmBackend();
  const instructions = askedInstructions();
  const { unsupported } = findNative({ instructions });
  await using native = unsupported === undefined ? await createNativeBackend({ instructions }) : undefined;
  await using webgpu = adapter && await createWebGpuBackend();
  const tested = webgpu && await timedSelfTest(webgpu, wasm, "f32");
  const testedInHalf = webgpu?.hasF16 ? await timedSelfTest(webgpu, wasm, "f16") : undefined;
  const size = asked ?? (webgpu?.adapter.software ? 512 : 1024);
  const flopsPerSecond: Record<string, number> = {};
  for (const backend of [webgpu, native, wasm]) {
    if (backend) flopsPerSecond[backend.name] = await matmulSpeed(backend, size);
  }
  const diagnosis: Diagnosis = {
    deno: Deno.version.deno,
    system: `${Deno.build.os} ${Deno.build.arch}, ${navigator.hardwareConcurrency} cores`,
    ...adapter ? { adapter: summarizeAdapter(adapter) } : { missing, install: installHint(Deno.build.os) },
    selfTest: tested,
    selfTestF16: testedInHalf,
    native: unsupported === undefined
      ? native!.description + (native!.capabilities.precisions.includes("bf16") ? ", with --dtype bf16" : "")
      : `none: got ${unsupported.got}, must be ${unsupported.must}`,
    auto: await chooseBackend({ instructions }),
    matmul: { size, flopsPerSecond },
  };
  console.log(json ? JSON.stringify(diagnosis, null, 2) : formatDiagnosis(diagnosis));
  const faults = tested?.faults ?? [];
  if (webgpu && faults.length > 0) console.error(`error: ${faultMessage(webgpu, faults)}`);
  return faults.length === 0;
}

async function timedSelfTest(webgpu: WebGpuBackend, oracle: Backend, precision: Precision): Promise<SelfTestResult> {
  const start = performance.now();
  const faults = await testKernels(webgpu, oracle, precision);
  return { seconds: (performance.now() - start) / 1000, faults };
}

/** Floating-point operations per second of a product of square matrices. */
async function matmulSpeed(backend: Backend, size: number): Promise<number> {
  const arrays = [size ** 2, size ** 2, size ** 2];
  return 2 * size ** 3 /
    await secondsPerCall(backend, { kernel: linearForward, arrays, constants: [size, size, size] });
}

function formatDiagnosis(diagnosis: Diagnosis): string {
  const { deno, system, adapter, missing, install, selfTest, selfTestF16, native, auto, matmul } = diagnosis;
  const rows: string[][] = [["Deno", `${deno}, ${system}`]];
  if (adapter) {
    const { limits } = adapter;
    rows.push(
      ["WebGPU adapter", adapter.description + (adapter.software ? " (software: computes on the CPU)" : "")],
      ["features", adapter.features.join(", ")],
      [
        "largest buffer",
        `${mebibytes(limits.maxBufferSize)}, of which bound at once ${mebibytes(limits.maxStorageBufferBindingSize)}`,
      ],
      [
        "workgroup",
        `${limits.maxComputeInvocationsPerWorkgroup} invocations, ${limits.maxComputeWorkgroupStorageSize} bytes`,
      ],
    );
  } else {
    rows.push(["WebGPU adapter", `none ${missing}`], ["to get one", install!]);
  }
  if (selfTest) rows.push(["kernels", formatSelfTest(selfTest)]);
  if (selfTestF16) rows.push(["kernels in f16", formatSelfTest(selfTestF16)]);
  else if (adapter) rows.push(["kernels in f16", "none: the adapter has no shader-f16"]);
  rows.push(["native", native]);
  for (const [name, speed] of Object.entries(matmul.flopsPerSecond)) {
    rows.push([`${name} matmul`, `${formatSi(speed, "FLOP/s")} (${matmul.size} x ${matmul.size})`]);
  }
  rows.push(["--backend auto", `${auto.name}: ${auto.reason}`]);
  const width = Math.max(...rows.map(([label]) => label.length));
  const columns = columnsOfStdout();
  return rows.map(([label, value]) => `${label.padEnd(width)}  ${wrapText(value, columns, width + 2)}`).join("\n");
}

function formatSelfTest({ seconds, faults }: SelfTestResult): string {
  const verdict = faults.length === 0 ? "all right" : `wrong: ${faults.map(({ kernel }) => kernel).join(", ")}`;
  return `${verdict} (${seconds.toFixed(1)} s)`;
}

function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / 2 ** 20).toLocaleString("en-US")} MiB`;
}

if (import.meta.main) await runProgram(main);
