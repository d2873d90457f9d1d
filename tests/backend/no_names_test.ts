import { assertEquals } from "@std/assert";
import { filesUnder } from "../harness/source_files.ts";

/** Where a backend is asked for by name, it is made by name. */
const MAKES_BACKENDS = "lib/backend/select.ts";

/** Decisions by a backend's name, whichever it is. */
const NAME_DECIDES = [
  /\bbackend\.name\s*(?:[!=]==?|in\b)/i,
  /[!=]==?\s*\w*backend\.name\b/i,
  /\[[\w.#]*backend\.name\](?!\s*=[^=])/i,
  /switch \(\w*backend\.name\)/i,
];

/** The same with a name as a word, or with the class of that name. */
const KIND_DECIDES = [
  ...NAME_DECIDES,
  /(?:[!=]==?|\bcase)\s*"(?:webgpu|wasm|native|reference)"/,
  /\binstanceof \w*Backend\b/,
];

for (const [folder, patterns] of [["lib", KIND_DECIDES], ["tasks", NAME_DECIDES]] as const) {
  Deno.test(`nothing in ${folder} depends on a backend's name: its capabilities say what it can do`, () => {
    const found: string[] = [];
    for (const { path, text } of filesUnder(folder)) {
      if (path === MAKES_BACKENDS) continue;
      for (const [i, line] of text.split("\n").entries()) {
        if (patterns.some((pattern) => pattern.test(line))) found.push(`${path}:${i + 1}: ${line.trim()}`);
      }
    }
    assertEquals(found, []);
  });
}

Deno.test("decisions by name are seen in any of their forms", () => {
  const forms = [
    'if (backend.name === "webgpu") return;',
    'if ("webgpu" !== backend.name) return;',
    "const most = MOST[this.#backend.name];",
    "switch (backend.name) {",
    '    case "wasm":',
    'const isHost = name === "wasm";',
    "if (backend instanceof WebGpuBackend) return;",
  ];
  assertEquals(forms.filter((form) => !KIND_DECIDES.some((pattern) => pattern.test(form))), []);
});
