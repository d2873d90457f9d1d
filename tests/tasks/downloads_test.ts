import { assert, assertEquals } from "@std/assert";
import project from "../../deno.json" with { type: "json" };
import { DECLARED_TASKS } from "../harness/run_task.ts";

const ROOT = new URL("../..", import.meta.url);
const REGISTRY = Deno.env.get("NPM_CONFIG_REGISTRY") ?? "https://registry.npmjs.org";

/** What chat templates are made into text with; fetched once there is one. */
const TEMPLATES = "@huggingface/jinja";
/** What a task may need beside the progress bar and the plotting library of report pages. */
const EXTRA: Readonly<Record<string, readonly string[]>> = {
  account: ["vega"],
  bench: [TEMPLATES, "jstat"],
  "build-kernels": ["assemblyscript"],
  chat: [TEMPLATES],
  demo: [TEMPLATES],
  evaluate: [TEMPLATES],
  serve: [TEMPLATES],
  sweep: [TEMPLATES],
  "train-lm": [TEMPLATES],
};
/** What tasks that read texts import, and fetch, once there is a Parquet file. */
const PARQUET = ["hyparquet", "hyparquet-compressors"];
const READS_TEXTS = ["compare-tokenizers", "count", "data", "demo", "encode", "evaluate", "generate", "train-bpe"];
const EVERYWHERE = ["cli-progress", "@types/cli-progress", "picomatch", "@types/picomatch", "uplot"];

/** Names of the npm packages that a module's graph imports. */
async function packagesOf(script: string): Promise<string[]> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--lock=deno.lock", script],
    cwd: ROOT,
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as { modules: { npmPackage?: string }[] };
  const names = modules.flatMap(({ npmPackage }) => npmPackage === undefined ? [] : npmPackage.replace(/@[^@]*$/, ""));
  return [...new Set(names)];
}

async function bytesBelow(directory: string): Promise<number> {
  let bytes = 0;
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    const path = `${directory}/${name}`;
    bytes += isDirectory ? await bytesBelow(path) : (await Deno.stat(path)).size;
  }
  return bytes;
}

Deno.test("a task needs no package that only tests, plots or the building of kernels use", async (t) => {
  const needs = await Promise.all(
    [...DECLARED_TASKS].map(async ([name, { script }]) => [name, await packagesOf(script)] as const),
  );
  for (const [name, packages] of needs) {
    await t.step(name, () => {
      const others = packages.filter((used) => !EVERYWHERE.includes(used));
      const extra = [...EXTRA[name] ?? [], ...(READS_TEXTS.includes(name) ? PARQUET : [])];
      assertEquals(others.toSorted(), extra);
    });
  }
});

Deno.test("deno task itself fetches nothing: there is no package under imports, and no lock that it reads", () => {
  // Before it runs anything, it fetches all packages in "imports" and all in the lock file.
  assertEquals(Object.values<string>(project.imports).filter((specifier) => !specifier.startsWith("jsr:@std/")), []);
  assertEquals(project.lock, false);
  for (const [name, { flags }] of DECLARED_TASKS) assertEquals(flags[0], "--lock=deno.lock", name);
});

Deno.test("every npm package has one version: what runs without the lock is what runs with it", () => {
  for (const [name, specifier] of Object.values<Record<string, string>>(project.scopes).flatMap(Object.entries)) {
    assert(/^npm:\/?(@?[a-z/-]+)@\d+\.\d+\.\d+(\/.*)?$/.test(specifier), `${name}: ${specifier}`);
  }
});

const isOnline = await fetch(REGISTRY).then(async ({ body }) => (await body?.cancel(), true), () => false);

Deno.test({
  name: "the demo on a machine that has nothing but Deno fetches less than 2 MB",
  ignore: !isOnline,
  fn: async () => {
    const dir = await Deno.makeTempDir();
    try {
      const { code, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["task", "demo", "--steps", "1", "--out", `${dir}/demo`],
        cwd: ROOT,
        env: { DENO_DIR: `${dir}/deno` },
      }).output();
      assertEquals(code, 0, new TextDecoder().decode(stderr));
      // What else lies there is what Deno made of the project's own code.
      assert((await Array.fromAsync(Deno.readDir(`${dir}/deno`))).every(({ name }) => name !== "remote"));
      const bytes = await bytesBelow(`${dir}/deno/npm`);
      assert(bytes < 2e6, `${bytes} bytes`);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});
