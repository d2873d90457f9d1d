import type { Backend } from "../backend/backend.ts";
import { releaseTensors } from "../backend/release.ts";
import { compile } from "../graph/compiled_graph.ts";
import { Graph } from "../graph/graph.ts";
import { DrawableIds } from "../generate/drawable_ids.ts";
import { encodeSampling, penalizeRepetition, sampleToken, type SamplingOptions } from "../generate/sampling.ts";
import { sampledTokens, sampleTokenKernel, sampleTokens, samplingInputs } from "../ops/sample_token.ts";
import { Philox } from "../random/philox.ts";
import type { KernelFault } from "./self_test.ts";

/** A seed with which no choice is a close call: a bound would have to be off by 1e-4 to change one. */
const SEED = 16;
const LANES = 9;
/** Several for each invocation of the largest workgroup. */
const VOCAB_SIZE = 1301;
const CONTEXT = [5, 700, 5];
/** One of this many ids may not be drawn. */
const MISSING = 7;

/** Each filter, and all of them. */
const CHAINS: readonly SamplingOptions[] = [
  { temperature: 0, topP: 1 },
  { temperature: 1, topP: 1 },
  { temperature: 1, topP: 0.9 },
  { temperature: 0.7, topP: 0.8, topK: 40, minP: 0.02, repetitionPenalty: 1.3 },
];

/** The program to run. */
export function samplingGraph() {
  const graph = new Graph();
  const inputs = samplingInputs(graph, LANES, VOCAB_SIZE);
  const logits = graph.input("logits", [LANES, VOCAB_SIZE]);
  const tokens = sampledTokens(LANES, CONTEXT.length + 1);
  sampleTokens(graph, logits, inputs, tokens);
  return { graph, inputs, logits, tokens };
}

/**
 * Compares the tokens that a device chooses with the host's choices from the same logits. Finds no faults on a device
 * that leaves the choice to the host.
 */
export async function samplingFaults(backend: Backend): Promise<KernelFault[]> {
  if (!backend.capabilities.kernels.has(sampleTokenKernel.name)) return [];
  const { graph, inputs, logits, tokens } = samplingGraph();
  using owned = new DisposableStack();
  const compiled = owned.use(await compile(backend, graph));
  owned.defer(() => releaseTensors(backend, [inputs.drawable, tokens.ids, tokens.context]));
  const drawable = new DrawableIds(VOCAB_SIZE, (id) => id % MISSING !== 0);
  const random = new Philox(SEED, 0);
  const uniforms = Float32Array.from({ length: LANES }, (_, lane) => (lane + 0.5) / LANES);
  const rows = Float32Array.from({ length: logits.size }, (_, i) => 8 * random.uniform(i));
  const context = new Uint32Array(tokens.context.size);
  for (let lane = 0; lane < LANES; lane++) context.set(CONTEXT, lane * tokens.context.lastDim);
  compiled.set(inputs.drawable, drawable.bits).set(inputs.start, [CONTEXT.length - 1]);
  compiled.set(inputs.uniforms, uniforms).set(logits, rows);

  const choose = (lane: number, options: SamplingOptions) => {
    const own = rows.slice(lane * VOCAB_SIZE, (lane + 1) * VOCAB_SIZE);
    penalizeRepetition(own, CONTEXT, options.repetitionPenalty ?? 1);
    drawable.mask(own);
    return sampleToken(own, options, uniforms[lane]);
  };
  const faults: KernelFault[] = [];
  for (const chain of CHAINS) {
    await compiled.set(inputs.options, encodeSampling(chain)).set(tokens.context, context).run();
    const chosen = await compiled.read(tokens.ids);
    const wrong = [...uniforms.keys()].find((lane) => chosen[lane] !== choose(lane, chain));
    if (wrong === undefined) continue;
    const expected = choose(wrong, chain);
    const detail = `${JSON.stringify(chain)}: token ${chosen[wrong]} is chosen instead of ${expected}`;
    faults.push({ kernel: sampleTokenKernel.name, detail });
  }
  return faults;
}
