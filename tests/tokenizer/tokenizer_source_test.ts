import { assert, assertEquals, assertRejects } from "@std/assert";
import { UserError } from "../../lib/errors.ts";
import { formatTiktoken } from "../../lib/tokenizer/vocabulary/tiktoken_file.ts";
import { loadTokenizer, saveTokenizer } from "../../lib/formats/tokenizer_dir.ts";
import { formatTokenizerJson } from "../../lib/tokenizer/vocabulary/tokenizer_json.ts";
import { trainBpe } from "../../lib/corpus/train_bpe.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const TEXT = "the cat the hat 你好 <|im start|> 1010 naïve ".repeat(9);
const tokenizer = await trainBpe(TEXT, { vocabSize: 280, specialTokens: ["<|im start|>"] });
const json = formatTokenizerJson(tokenizer.vocabulary);
const bytes = new TextEncoder().encode(json);
const ranks = formatTiktoken(tokenizer.vocabulary);

/** A server of files by their paths, for as long as `body` runs. */
async function withServer(files: Record<string, string>, body: (origin: string) => Promise<void>): Promise<void> {
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    const file = files[new URL(request.url).pathname];
    return file === undefined ? new Response("none", { status: 404 }) : new Response(file);
  });
  await body(`http://127.0.0.1:${server.addr.port}`);
}

Deno.test("loadTokenizer() reads a URL, a response, bytes and text as it reads the file", () =>
  inTemporaryDirectory(async (dir) => {
    await saveTokenizer(tokenizer, `${dir}/a tokenizer`);
    await withServer({ "/tokenizer.json": json }, async (origin) => {
      const address = `${origin}/tokenizer.json`;
      const file = new URL(`file://${dir}/a%20tokenizer/tokenizer.json`);
      const sources = [
        ...[address, new URL(address), await fetch(address), new Response(json)],
        ...[bytes, bytes.buffer, json, `\ufeff${json}`, file, new URL("./", file), file.pathname.replace("%20", " ")],
        new URL(`data:application/json,${encodeURIComponent(json)}`),
      ];
      for (const source of sources) {
        const loaded = await loadTokenizer(source);
        assertEquals(loaded.encode(TEXT), tokenizer.encode(TEXT));
        assertEquals([...loaded.specialTokens], [...tokenizer.specialTokens]);
        assertEquals(formatTokenizerJson(loaded.vocabulary), json);
      }
    });
  }));

Deno.test("loadTokenizer() reads ranks from elsewhere, with what they do not say", async () => {
  const options = { pattern: "gpt2", specialTokens: tokenizer.vocabulary.specials } as const;
  await withServer({ "/ranks.tiktoken": ranks, "/cl100k_base.tiktoken": ranks }, async (origin) => {
    for (const source of [`${origin}/ranks.tiktoken`, new TextEncoder().encode(ranks)]) {
      assertEquals((await loadTokenizer(source, options)).encode(TEXT), tokenizer.encode(TEXT));
    }
    // The name stands for a file that is known, with or without what follows it.
    const known = new URL("/cl100k_base.tiktoken?key=secret", origin);
    const error = await assertRejects(() => loadTokenizer(known), UserError, "cl100k_base.tiktoken: got");
    assert(!error.message.includes("secret"), error.message);
  });
});

Deno.test("loadTokenizer() refuses what is no tokenizer's file, by the name of where it came from", async () => {
  await withServer({ "/page": "<html>" }, async (origin) => {
    await assertRejects(() => loadTokenizer(`${origin}/none`), UserError, `${origin}/none: got the answer 404`);
    await assertRejects(() => loadTokenizer(`${origin}/page`), UserError, `${origin}/page: got text of another kind`);
  });
  const unheard = "http://127.0.0.1:9/tokenizer.json";
  await assertRejects(() => loadTokenizer(unheard), UserError, `${unheard}: got no answer`);
  await assertRejects(() => loadTokenizer(Uint8Array.of(0x47, 0x47, 0x55, 0x46, 0xff)), UserError, "got a GGUF file");
  await assertRejects(() => loadTokenizer(new Response(null, { status: 500 })), UserError, "response given: got");
  await assertRejects(() => loadTokenizer(json.slice(0, -9)), UserError, "the text given");
  const other = [{ text: "<|other|>", id: 3 }];
  await assertRejects(() => loadTokenizer(bytes, { specialTokens: other }), UserError, "the bytes given: got special");
});
