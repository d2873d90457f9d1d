// WGSL functions that several kernels call are written once: kernels/wgsl/specialize.ts adds them to sources.
import { assert, assertEquals } from "@std/assert";

const FOLDER = new URL("../../kernels/wgsl/", import.meta.url);

/** The functions of a source but its entry point, each from its signature to its closing brace. */
function functionsOf(source: string): string[] {
  return (source.match(/^fn [^]*?^}$/gm) ?? []).filter((text) => !text.startsWith("fn main("));
}

Deno.test("no WGSL function is written in two files", () => {
  const places = new Map<string, string[]>();
  const files = [...Deno.readDirSync(FOLDER)].map(({ name }) => name).filter((name) => name.endsWith(".wgsl"));
  for (const file of files.toSorted()) {
    for (const text of functionsOf(Deno.readTextFileSync(new URL(file, FOLDER)))) {
      places.set(text, [...places.get(text) ?? [], file]);
    }
  }
  assert(places.size > 0, "no function was found");
  const repeated = [...places].filter(([, files]) => files.length > 1);
  assertEquals(repeated.map(([text, files]) => `${text.split("(")[0]}: ${files.join(", ")}`), []);
});
