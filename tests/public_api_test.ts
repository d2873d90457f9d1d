import { assert, assertEquals } from "@std/assert";
import { exportedModules, publishedFiles, ROOT } from "./harness/published_files.ts";

const exported = await exportedModules();

/** What a `deno` command prints, in the project's root. */
async function deno(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  assert(success, `deno ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

Deno.test("every room with a mod.ts is exported: `deno task ok` lints the documentation of just these", async () => {
  const rooms: string[] = [];
  for await (const { name } of Deno.readDir(new URL("lib/", ROOT))) {
    const path = `lib/${name}/mod.ts`;
    if (await Deno.stat(new URL(path, ROOT)).then(() => true, () => false)) rooms.push(path);
  }
  assertEquals([...exported.values()].sort(), ["mod.ts", ...rooms].sort());
});

Deno.test("every exported symbol is documented, and so is every type that it refers to", async () => {
  await deno("doc", "--lint", ...exported.values());
});

Deno.test("no exported name is the language's or the platform's own", async () => {
  const { nodes } = JSON.parse(await deno("doc", "--json", ...exported.values()));
  const modules: { symbols: { name: string }[] }[] = Object.values(nodes);
  // Types alone, which no object at run time has the names of.
  const types = [
    "Generator",
    "AsyncGenerator",
    "AsyncIterator",
    "Iterable",
    "PromiseLike",
    "ArrayLike",
    "Partial",
    "Pick",
  ];
  const names = new Set(modules.flatMap(({ symbols }) => symbols.map(({ name }) => name)));
  assert(names.size > 100, `${names.size} names`);
  assertEquals([...names].filter((name) => name in globalThis || types.includes(name)), []);
});

Deno.test("mod.ts has 60 names at most, none of its own", async () => {
  const { nodes } = JSON.parse(await deno("doc", "--json", "mod.ts"));
  const [module]: { symbols: { name: string }[] }[] = Object.values(nodes);
  const names = module.symbols.map(({ name }) => name);
  assert(names.length > 0 && names.length <= 60, `${names.length} names`);
  // Nothing but re-exports.
  const rest = (await Deno.readTextFile(new URL("mod.ts", ROOT)))
    .replaceAll(/\/\*[^]*?\*\/|\/\/.*|export (type )?\{[^}]*\} from "\.\/lib\/[^"]+";/g, "");
  assertEquals(rest.trim(), "");
});

Deno.test("what is published is complete: it refers to itself and to node: alone", async () => {
  const files = new Set(await publishedFiles());
  for (const path of exported.values()) assert(files.has(path), `${path} is not published`);
  const references = /^(?:import|export|\}).* from "(.+?)"|^(?! *\*).*new URL\("(.+?)", import\.meta\.url\)/gm;
  let seen = 0;
  for (const path of files) {
    if (!path.endsWith(".ts")) continue;
    const source = await Deno.readTextFile(new URL(path, ROOT));
    for (const [, imported, loaded] of source.matchAll(references)) {
      const specifier = imported ?? loaded;
      if (specifier.startsWith("node:")) continue;
      seen++;
      const target = new URL(specifier, new URL(path, ROOT)).href;
      assert(specifier.startsWith("."), `${path} imports ${specifier} by a bare name`);
      assert(files.has(target.slice(ROOT.href.length)), `${path} refers to ${specifier}, which is not published`);
    }
  }
  assert(seen > files.size, `${seen} references`);
  // What only the project itself needs; the README's picture is not.
  const own = [...files].filter((path) =>
    /^(tasks|tests|data\/(?!demo_loss\.png$)|lib\/std|kernels\/README|kernels\/simd\/(?!.*\.b64$))/.test(path)
  );
  assertEquals(own, []);
});
