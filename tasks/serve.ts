/**
 * Serves a trained model by OpenAI's API.
 *
 *   deno task serve --run RUN
 */
import { BatchedModel } from "../lib/run/batched_model.ts";
import { plainPath } from "../lib/io/parent_of.ts";
import { CHAT_TEMPLATE_FLAG, findChatTemplate, TEMPLATE_NAMES } from "./chat/find_template.ts";
import { startBackend } from "./cli/backend.ts";
import { describeError, UsageError } from "./cli/errors.ts";
import type { Flags } from "./cli/flags.ts";
import { untilInterrupted } from "./cli/interrupt.ts";
import { listen, requireHost } from "./cli/listen.ts";
import { loadRun, WEIGHTS_DTYPE_FLAG } from "./cli/load_run.ts";
import { runProgram } from "./cli/program.ts";
import { runTask } from "./cli/run.ts";
import { LOCAL, randomToken } from "./dashboard/access.ts";
import { addressesOf } from "./dashboard/addresses.ts";
import { serveHandler } from "./serve/handler.ts";
import { now } from "./serve/text_service.ts";

const DEFAULT_PORT = 8000;

/** How long answers in progress may still take once the server is to stop, in milliseconds. */
const GRACE_MS = 10_000;

const HELP = `
Serves a trained model by OpenAI's API: /v1/models, /v1/completions and, for a model with a chat template,
/v1/chat/completions. Requests are continued together, and join and leave between tokens. /health and /metrics are for
whoever runs it. Only this machine can reach it, unless --host says otherwise. Ctrl-C ends it: answers in progress get
${GRACE_MS / 1000} seconds more; the exit code is then 0.

  deno task serve --run out/run
  deno task serve --run out/run --host 0.0.0.0 --api-key KEY

Model
  --run RUN          A run directory with a tokenizer. Requests call the model by the directory's name.
  --weights WHICH    last, or best: those with the lowest validation loss (default: last)
  --weights-dtype NAME  What weights are kept in: f32, bf16 or int8, as for deno task generate (default: f32)
  --chat-template NAME|FILE  The template that turns conversations into text: ${TEMPLATE_NAMES}, or a file in Jinja's
                     language (default: the model's own, if it has one)
  --backend NAME     auto, webgpu, native or wasm (default: auto)

Requests
  --slots N          Texts that are continued at once; each takes memory for its context (default: 8, or the most that
                     the backend is good at)
  --max-queued N     Texts that may wait for a slot; more are refused with status 429 (default: 64)

Access
  --port N           The port; 0 for any free one (default: ${DEFAULT_PORT}, or any if that is taken)
  --host ADDRESS     Serve other machines too: 0.0.0.0 for every IPv4 address of this machine. Without --api-key, a key
                     is made and printed. The connection is not encrypted.
  --api-key KEY      What requests must bring, as OpenAI's clients send it (default: none on this machine)
`;

const FLAGS = {
  run: { type: "string", required: true },
  weights: { type: "string", default: "last", choices: ["last", "best"] },
  "weights-dtype": WEIGHTS_DTYPE_FLAG,
  "chat-template": CHAT_TEMPLATE_FLAG,
  backend: { type: "string", default: "auto", choices: ["auto", "webgpu", "native", "wasm"] },
  slots: { type: "integer", min: 1 },
  "max-queued": { type: "integer", min: 0 },
  port: { type: "integer", min: 0, max: 65535 },
  host: { type: "string" },
  "api-key": { type: "string" },
} as const;

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "serve", help: HELP, flags: FLAGS }, args, serve);
}

async function serve(flags: Flags<typeof FLAGS>): Promise<void> {
  const { host, "api-key": given } = flags;
  requireHost("serve", host);
  if (given !== undefined && !/^[\x21-\x7e]+$/.test(given)) {
    throw new UsageError(
      "Cannot run serve: got --api-key with blanks or other than ASCII, must be what a header can hold",
    );
  }
  const run = await loadRun(flags.run, flags.weights, flags["weights-dtype"]);
  const template = await findChatTemplate(run.tokenizer, flags["chat-template"]);
  await untilInterrupted(async (signal) => {
    await using backend = await startBackend(flags.backend);
    await using loaded = await BatchedModel.load(backend, run, { slots: flags.slots, maxQueued: flags["max-queued"] });
    const id = plainPath(flags.run).split(/[/\\]/).at(-1)!;
    const apiKey = given ?? (host === undefined ? undefined : randomToken());
    const cut = new AbortController();
    const handler = serveHandler({
      model: { id, loaded, template, created: now() },
      apiKey,
      port: () => server.addr.port,
      isStopping: () => signal.aborted,
      report: (error) => console.error(describeError(error)),
    });
    const hostname = host ?? LOCAL.hostname;
    const server: Deno.HttpServer<Deno.NetAddr> = listen({
      hostname,
      port: flags.port,
      defaultPort: DEFAULT_PORT,
      handler,
      signal: cut.signal,
    });
    for (const address of addressesOf({ hostname }, server.addr.port)) console.log(`${address}v1`);
    if (host !== undefined) console.error("The connection is not encrypted: use it only on networks you trust");
    if (given === undefined && apiKey !== undefined) console.log(`API key: ${apiKey}`);
    if (template === undefined) {
      console.error(`${id} has no chat template: /v1/chat/completions is refused, see --chat-template`);
    }
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    await stop(server, loaded, cut);
  });
}

/** Takes no more connections; ends what is in progress once it had its time. */
async function stop(server: Deno.HttpServer, loaded: BatchedModel, cut: AbortController): Promise<void> {
  const ended = server.shutdown();
  const timer = setTimeout(() => {
    cut.abort();
    loaded.engine[Symbol.asyncDispose]().catch((error) => console.error(describeError(error)));
  }, GRACE_MS);
  await Promise.allSettled([ended, server.finished]);
  clearTimeout(timer);
}

if (import.meta.main) await runProgram(main);
