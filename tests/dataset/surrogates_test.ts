// Halves of surrogate pairs in JSON Lines, which UTF-8 cannot hold: said, once for each input.
import { assertEquals, assertMatch } from "@std/assert";
import { gzipSync } from "node:zlib";
import { encodeParts, wholeInputs } from "../../lib/corpus/encode/encode_parts.ts";
import { encodeShards } from "../../lib/corpus/encode/encode_shards.ts";
import { expandInputs } from "../../lib/corpus/expand_inputs.ts";
import { textSourceOf } from "../../lib/corpus/text_inputs.ts";
import { trainBpe } from "../../lib/corpus/train_bpe.ts";

const tokenizer = await trainBpe("the cat sat on the mat", { vocabSize: 258 });
const ODD = String.raw`{"text":"\ud800 x"}` + "\n" + String.raw`{"text":"y \udc00\ud83d"}` + "\n";
const WHOLE = String.raw`{"text":"\ud83d\ude00 🙂 � x","other":"\ud800"}` + "\n";

Deno.test("half a surrogate pair in JSON Lines is warned of once for each input, and whole pairs never", async () => {
  const dir = await Deno.makeTempDir();
  try {
    for (const [name, lines] of Object.entries({ odd: ODD.repeat(20), whole: WHOLE.repeat(20) })) {
      await Deno.writeTextFile(`${dir}/${name}.jsonl`, lines);
      await Deno.writeFile(`${dir}/${name}.jsonl.gz`, new Uint8Array(gzipSync(lines)));
    }
    const files = ["odd.jsonl", "odd.jsonl.gz", "whole.jsonl", "whole.jsonl.gz"].map((name) => `${dir}/${name}`);
    const inputs = await expandInputs(files);
    const warned: string[] = [];
    const onWarning = (message: string) => warned.push(message);
    const check = (names: readonly string[]) => {
      assertEquals(warned.length, names.length);
      for (const [i, name] of names.entries()) {
        assertMatch(warned[i], /surrogate.* U\+FFFD/);
        assertEquals(warned[i].startsWith(`${name} `), true, warned[i]);
      }
      warned.length = 0;
    };
    await Array.fromAsync(encodeParts(tokenizer, wholeInputs(inputs), { onWarning }));
    check(files.slice(0, 2));
    await encodeShards(tokenizer, inputs, `${dir}/s`, { size: { shardBytes: 100 }, onWarning });
    check(files.slice(0, 2));
    const stdin = ReadableStream.from([new TextEncoder().encode(ODD)]);
    const source = textSourceOf({ path: "-", isGzip: false, isJsonLines: true }, { stdin, onWarning });
    if (typeof source === "object" && "texts" in source) await Array.fromAsync(source.texts);
    check(["standard input"]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
