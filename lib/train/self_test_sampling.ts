import type { Backend } from "../backend/backend.ts";
import { Graph } from "../graph/graph.ts";
import { InputBlock } from "../graph/inputs.ts";
import { plan } from "../graph/plan.ts";
import { DrawableIds } from "../model/drawable_ids.ts";
import { encodeSampling, penalizeRepetition, sampleToken, type SamplingOptions } from "../model/sampling.ts";
import { sampledTokens, sampleTokenKernel, sampleTokens, samplingInputs } from "../ops/sample_token.ts";
import { Philox } from "../random/philox.ts";
import type { KernelFault } from "./self_test.ts";

/** One of those for which no choice is a close call: a bound would have to be off by 1e-4 to change it. */
const SEED = 16;
const LANES = 9;
/** Several for each invocation of the largest workgroup. */
const VOCAB_SIZE = 1301;
const CONTEXT = [5, 700, 5];
/** Every so many ids are none that may be drawn. */
const MISSING = 7;

/** Each filter, and all of them. */
const CHAINS: readonly SamplingOptions[] = [
  { temperature: 0, topP: 1 },
  { temperature: 1, topP: 1 },
  { temperature: 1, topP: 0.9 },
  { temperature: 0.7, topP: 0.8, topK: 40, minP: 0.02, repetitionPenalty: 1.3 },
];

/** What is run for it. */
export function samplingProgram() {
  const graph = new Graph();
  const inputs = samplingInputs(graph, LANES, VOCAB_SIZE);
  const logits = graph.input("logits", [LANES, VOCAB_SIZE]);
  const tokens = sampledTokens(LANES, CONTEXT.length + 1);
  sampleTokens(graph, logits, inputs, tokens);
  return { program: plan(graph), inputs, logits, tokens };
}

/**
 * Compares the tokens that a device chooses with the host's choices from the same logits. The wasm backend has no such
 * kernel that it could be compared with.
 */
export async function samplingFaults(backend: Backend): Promise<KernelFault[]> {
  if (backend.name !== "webgpu") return [];
  const { program, inputs, logits, tokens } = samplingProgram();
  const executable = await backend.load(program);
  try {
    const drawable = new DrawableIds(VOCAB_SIZE, (id) => id % MISSING !== 0);
    backend.write(program.view(inputs.drawable), drawable.bits);
    const random = new Philox(SEED, 0);
    const block = new InputBlock(program);
    block.integers(inputs.start)[0] = CONTEXT.length - 1;
    const uniforms = block.floats(inputs.uniforms).map((_, lane) => (lane + 0.5) / LANES);
    block.floats(inputs.uniforms).set(uniforms);
    const rows = block.floats(logits).map((_, i) => 8 * random.uniform(i));
    block.floats(logits).set(rows);
    const context = new Uint32Array(tokens.context.size);
    for (let lane = 0; lane < LANES; lane++) context.set(CONTEXT, lane * tokens.context.lastDim);

    const choose = (lane: number, options: SamplingOptions) => {
      const own = rows.slice(lane * VOCAB_SIZE, (lane + 1) * VOCAB_SIZE);
      penalizeRepetition(own, CONTEXT, options.repetitionPenalty ?? 1);
      drawable.mask(own);
      return sampleToken(own, options, uniforms[lane]);
    };
    const faults: KernelFault[] = [];
    for (const chain of CHAINS) {
      block.floats(inputs.options).set(encodeSampling(chain));
      backend.write(block.view, block.words);
      backend.write(program.view(tokens.context), context);
      await executable.run();
      const chosen = await backend.read(program.view(tokens.ids));
      const wrong = [...uniforms.keys()].find((lane) => chosen[lane] !== choose(lane, chain));
      if (wrong === undefined) continue;
      const expected = choose(wrong, chain);
      const detail = `${JSON.stringify(chain)}: token ${chosen[wrong]} is chosen instead of ${expected}`;
      faults.push({ kernel: sampleTokenKernel.name, detail });
    }
    return faults;
  } finally {
    for (const storage of program.storages) backend.release(storage);
  }
}
