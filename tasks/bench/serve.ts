/**
 * Measures the server: many requests over loopback.
 *
 *   deno task bench serve --shapes small
 */
import { formatTable } from "../../lib/accounting/table.ts";
import { formatCount, formatDuration } from "../../lib/accounting/units.ts";
import type { Backend } from "../../lib/backend/backend.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { BatchedModel } from "../../lib/run/batched_model.ts";
import { trainBpe } from "../../lib/tokenizer/mod.ts";
import { startBackend } from "../cli/backend.ts";
import { describeError, UserError } from "../cli/errors.ts";
import type { Flags } from "../cli/flags.ts";
import { WEIGHTS_DTYPE_FLAG } from "../cli/load_run.ts";
import { REPEATS, WORKERS_FLAG } from "../cli/measuring_flags.ts";
import { runTask } from "../cli/run.ts";
import { serveHandler } from "../serve/handler.ts";
import { now } from "../serve/text_service.ts";
import { benchWeights } from "./bench_weights.ts";
import { type LoadResult, sendLoad } from "./load.ts";
import { DEFAULT_LM_SHAPES, LM_SHAPES_HELP, type LmShape, namedLmShapes } from "./lm_shapes.ts";
import { describeMachine, formatMachine } from "./machine.ts";

const HELP = `
Measures the server with requests over loopback, all from this process: one at a time, as many at once as it has slots, and
then many more than that. Fails if a request does not bring all of its tokens.

  deno task bench serve --shapes medium --requests 1000

  --shapes NAME,NAME  Models (default: ${DEFAULT_LM_SHAPES})
  --requests N        Requests of the last part; the others have a tenth (default: 1000)
  --at-once N         Requests under way in the last part (default: 64)
  --max-tokens N      Tokens of each (default: 16)
  --slots N           As for deno task serve
  --weights-dtype NAME  As for deno task generate (default: f32)
  --backend NAME      auto, webgpu, native or wasm (default: auto)
  --workers N         Workers of wasm or native (default: one for each core)
  --json              All numbers instead of a table.

Shapes
${LM_SHAPES_HELP}

p50 and p99 are the times from a request to the end of its answer: of half of the requests, and of all but one in a hundred.
`;

const FLAGS = {
  shapes: { type: "string", default: DEFAULT_LM_SHAPES },
  requests: { ...REPEATS, default: 1000 },
  "at-once": { type: "integer", default: 64, min: 1, max: 1000 },
  "max-tokens": { type: "integer", default: 16, min: 1 },
  slots: { type: "integer", min: 1 },
  "weights-dtype": WEIGHTS_DTYPE_FLAG,
  backend: { type: "string", default: "auto", choices: ["auto", "webgpu", "native", "wasm"] },
  workers: WORKERS_FLAG,
  json: { type: "boolean" },
} as const;

/** A line of the table. */
interface ServeResult extends LoadResult {
  readonly shape: string;
}

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "bench serve", help: HELP, flags: FLAGS }, args, benchServe);
}

async function benchServe(flags: Flags<typeof FLAGS>): Promise<void> {
  const shapes = namedLmShapes("bench serve", flags.shapes);
  await using backend = await startBackend(flags.backend, { workers: flags.workers });
  const machine = describeMachine(backend);
  console.error(formatMachine(machine));
  const results: ServeResult[] = [];
  for (const [shape, { config }] of shapes) {
    console.error(`serving ${shape} …`);
    results.push(...(await measure(backend, config, flags)).map((result) => ({ shape, ...result })));
  }
  if (flags.json) console.log(JSON.stringify({ machine, results }, null, 2));
  else console.log(`${formatMachine(machine)}\n\n${formatResults(results)}`);
  const lost = results.reduce((sum, result) => sum + result.lost, 0);
  if (lost === 0) return;
  throw new UserError(
    `Cannot rely on the server: got ${lost} requests without all of their tokens, must be none. See what it printed above`,
  );
}

async function measure(backend: Backend, config: LmShape["config"], flags: Flags<typeof FLAGS>): Promise<LoadResult[]> {
  const { requests, "at-once": atOnce, "max-tokens": maxTokens, slots } = flags;
  const model = new Transformer(config, { weightsDtype: flags["weights-dtype"] });
  // Every token is a byte: there is nothing to learn from so little text.
  const tokenizer = await trainBpe("a", { vocabSize: 256, specialTokens: [] });
  const files = { model, tokenizer, weights: benchWeights(1), stopIds: [] };
  await using loaded = await BatchedModel.load(backend, files, { slots, maxQueued: atOnce });
  const handler = serveHandler({
    model: { id: "bench", loaded, template: undefined, created: now() },
    apiKey: undefined,
    port: () => server.addr.port,
    report: (error) => console.error(describeError(error)),
  });
  const server: Deno.HttpServer<Deno.NetAddr> = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    handler,
  );
  try {
    const url = `http://127.0.0.1:${server.addr.port}`;
    const few = Math.ceil(requests / 10);
    const several = loaded.engine.slots;
    // The first requests find nothing warm.
    await sendLoad({ url, requests: several, atOnce: several, maxTokens });
    return [
      await sendLoad({ url, requests: few, atOnce: 1, maxTokens }),
      await sendLoad({ url, requests: few, atOnce: several, maxTokens }),
      await sendLoad({ url, requests, atOnce, maxTokens }),
    ];
  } finally {
    await server.shutdown();
  }
}

function formatResults(results: readonly ServeResult[]): string {
  const header = ["shape", "requests", "at once", "lost", "p50", "p99", "requests/s", "tokens/s"];
  const rows = results.map((result) => [
    result.shape,
    formatCount(result.requests),
    formatCount(result.atOnce),
    formatCount(result.lost),
    formatDuration(result.p50),
    formatDuration(result.p99),
    formatCount(result.requestsPerSecond),
    formatCount(result.tokensPerSecond),
  ]);
  return formatTable(header, rows);
}
