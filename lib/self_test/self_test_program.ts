import { copy } from "../graph/copy.ts";
import { Graph } from "../graph/graph.ts";
import { align, plan } from "../graph/plan.ts";
import type { Program } from "../graph/program.ts";
import { BYTES_PER_ELEMENT, DeviceStorage, type DType, Tensor } from "../graph/tensor.ts";
import type { Probe, ProbeInput } from "./self_test_probes.ts";

/** Probes as one program. */
export interface ProbeProgram {
  readonly program: Program;
  /** What to write to each input. */
  readonly inputs: readonly (readonly [Tensor, ProbeInput])[];
  /** For each probe, its outputs by name. They are side by side in `storage`, so that one read returns them all. */
  readonly results: readonly (readonly (readonly [string, Tensor])[])[];
  readonly storage: DeviceStorage;
}

/** Traces and plans probes. */
export function probeProgram(probes: readonly Probe[]): ProbeProgram {
  const graph = new Graph();
  const inputs: [Tensor, ProbeInput][] = [];
  const sizes = probes.flatMap(({ outputs }) => Object.values(outputs));
  const bytes = sizes.reduce((sum, size) => sum + align(size * BYTES_PER_ELEMENT), 0);
  const storage = new DeviceStorage("results of the self-test", bytes);
  let byteOffset = 0;

  const results = probes.map((probe) => {
    const made = Object.entries(probe.inputs).map(([name, data]): [string, Tensor] => {
      const { count, dtype } = shapeOf(data);
      const tensor = graph.input(`${probe.kernel.name} ${name}`, [count], { dtype });
      inputs.push([tensor, data]);
      return [name, tensor];
    });
    const outputs = Object.entries(probe.outputs).map(([name, size]): [string, Tensor] => {
      const tensor = new Tensor(`${probe.kernel.name} ${name}`, [size], { placement: { storage, byteOffset } });
      byteOffset += align(size * BYTES_PER_ELEMENT);
      return [name, tensor];
    });
    const { kernel, constants, halves = [] } = probe;
    // The host has no f16, so such arrays are copies of others.
    const copies = [...made, ...outputs].filter(([name]) => halves.includes(name)).map(([name, tensor]) => {
      const half = new Tensor(`${tensor.name} in f16`, tensor.shape, { dtype: "f16" });
      copy(graph, tensor, half, false);
      return [name, half] as const;
    });
    const half = Object.fromEntries(copies);
    graph.call(kernel, {
      inputs: { ...Object.fromEntries(made), ...half },
      outputs: { ...Object.fromEntries(outputs), ...half },
      constants,
    });
    for (const [name, tensor] of outputs) if (Object.hasOwn(half, name)) copy(graph, half[name], tensor, false);
    return outputs;
  });
  return { program: plan(graph), inputs, results, storage };
}

function shapeOf(data: ProbeInput): { readonly count: number; readonly dtype: DType } {
  if (typeof data === "number") return { count: data, dtype: "f32" };
  if ("floats" in data) return { count: data.floats.length, dtype: "f32" };
  return { count: "integers" in data ? data.integers.length : data.count, dtype: "u32" };
}
