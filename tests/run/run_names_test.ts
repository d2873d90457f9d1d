import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { distinguishingNames } from "../../lib/run/run_names.ts";

Deno.test("run names lose the directories that all share, and no more", () => {
  assertEquals(distinguishingNames(["out/sweep/lr-1e-3", "out/sweep/lr-3e-3"]), ["lr-1e-3", "lr-3e-3"]);
  assertEquals(distinguishingNames(["/a/b/run", "/a/c/run"]), ["b/run", "c/run"]);
  assertEquals(distinguishingNames(["out", "out/run"]), ["out", "out/run"]);
  assertEquals(distinguishingNames(["out/run"]), ["out/run"]);
});

Deno.test("run names end their paths, are never empty, and differ where the paths do", () => {
  const path = fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
  fc.assert(
    fc.property(fc.uniqueArray(path, { minLength: 1, maxLength: 4 }), (paths) => {
      const names = distinguishingNames(paths);
      assertEquals(new Set(names).size, paths.length);
      names.forEach((name, i) => assert(name !== "" && `/${paths[i]}`.endsWith(`/${name}`), name));
    }),
    { seed: 7, numRuns: 200 },
  );
});
