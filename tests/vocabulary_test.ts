import { assertEquals } from "@std/assert";
import { filesUnder } from "./harness/source_files.ts";

const READ = "Deno's read() gives null at the end of a file";
const MATCH = "exec() gives null where nothing matches";
const JSON_FILE = "null is what the file says";
const POINTER = "Deno has null for a pointer to address 0";
const SCOPE = "a GPU's error scope gives null if there was no error";

/** The files of lib that say `null`, and why they must: it is the word of a format or of the platform. */
const SAYS_NULL: Readonly<Record<string, string>> = {
  "lib/backend/native/native_function.ts": POINTER,
  "lib/backend/native/pages.ts": POINTER,
  "lib/backend/webgpu/failures.ts": SCOPE,
  "lib/backend/webgpu/matrices.ts": SCOPE,
  "lib/corpus/download/download.ts": READ,
  "lib/corpus/download/download_attempt.ts": "Headers.get() gives null for a header that is not there",
  "lib/corpus/download/download_state.ts": `${JSON_FILE}, and Headers.get() gives it`,
  "lib/corpus/download/http_request.ts": "URL.parse() and Headers.get() give null",
  "lib/corpus/encode/encode_parts.ts": JSON_FILE,
  "lib/corpus/encode/encode_shards.ts": JSON_FILE,
  "lib/corpus/examine_file.ts": READ,
  "lib/corpus/find_files.ts": "Deno.FileInfo has null for what the system does not tell",
  "lib/corpus/text_inputs.ts": READ,
  "lib/corpus/text_source.ts": READ,
  "lib/dataset/provenance.ts": JSON_FILE,
  "lib/dataset/python_literal.ts": "Python's None",
  "lib/dataset/shard_files.ts": MATCH,
  "lib/dataset/shard_index.ts": JSON_FILE,
  "lib/formats/tokenizer_config.ts": "JSON.stringify takes null for no replacer",
  "lib/generate/generated_text.ts": "then() may be given null for a callback",
  "lib/interchange/gguf/tokenizer_json.ts": JSON_FILE,
  "lib/interchange/huggingface/config_keys.ts": JSON_FILE,
  "lib/interchange/huggingface/write_config.ts": JSON_FILE,
  "lib/interchange/huggingface/write_model.ts": JSON_FILE,
  "lib/io/json_number.ts": JSON_FILE,
  "lib/io/positioned_file.ts": READ,
  "lib/io/sha256.ts": READ,
  "lib/io/temporary.ts": MATCH,
  "lib/run/checkpoint_record.ts": JSON_FILE,
  "lib/run/config_fields.ts": JSON_FILE,
  "lib/run/metrics_follower.ts": READ,
  "lib/run/metrics_reader.ts": READ,
  "lib/std/cli/mod.ts": MATCH,
  "lib/std/testing/time.ts": "@std/testing's own FakeTime takes null",
  "lib/tokenizer/vocabulary/normalizer_json.ts": JSON_FILE,
  "lib/tokenizer/vocabulary/post_processor_json.ts": JSON_FILE,
  "lib/tokenizer/vocabulary/sentence_piece_json.ts": JSON_FILE,
  "lib/tokenizer/vocabulary/tokenizer_json.ts": JSON_FILE,
  "lib/tokenizer/vocabulary/tokenizer_json_keys.ts": JSON_FILE,
};

Deno.test("lib says undefined, and null only where a format or the platform does", () => {
  const found = Array.from(filesUnder("lib")).filter(({ text }) => saysNull(text)).map(({ path }) => path).sort();
  assertEquals(found, Object.keys(SAYS_NULL).sort());
});

Deno.test("what counts as saying null", () => {
  const silent = [
    "// null",
    " * `null` if there is none",
    "f(x); // null",
    'if (typeof x === "object" && x !== null) y();',
    "Object.create(null)",
    "JSON.stringify({ a }, null, 2)",
    "const nullable = nulls;",
  ];
  for (const line of silent) assertEquals(saysNull(line), false, line);
  for (const line of ["return null;", "x?: string | null;", "x ?? null // none", 'refuse("null or 0")']) {
    assertEquals(saysNull(line), true, line);
  }
});

/** Whether a source says `null` outside of comments and of what the language has no other word for. */
function saysNull(source: string): boolean {
  return source.split("\n").some((line) => {
    // A comment may speak of the null of a file.
    if (/^\s*(?:\/\/|\/?\*)/.test(line)) return false;
    const code = line.replace(/\s\/\/ .*$/, "")
      .replaceAll(/=== "object" && \w+ !== null/g, "")
      .replaceAll("Object.create(null)", "")
      .replaceAll(/, null, 2\)/g, "");
    return /\bnull\b/.test(code);
  });
}
