import { assertEquals, assertMatch } from "@std/assert";

const ROOT = new URL("../", import.meta.url);

/** What a person without a checkout would write. */
const program = (url: string) => `
import {
  backward, compile, createBackend, crossEntropy, Graph, initialWeights, PRESETS, trainBpe, Transformer, writeWeights,
} from "${url}mod.ts";

const text = "the cat sat on the mat, the dog sat on the log. ".repeat(20);
const tokenizer = await trainBpe(text, { vocabSize: 262 });
const ids = tokenizer.encode(text);
if (tokenizer.decode(ids) !== text) throw new Error("round trip");

const model = new Transformer({ ...PRESETS.tiny, vocabSize: tokenizer.vocabSize, contextLength: 8, numLayers: 1 });
await using backend = await createBackend("wasm", { workers: 2 });
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
`;

Deno.test("mod.ts works when imported by URL, without an import map", async () => {
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const path = new URL(`.${new URL(request.url).pathname}`, ROOT);
    try {
      return new Response(await Deno.readFile(path), { headers: { "content-type": "application/typescript" } });
    } catch {
      return new Response("not found", { status: 404 });
    }
  });
  const host = `127.0.0.1:${server.addr.port}`;
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${dir}/main.ts`, program(`http://${host}/`));
    // Nothing is granted but the import itself: the library needs no other permission.
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-config", "--no-lock", "--check", `--allow-import=${host}`, "main.ts"],
      cwd: dir,
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    const [, loss, norm] = /^loss (\S+) gradient (\S+)/.exec(new TextDecoder().decode(stdout)) ?? [];
    assertMatch(loss, /^[45]\.\d+|^6\.\d+/);
    assertEquals(Number(norm) > 0 && Number(norm) < 100, true, `gradient norm ${norm}`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
