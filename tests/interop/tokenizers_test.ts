// Real tokenizers against their own libraries, on hostile texts and in 32 languages. They are not in this repository:
// real_tokenizers.py says how to get them, and then
//   BYTELM_INTEROP=1 BYTELM_INTEROP_DIR=interop deno test -A tests/interop
import { assert, assertEquals } from "@std/assert";
import { saveTokenizer } from "../../lib/formats/tokenizer_dir.ts";
import { loadTokenizer, type Tokenizer } from "../../lib/tokenizer/mod.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

interface Recorded {
  readonly file: string;
  readonly texts: readonly { readonly kind: string; readonly b64: string; readonly ids: readonly number[] | null }[];
}

const isWanted = Deno.env.get("BYTELM_INTEROP") === "1";
const DIR = Deno.env.get("BYTELM_INTEROP_DIR") ?? "interop";
const names = !isWanted ? [] : Array.from(Deno.readDirSync(DIR), ({ name }) => name)
  .filter((name) => name !== "packages").sort();

/** How many texts of each kind have the ids that were recorded. */
function countEqual(tokenizer: Tokenizer, { texts }: Recorded): Record<string, string> {
  const counts: Record<string, [equal: number, all: number]> = {};
  for (const { kind, b64, ids } of texts) {
    const bytes = Uint8Array.fromBase64(b64);
    const got = [...tokenizer.encode(bytes)];
    const count = counts[kind] ??= [0, 0];
    count[1]++;
    // Bytes that are not UTF-8 come back as they were, but for those that are no tokens.
    const { missingBytes, sentencePieces } = tokenizer.vocabulary;
    const decoded = tokenizer.decodeBytes(got).subarray(sentencePieces?.stripsSpace === true ? 1 : 0);
    const isEqual = ids === null
      ? isSame(decoded, bytes.filter((byte) => missingBytes?.includes(byte) !== true))
      : isSame(got, ids);
    if (isEqual) count[0]++;
    else console.error(`differs: ${JSON.stringify(new TextDecoder().decode(bytes)).slice(0, 100)}`);
  }
  return Object.fromEntries(Object.entries(counts).map(([kind, [equal, all]]) => [kind, `${equal} of ${all}`]));
}

function isSame(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  return a.length === b.length && Array.prototype.every.call(a, (value, i) => value === b[i]);
}

Deno.test({ name: "there are real tokenizers to try", ignore: !isWanted, fn: () => assert(names.length > 10) });

for (const name of names) {
  Deno.test(`${name} gives its own library's ids, loaded and saved again`, () =>
    inTemporaryDirectory(async (dir) => {
      const recorded: Recorded = JSON.parse(await Deno.readTextFile(`${DIR}/${name}/ids.json`));
      const tokenizer = await loadTokenizer(`${DIR}/${name}/${recorded.file}`);
      const counts = countEqual(tokenizer, recorded);
      console.log(`${name}: ${JSON.stringify(counts)}`);
      assertEquals(counts, { hostile: "95 of 95", language: "32 of 32" });
      await saveTokenizer(tokenizer, dir);
      assertEquals(countEqual(await loadTokenizer(dir), recorded), counts);
    }));
}
