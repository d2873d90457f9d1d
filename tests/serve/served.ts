// A small model with random weights, served in this process.
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { writeSafetensors } from "../../lib/formats/safetensors.ts";
import { TextGenerator } from "../../lib/generate/generator.ts";
import { parameterSpecs } from "../../lib/model/parameters.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights, writeWeights } from "../../lib/model/weights.ts";
import { BatchedModel } from "../../lib/run/batched_model.ts";
import { loadRun } from "../../lib/run/load_run.ts";
import { saveTokenizer, trainBpe } from "../../lib/tokenizer/mod.ts";
import { findChatTemplate } from "../../tasks/chat/find_template.ts";
import { serveHandler, type ServeOptions } from "../../tasks/serve/handler.ts";

const TEXT = "the cat sat on the mat, the dog sat on the log. ".repeat(8);

const SPECIAL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

/** What requests call the model. */
export const MODEL_ID = "small";

/** A run directory as train-lm leaves it, with weights that were not trained. */
export async function writeRun(directory: string, contextLength = 96): Promise<void> {
  const tokenizer = await trainBpe(TEXT, { vocabSize: 274, specialTokens: SPECIAL_TOKENS });
  await saveTokenizer(tokenizer, directory);
  const { vocabSize } = tokenizer;
  const model = { contextLength, dModel: 16, numLayers: 1, numHeads: 2, dFf: 20, ropeTheta: 10000, vocabSize };
  await Deno.writeTextFile(`${directory}/config.json`, JSON.stringify({ model }));
  const weights = initialWeights(model, 3);
  const tensors = parameterSpecs(model).map(({ name, shape }) => ({
    name,
    dtype: "F32" as const,
    shape,
    data: async () => await weights(name, shape),
  }));
  await writeSafetensors(`${directory}/model.safetensors`, tensors);
}

/** How a test's server differs from the usual one. */
export interface ServedOptions extends Partial<Omit<ServeOptions, "model" | "port">> {
  readonly slots?: number;
  readonly maxQueued?: number;
  /** Default: `chatml`. */
  readonly template?: "none";
}

/** A server, and what is behind it. */
export interface Served extends AsyncDisposable {
  readonly url: string;
  readonly loaded: BatchedModel;
  readonly handler: (request: Request) => Promise<Response>;
  /** Bugs that were reported. */
  readonly reported: readonly unknown[];
}

/** Serves on any free port of this machine. */
export async function serveSmall(options: ServedOptions = {}): Promise<Served> {
  await using owned = new AsyncDisposableStack();
  const directory = await Deno.makeTempDir();
  owned.defer(() => Deno.remove(directory, { recursive: true }));
  await writeRun(directory);
  const run = await loadRun(directory);
  const backend = owned.use(await createWasmBackend({ workers: 1 }));
  const { slots = 4, maxQueued = 8, apiKey, template, ...others } = options;
  const loaded = owned.use(await BatchedModel.load(backend, run, { slots, maxQueued }));
  const chat = template === "none" ? undefined : await findChatTemplate(run.tokenizer, "chatml");
  const reported: unknown[] = [];
  const handler = serveHandler({
    model: { id: MODEL_ID, loaded, template: chat, created: 1 },
    apiKey,
    port: () => server.addr.port,
    report: (error) => reported.push(error),
    ...others,
  });
  const server: Deno.HttpServer<Deno.NetAddr> = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    handler,
  );
  owned.defer(() => server.shutdown());
  const kept = owned.move();
  const url = `http://127.0.0.1:${server.addr.port}`;
  return { url, loaded, handler, reported, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Sends JSON, or a text as it is. */
export async function post(url: string, body: unknown, init: RequestInit = {}): Promise<Response> {
  return await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...init.headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
    signal: init.signal,
  });
}

/** Resolves once no text is being continued, and none waits. Each look at it is a request, which takes its turn. */
export async function untilIdle({ url }: Served): Promise<void> {
  for (;;) {
    const { running, waiting } = await (await fetch(`${url}/health`)).json();
    if (running + waiting === 0) return;
  }
}

/** What the likeliest tokens after a prompt are, by the generator of one text, up to one of `stopIds`. */
export async function likeliestAfter(prompt: string, maxTokens: number, stopIds: readonly number[] = []) {
  const directory = await Deno.makeTempDir();
  try {
    await writeRun(directory);
    const { tokenizer, model: { config } } = await loadRun(directory);
    await using backend = await createWasmBackend({ workers: 1 });
    const model = new Transformer(config);
    using generator = await TextGenerator.create(backend, model);
    await writeWeights(backend, model, initialWeights(config, 3));
    const ids = generator.generate(tokenizer.encode(prompt), { maxTokens, temperature: 0, stopIds });
    return tokenizer.decode(Uint32Array.from(await Array.fromAsync(ids)));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
