import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../lib/errors.ts";
import { createTokenizer, type TokenizerParts } from "../../lib/tokenizer/create_tokenizer.ts";
import { trainBpe } from "../../lib/corpus/train_bpe.ts";

const fixture = (name: string) => Deno.readTextFileSync(new URL(`../fixtures/${name}`, import.meta.url));
const bytes = (text: string) => new TextEncoder().encode(text);

const BYTES = Array.from({ length: 256 }, (_, byte): [number, Uint8Array] => [byte, Uint8Array.of(byte)]);

/** What GPT-2's own code spells bytes with, read off a vocabulary: of the 256 tokens of one character, by their order. */
function unspell(vocab: Record<string, number>): (token: string) => Uint8Array {
  // GPT-2's first 256 ids: bytes 33 to 126, 161 to 172, 174 to 255, then all others, each run from low to high.
  const runs = [[33, 126], [161, 172], [174, 255], [0, 32], [127, 160], [173, 173]];
  const order = runs.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i));
  const byteOf = new Map(Object.entries(vocab).filter(([, id]) => id < 256).map(([char, id]) => [char, order[id]]));
  return (token) => Uint8Array.from(token, (char) => byteOf.get(char)!);
}

Deno.test("GPT-2's vocabulary in memory gives tiktoken's ids, as files spell it and as bytes", () => {
  const vocab: Record<string, number> = JSON.parse(fixture("cs336/gpt2_vocab.json"));
  const merges = fixture("cs336/gpt2_merges.txt").trimEnd().split("\n");
  const vectors: { text: string; ids: number[] }[] = JSON.parse(fixture("tokenizer/gpt2_vectors.json"));
  const toBytes = unspell(vocab);
  const pairs = merges.map((merge) => merge.split(" ") as [string, string]);
  const special = "<|endoftext|>";
  const { [special]: _, ...ordinary } = vocab;
  const asBytes = (record: Record<string, number>) =>
    new Map(Object.entries(record).map(([token, id]) => [id, token === special ? bytes(token) : toBytes(token)]));
  const bytePairs = pairs.map(([left, right]) => [toBytes(left), toBytes(right)] as const);
  const all: TokenizerParts[] = [
    { vocab, merges },
    { vocab: ordinary, merges: pairs },
    { vocab: asBytes(vocab), merges: bytePairs },
    { vocab: asBytes(ordinary), merges: bytePairs },
  ];
  for (const parts of all) {
    const tokenizer = createTokenizer({ ...parts, specialTokens: [special] });
    assertEquals([...tokenizer.specialTokens], [[special, 50256]]);
    for (const { text, ids } of vectors) assertEquals([...tokenizer.encode(text)], ids);
  }
});

Deno.test("a trained tokenizer's bytes and merges make the same tokenizer", async () => {
  const text = "I'LL go 12345 __proto__ <|im start|> constructor. ".repeat(9);
  const specialTokens = ["<|im start|>", "!"];
  for (const pattern of ["gpt2", "cl100k"] as const) {
    const { vocabulary, ...trained } = await trainBpe(text, { vocabSize: 275, specialTokens, pattern }).then(
      (tokenizer) => ({ vocabulary: tokenizer.vocabulary, ids: tokenizer.encode(text) }),
    );
    const { tokens, merges } = vocabulary;
    const vocab = new Map(Array.from({ length: tokens.size }, (_, id) => [id, tokens.get(id)]));
    const pairs = Array.from(
      { length: merges.length / 3 },
      (_, i) => [tokens.get(merges[3 * i]), tokens.get(merges[3 * i + 1])] as const,
    );
    const made = createTokenizer({ vocab, merges: pairs, specialTokens, pattern });
    assertEquals(made.encode(text), trained.ids);
    assertEquals([...made.specialTokens], vocabulary.specials.map(({ text, id }) => [text, id]));
  }
});

Deno.test("createTokenizer() refuses what is no vocabulary, by the token at fault", () => {
  const make = (parts: Partial<TokenizerParts>) => createTokenizer({ vocab: new Map(BYTES), merges: [], ...parts });
  const cases: [Partial<TokenizerParts>, string][] = [
    [{ vocab: new Map(BYTES.slice(1)) }, "no token for byte 0"],
    [{ vocab: new Map([...BYTES, [256, Uint8Array.of(7)]]) }, "with ids 7 and 256"],
    [{ vocab: new Map([...BYTES, [-1, bytes("ab")]]) }, "-1"],
    [{ merges: [[bytes("a"), bytes("b")]] }, `without a token "ab"`],
    [{ merges: ["a b c"] }, `merge 0 "a b c"`],
    [{ specialTokens: [""] }, "an empty text"],
    [{ specialTokens: ["<|x|>", "<|x|>"] }, "<|x|>"],
  ];
  for (const [parts, message] of cases) assertThrows(() => make(parts), UserError, message);
  const tokenizer = make({ specialTokens: ["<|x|>", "<|y|>"] });
  assertEquals([...tokenizer.encode("a<|y|><|x|>")], [97, 257, 256]);
});
