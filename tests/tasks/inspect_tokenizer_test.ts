import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { saveTokenizer, trainBpe } from "../../lib/tokenizer/mod.ts";
import { formatTiktoken } from "../../lib/tokenizer/vocabulary/tiktoken_file.ts";
import { main as compare } from "../../tasks/compare_tokenizers.ts";
import { main as inspect } from "../../tasks/inspect_tokenizer.ts";
import { capture, type Captured } from "../cli/capture.ts";

/** A token as `--json` writes it: bytes and special tokens have null for their merge. */
interface WrittenTree {
  readonly id: number;
  readonly merge: number | null;
  readonly parts: readonly WrittenTree[];
}

const TEXT = "the then them theme 你好 <|endoftext|>".repeat(30);
const small = await trainBpe(TEXT, { vocabSize: 258 });
const large = await trainBpe(TEXT, { vocabSize: 265 });

async function withTokenizers(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await saveTokenizer(small, `${dir}/small`);
    await saveTokenizer(large, `${dir}/large`);
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function ok({ code, stdout, stderr }: Captured, says = /^$/): string {
  assertEquals(code, 0, stderr);
  assertMatch(stderr, says);
  return stdout;
}

Deno.test("inspect-tokenizer shows the longest tokens, a token's merges, and what a text splits into", () =>
  withTokenizers(async (dir) => {
    const run = (...args: string[]) => capture(inspect, "--tokenizer", `${dir}/large`, ...args);
    const { tokens, merges } = large.vocabulary;
    const { longest } = JSON.parse(ok(await run("--json", "--top", "300"))) as {
      longest: { id: number; bytes: number }[];
    };
    assertEquals(longest.length, tokens.size - 1, "all but the special token");
    longest.forEach(({ id, bytes }, i) => {
      assertEquals(bytes, tokens.byteLength(id));
      assert(i === 0 || bytes <= longest[i - 1].bytes);
    });

    // Each node's bytes are those of its parts, which are the pair of its merge; leaves are single bytes.
    const check = ({ id, merge, parts }: WrittenTree): number[] => {
      const bytes = parts.flatMap(check);
      if (merge === null) assertEquals([parts.length, tokens.byteLength(id)], [0, 1]);
      else {
        assertEquals([...merges.subarray(merge * 3, merge * 3 + 3)], [parts[0].id, parts[1].id, id]);
        assertEquals(bytes, [...tokens.get(id)]);
      }
      return [...tokens.get(id)];
    };
    const tree = JSON.parse(ok(await run("--json", "--token", " the")));
    check(tree);
    assertEquals([tree.text, tree.bytes], ['" the"', 4]);
    assertEquals(JSON.parse(ok(await run("--json", "--token", String(tree.id)))), tree);
    assertEquals(ok(await run("--token", " the")).split("\n").length - 1, 7, "four bytes and three merges");

    const split = ok(await run("--text", "them the\n你"));
    const ids = [...large.encode("them the\n你")];
    assertStringIncludes(split, `${ids.length} tokens: ${ids.join(" ")}`);
    assertEquals(split.split("\n")[0].split("|").length - 2, ids.length);
    assert(!split.includes("\x1b"), "no colour where stdout is not a terminal");
    for (
      const [args, message] of [
        [["--token", "the theme"], "this text is several tokens"],
        [["--token", "9999"], "there is no such id"],
      ] as const
    ) {
      const { code, stderr } = await run(...args);
      assertEquals(code, 1);
      assertStringIncludes(stderr, message);
    }
  }));

Deno.test("inspect-tokenizer takes a tokenizer's file, needs the pattern where no file says it, and says what it guesses", () =>
  withTokenizers(async (dir) => {
    const split = (path: string, ...args: string[]) =>
      capture(inspect, "--tokenizer", `${dir}/${path}`, "--text", "them 你", ...args);
    const ids = [...large.encode("them 你")].join(" ");
    assertStringIncludes(ok(await split("large/tokenizer.json")), ids);
    await Deno.writeTextFile(`${dir}/ranks.tiktoken`, formatTiktoken(large.vocabulary));
    const without = await split("ranks.tiktoken");
    assertEquals([without.code, without.stdout], [1, ""]);
    assertMatch(without.stderr, /^error: .*got no pattern.*--pattern.*\n$/);
    const { code, stdout, stderr } = await split("ranks.tiktoken", "--pattern", "gpt2");
    assertEquals(code, 0);
    assertStringIncludes(stdout, ids);
    assertMatch(stderr, /^warning: .*ranks\.tiktoken does not say which tokens are special: none is\n$/);
    assertEquals((await split("ranks.tiktoken", "--pattern", "gpt5")).code, 2);
    assertMatch((await split("large", "--pattern", "o200k")).stderr, /got pattern o200k, must be gpt2/);
    assertMatch((await split("none")).stderr, /none: there is no such file or directory/);
  }));

Deno.test("compare-tokenizers gives each tokenizer's bytes per token on each text", () =>
  withTokenizers(async (dir) => {
    const texts = { a: TEXT, b: "other text, with other words" };
    for (const [name, text] of Object.entries(texts)) await Deno.writeTextFile(`${dir}/${name}.txt`, text);
    const inputs = Object.keys(texts).map((name) => `${dir}/${name}.txt`);
    const args = ["--tokenizer", `${dir}/small`, `${dir}/large`, "--input", ...inputs];
    const found = /^Found 2 files of text, .+: 2 \.txt \(.+\)\n$/;
    const results = JSON.parse(ok(await capture(compare, ...args, "--json"), found)) as Record<
      string,
      number | string
    >[];
    const expected = Object.entries(texts).flatMap(([name, text]) =>
      Object.entries({ small, large }).map(([dirName, tokenizer]) => {
        const bytes = new TextEncoder().encode(text).length, tokens = tokenizer.encode(text).length;
        return [`${dir}/${name}.txt`, `${dir}/${dirName}`, bytes, tokens, bytes / tokens];
      })
    );
    assertEquals(results.map((r) => [r.input, r.tokenizer, r.bytes, r.tokens, r.bytesPerToken]), expected);
    for (const { bytesPerSecond, pileHours } of results) {
      assert(Math.abs(Number(pileHours) * 3600 * Number(bytesPerSecond) / (825 * 1024 ** 3) - 1) < 1e-9);
    }
    assertEquals(ok(await capture(compare, ...args), found).trimEnd().split("\n").length, 5);
    assertEquals((await capture(compare, "--tokenizer", `${dir}/small`, "--input", "-")).code, 2);
  }));
