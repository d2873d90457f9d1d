/**
 * Measures generation with a KV cache.
 *
 *   deno task bench generate --shapes large
 */
import { parameterItems } from "../../lib/accounting/parameters.ts";
import { formatTable } from "../../lib/accounting/table.ts";
import { formatCount, formatDuration, formatShare, formatSi } from "../../lib/accounting/units.ts";
import type { Backend } from "../../lib/backend/backend.ts";
import { TextGenerator } from "../../lib/generate/generator.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { type WeightsDType, writeWeights } from "../../lib/model/weights.ts";
import { QuantizedTensor } from "../../lib/ops/quantized_tensor.ts";
import { startBackend } from "../cli/backend.ts";
import type { Flags } from "../cli/flags.ts";
import { WEIGHTS_DTYPE_FLAG } from "../cli/load_run.ts";
import { runTask } from "../cli/run.ts";
import { REPEATS, WORKERS_FLAG } from "../cli/measuring_flags.ts";
import { measureBandwidth } from "../../lib/measure/limits.ts";
import { benchWeights } from "./bench_weights.ts";
import { DEFAULT_LM_SHAPES, LM_SHAPES_HELP, type LmShape, namedLmShapes } from "./lm_shapes.ts";
import { describeMachine, formatMachine } from "./machine.ts";
import { median } from "../../lib/measure/kernel_time.ts";

const HELP = `
Measures generation of one text with a KV cache, one token at a time, up to the model's context length.

  deno task bench generate --shapes large

  --shapes NAME,NAME  Models (default: ${DEFAULT_LM_SHAPES})
  --temperature X     As for deno task generate (default: 1)
  --top-p X           As for deno task generate (default: 1)
  --weights-dtype NAME  As for deno task generate (default: f32)
  --rounds N          Texts to take the medians of (default: 7)
  --backend NAME      auto, webgpu, native or wasm (default: auto)
  --workers N         Workers of wasm or native (default: one for each core)
  --json              All numbers instead of a table.

Shapes
${LM_SHAPES_HELP}

Each token needs every weight once, except for the embedding, of which it needs one row. "at bandwidth" is how many
tokens/s that would be at the memory bandwidth, measured before each text. Small models stay in the caches and can be
faster.
`;

const FLAGS = {
  shapes: { type: "string", default: DEFAULT_LM_SHAPES },
  temperature: { type: "number", default: 1, min: 0 },
  "top-p": { type: "number", default: 1, above: 0, max: 1 },
  "weights-dtype": WEIGHTS_DTYPE_FLAG,
  rounds: { ...REPEATS, default: 7 },
  backend: { type: "string", default: "auto", choices: ["auto", "webgpu", "native", "wasm"] },
  workers: WORKERS_FLAG,
  json: { type: "boolean" },
} as const;

/** One model's measurement. */
interface GenerateResult {
  readonly shape: string;
  /** Bytes of weights that a token reads. */
  readonly weightBytes: number;
  readonly tokensPerSecond: number;
  readonly bestTokensPerSecond: number;
  readonly rounds: readonly Round[];
  /** The median bandwidth over `weightBytes`. */
  readonly tokensPerSecondAtBandwidth: number;
  /** The median over texts of the share of that, each of the bandwidth measured just before it. */
  readonly share: number;
}

/** One text, and what memory could do just before: other programs on the machine take turns of seconds. */
interface Round {
  readonly tokensPerSecond: number;
  /** Bytes per second. */
  readonly bandwidth: number;
}

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "bench generate", help: HELP, flags: FLAGS }, args, benchGenerate);
}

async function benchGenerate(flags: Flags<typeof FLAGS>): Promise<void> {
  const shapes = namedLmShapes("bench generate", flags.shapes);
  await using backend = await startBackend(flags.backend, { workers: flags.workers });
  const machine = describeMachine(backend);
  console.error(formatMachine(machine));
  const results: GenerateResult[] = [];
  for (const [name, shape] of shapes) {
    console.error(`generating with ${name} …`);
    const weightBytes = bytesPerToken(shape, flags["weights-dtype"]);
    const rounds = await measureRounds(backend, shape, flags);
    const speeds = rounds.map(({ tokensPerSecond }) => tokensPerSecond);
    results.push({
      shape: name,
      weightBytes,
      tokensPerSecond: median(speeds),
      bestTokensPerSecond: Math.max(...speeds),
      rounds,
      tokensPerSecondAtBandwidth: median(rounds.map(({ bandwidth }) => bandwidth / weightBytes)),
      share: median(rounds.map(({ tokensPerSecond, bandwidth }) => tokensPerSecond * weightBytes / bandwidth)),
    });
  }
  if (flags.json) return console.log(JSON.stringify({ machine, results }, null, 2));
  console.log(`${formatMachine(machine)}\n\n${formatResults(results)}`);
}

function bytesPerToken({ config }: LmShape, weightsDtype: WeightsDType): number {
  if (weightsDtype !== "f32") {
    const { bytes } = new Transformer(config, { weightsDtype }).parameters;
    return bytes -
      (config.tieEmbeddings ? 0 : QuantizedTensor.bytesOf([config.vocabSize, config.dModel], weightsDtype));
  }
  const items = parameterItems(config).filter(({ name }) => name !== "embeddings");
  return 4 * items.reduce((sum, { count }) => sum + count, 0);
}

/** Each text's first token, which waits for the prompt, is left out; one text comes before all others. */
async function measureRounds(backend: Backend, { config }: LmShape, flags: Flags<typeof FLAGS>): Promise<Round[]> {
  const model = new Transformer(config, { weightsDtype: flags["weights-dtype"] });
  using generator = await TextGenerator.create(backend, model);
  await writeWeights(backend, model, benchWeights(1));
  const sampling = { temperature: flags.temperature, topP: flags["top-p"], maxTokens: config.contextLength };
  const rounds: Round[] = [];
  for (let round = 0; round <= flags.rounds; round++) {
    const { bandwidth } = await measureBandwidth(backend);
    let tokens = -1;
    let start = 0;
    for await (const _ of generator.generate([0], { ...sampling, seed: round })) {
      if (++tokens === 0) start = performance.now();
    }
    rounds.push({ tokensPerSecond: tokens * 1000 / (performance.now() - start), bandwidth });
  }
  return rounds.slice(1);
}

function formatResults(results: readonly GenerateResult[]): string {
  const header = ["shape", "weights", "tokens/s", "best", "a token", "at bandwidth", "share"];
  const rows = results.map((result) => [
    result.shape,
    formatSi(result.weightBytes, "B"),
    formatCount(result.tokensPerSecond),
    formatCount(result.bestTokensPerSecond),
    formatDuration(1 / result.tokensPerSecond),
    formatCount(result.tokensPerSecondAtBandwidth),
    formatShare(result.share),
  ]);
  return formatTable(header, rows);
}
