import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { nameOf, parentOf, plainPath } from "../../lib/io/parent_of.ts";

Deno.test("what says nothing in a path hides neither its name nor its parent", () => {
  for (const path of ["a/b", "/a/b", "a", "/a", "./a", "../a", "a/..", "..", ".", "/", "a/.b", "a/b.", "a/..."]) {
    assertEquals(plainPath(path), path);
    for (const more of ["/", "//", "/.", "/./", "/././/."]) assertEquals(plainPath(path + more), path);
  }
  const noise = fc.constantFrom("/", "//", "/./", "/.//./");
  const names = fc.array(fc.stringMatching(/^[a-z. ]{1,5}$/).filter((name) => name !== "."), { minLength: 1 });
  fc.assert(
    fc.property(names, fc.array(noise, { minLength: 9, maxLength: 9 }), fc.boolean(), (names, noises, isAbsolute) => {
      const written = names.map((name, i) => `${name}${noises[i % noises.length]}`).join("");
      const root = isAbsolute ? "/" : "";
      const plain = plainPath(root + written);
      assertEquals(plain, root + names.join("/"));
      assertEquals(nameOf(plain), names.at(-1));
      assertEquals(parentOf(plain), names.length > 1 ? root + names.slice(0, -1).join("/") : root || ".");
    }),
    { seed: 1 },
  );
});
