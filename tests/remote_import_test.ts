import { assertEquals, assertMatch } from "@std/assert";
import { exportedModules, publishedFiles, ROOT } from "./harness/published_files.ts";

/** What a user without a checkout would write; `from` says what stands for a subpath of the package. */
const program = (from: (subpath: string) => string) => `
import { createBackend, initialWeights, PRESETS, trainBpe, Transformer, writeWeights } from "${from(".")}";
import { parseTiktoken, Tokenizer } from "${from("./tokenizer")}";
import { fixedBatches, tokensInMemory } from "${from("./corpus")}";
import type { Backend } from "${from("./backend")}";
import { backward, compile, Graph } from "${from("./graph")}";
import { crossEntropy } from "${from("./ops")}";
import { type ModelConfig, parameterSpecs } from "${from("./model")}";
import { TRAINING_DEFAULTS, train } from "${from("./train")}";
import { scoreTokens } from "${from("./evaluate")}";
import { countProgram, predictTraining } from "${from("./accounting")}";

const text = "the cat sat on the mat, the dog sat on the log. ".repeat(20);
const tokenizer: Tokenizer = await trainBpe(text, { vocabSize: 262 });
const ids = tokenizer.encode(text);
if (tokenizer.decode(ids) !== text) throw new Error("round trip");

const config: ModelConfig = { ...PRESETS.tiny, vocabSize: tokenizer.vocabSize, contextLength: 8, numLayers: 1 };
const model = new Transformer(config);
await using backend: Backend = await createBackend("wasm", { workers: 2 });
const graph = new Graph();
const x = graph.input("x", [1, 8], { dtype: "u32" });
const targets = graph.input("targets", [1, 8], { dtype: "u32" });
const one = graph.input("one", [1]);
const loss = crossEntropy(graph, model.forward(graph, x), targets);
const head = backward(graph, loss, one).of(model.parameters.part("lm_head.weight"))!;
using compiled = await compile(backend, graph, { keep: [loss, head] });
await writeWeights(backend, model, initialWeights(model.config, 0));
await compiled.set(x, ids.subarray(0, 8)).set(targets, ids.subarray(1, 9)).set(one, [1]).run();
const gradient = await compiled.read(head);
console.log("loss", (await compiled.read(loss))[0], "gradient", Math.hypot(...gradient));

const source = tokensInMemory(ids);
const training = { ...TRAINING_DEFAULTS, steps: 2, batchSize: 2 };
const weights = initialWeights(config, 0);
const losses = await Array.fromAsync(train({ backend, model, config: training, weights, train: source }), (step) => step.loss);
const { nats, tokens } = await scoreTokens(backend, model, source);
const parameters = parameterSpecs(config).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b), 0);
const { forwardMatmul, uncounted } = countProgram(compiled.program);
console.log(JSON.stringify({
  steps: losses.length,
  scored: tokens === ids.length - 1 && nats > 0,
  counted: forwardMatmul > 0 && uncounted.length === 0,
  predicted: predictTraining({ ...config, tieEmbeddings: false }, { batchSize: 2 }).parameters === parameters,
  functions: [parseTiktoken, fixedBatches].map((f) => typeof f),
}));
`;

/** Runs a program in an empty directory. Nothing is granted but the import itself: the library needs no other permission. */
async function runAlone(source: string, host: string, env: Record<string, string> = {}): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${dir}/main.ts`, source);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-config", "--no-lock", "--check", `--allow-import=${host}`, "main.ts"],
      cwd: dir,
      // A cache of its own: what an earlier test served on the same port must not be used.
      env: { ...env, DENO_DIR: `${dir}/cache` },
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    const [first, second] = new TextDecoder().decode(stdout).split("\n");
    const [, loss, norm] = /^loss (\S+) gradient (\S+)/.exec(first) ?? [];
    assertMatch(loss, /^[45]\.\d+|^6\.\d+/);
    assertEquals(Number(norm) > 0 && Number(norm) < 100, true, `gradient norm ${norm}`);
    assertEquals(JSON.parse(second), {
      steps: 2,
      scored: true,
      counted: true,
      predicted: true,
      functions: ["function", "function"],
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const files = new Set(await publishedFiles());
const exported = await exportedModules();

/** Answers with a file that is published, and no other. */
async function serveFile(path: string): Promise<Response> {
  if (!files.has(path)) return new Response("not found", { status: 404 });
  const headers = { "content-type": path.endsWith(".ts") ? "application/typescript" : "text/plain" };
  return new Response(await Deno.readFile(new URL(path, ROOT)), { headers });
}

const SERVE = { port: 0, hostname: "127.0.0.1", onListen: () => {} };

Deno.test("each exported module works when imported by URL, without an import map", async () => {
  await using server = Deno.serve(SERVE, (request) => serveFile(new URL(request.url).pathname.slice(1)));
  const host = `127.0.0.1:${server.addr.port}`;
  await runAlone(program((subpath) => `http://${host}/${exported.get(subpath)}`), host);
});

Deno.test("the package works when imported from a registry", async () => {
  const { name, version, exports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  /** What JSR says of a package's files: https://jsr.io/docs/api. */
  const manifest = Object.fromEntries(
    await Promise.all([...files].map(async (path) => {
      const bytes = await Deno.readFile(new URL(path, ROOT));
      const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
      return [`/${path}`, { size: bytes.length, checksum: `sha256-${hash}` }];
    })),
  );
  await using server = Deno.serve(SERVE, (request) => {
    const path = decodeURIComponent(new URL(request.url).pathname);
    if (path === `/${name}/meta.json`) return Response.json({ versions: { [version]: {} } });
    if (path === `/${name}/${version}_meta.json`) return Response.json({ manifest, exports });
    return serveFile(path.slice(`/${name}/${version}/`.length));
  });
  const host = `127.0.0.1:${server.addr.port}`;
  const specifier = (subpath: string) => `jsr:${name}@${version}${subpath.slice(1)}`;
  await runAlone(program(specifier), host, { JSR_URL: `http://${host}/` });
});
