import { assert, assertEquals } from "@std/assert";
import { call, option, OptionError, say, UserError, Wording, wordingOf } from "../lib/errors.ts";
import { errorOf, failureOf } from "../lib/io/worker_failure.ts";
import { describeError } from "../tasks/cli/errors.ts";
import { flagOf, forTerminal, TERMINAL_SPELLING, WITHOUT_FLAG } from "../tasks/cli/wording.ts";
import { filesUnder } from "./harness/source_files.ts";

const REPLACE = { options: [option("replace", true)] };

Deno.test("a message calls an option as the API does, and a task prints its flag", () => {
  const wordings: readonly [Wording, api: string, terminal: string][] = [
    [say`Use a smaller ${option("batchSize")}`, "Use a smaller batchSize", "Use a smaller --batch-size"],
    [say`Clip (${option("clip", 1)})`, "Clip (clip: 1)", "Clip (--clip 1)"],
    [say`Use ${option("dtype", "f32")}`, 'Use dtype: "f32"', "Use --dtype f32"],
    [say`Or ${option("replace", true)}`, "Or replace: true", "Or --force"],
    [say`Or another ${option("directory")}`, "Or another directory", "Or another --out"],
    [say`Write it: ${call("encodeParts")}`, "Write it: encodeParts", "Write it: deno task encode"],
    [
      say`Write them: ${call("encodeShards", REPLACE)}`,
      "Write them: encodeShards with replace: true",
      "Write them: deno task encode --force",
    ],
    [
      say`Make it: ${call("saveTokenizer", { path: "a/b" })}`,
      "Make it: saveTokenizer",
      "Make it: deno task train-bpe --out a/b",
    ],
    [say`Call ${call("somethingElse")}`, "Call somethingElse", "Call somethingElse"],
    [say`${1} of ${say`${option("seed")}, ${2}`}`, "1 of seed, 2", "1 of --seed, 2"],
  ];
  for (const [wording, api, terminal] of wordings) {
    assertEquals([String(wording), forTerminal(wording)], [api, terminal]);
    for (const error of [new UserError(wording), new OptionError(wording)]) {
      assertEquals([error.message, describeError(error)], [api, `error: ${terminal}`]);
      const told = errorOf(structuredClone(failureOf(error)));
      assertEquals([told.message, describeError(told)], [api, `error: ${terminal}`], "from a worker");
    }
  }
});

Deno.test("what looks like an option in plain words, or in what they quote, stays as it is", () => {
  const quoted = say`Cannot read ${"clip: 1 batchSize"}: got clip`;
  assertEquals(forTerminal(quoted), "Cannot read clip: 1 batchSize: got clip");
  assertEquals(forTerminal(wordingOf(new UserError("Cannot read clip"))), "Cannot read clip");
});

Deno.test("nothing that lib says names a flag or a task", () => {
  const found: string[] = [];
  for (const { path, text } of libSources()) {
    for (const [i, line] of text.split("\n").entries()) {
      // A comment speaks to whoever changes the code.
      if (/^\s*(?:\/\/|\/?\*)/.test(line)) continue;
      if (/(?:^|(?<!=)\s|["'`(])--[a-z]|deno task/.test(line)) found.push(`${path}:${i + 1}: ${line.trim()}`);
    }
  }
  assertEquals(found, []);
});

Deno.test("each option that lib names is a flag of a task, and each function is one's work", () => {
  const flags = new Set<string>();
  for (const { text } of filesUnder("tasks")) {
    for (const [, quoted, plain] of text.matchAll(/(?:^|[{,])\s*(?:"([a-z][a-z-]*)"|([a-z]+)):/gm)) {
      flags.add(quoted ?? plain);
    }
  }
  const unknown: string[] = [];
  for (const { path, text } of libSources()) {
    for (const [, name] of text.matchAll(/\boption\("(\w+)"/g)) {
      if (WITHOUT_FLAG.includes(name)) continue;
      if (!flags.has(flagOf(name).slice("--".length))) unknown.push(`${path}: ${name}`);
    }
    for (const [, name] of text.matchAll(/\bcall\("(\w+)"/g)) {
      const told = TERMINAL_SPELLING.call(call(name, { path: "x" }));
      if (!told.startsWith("deno task ")) unknown.push(`${path}: ${name}`);
    }
  }
  assertEquals(unknown, []);
  assert(flags.has("batch-size") && !flags.has("batchSize"));
});

/** Our own stand-ins for @std speak of command lines, since they parse them. */
function libSources() {
  return filesUnder("lib").filter(({ path }) => !path.startsWith("lib/std/"));
}
