// What is trained here, in transformers. BYTELM_INTEROP_PYTHON is a Python that has it; see real_tokenizers.py.
import { assertEquals } from "@std/assert";
import { saveTokenizer } from "../../lib/formats/tokenizer_dir.ts";
import { parsePattern, trainBpe } from "../../lib/tokenizer/mod.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const isWanted = Deno.env.get("BYTELM_INTEROP") === "1";
const PYTHON = Deno.env.get("BYTELM_INTEROP_PYTHON") ?? "python3";
const TEXTS: string[] = Object.values(
  JSON.parse(Deno.readTextFileSync(new URL("./languages.json", import.meta.url))),
);

for (const pattern of ["gpt2", "cl100k", "o200k", "qwen2", "deepseek-v3", "smollm", "nanochat", "\\p{L}+|\\d{2}| "]) {
  Deno.test({
    name: `AutoTokenizer knows a tokenizer trained with ${pattern}, and gives its ids`,
    ignore: !isWanted,
    fn: () =>
      inTemporaryDirectory(async (dir) => {
        const tokenizer = await trainBpe(TEXTS, {
          vocabSize: 700,
          pattern: parsePattern(pattern),
          normalizer: pattern === "qwen2" ? [{ type: "NFC" }] : [],
          specialTokens: ["<|endoftext|>", "<|pad|>"],
        });
        await saveTokenizer(tokenizer, dir);
        const script = new URL("./auto_tokenizer.py", import.meta.url).pathname;
        const python = new Deno.Command(PYTHON, { args: [script, dir], stdin: "piped", stdout: "piped" }).spawn();
        const writer = python.stdin.getWriter();
        const texts = [...TEXTS, "e\u0301 \u00e9<|endoftext|> 12345\n\n x"];
        await writer.write(new TextEncoder().encode(JSON.stringify(texts)));
        await writer.close();
        const { stdout } = await python.output();
        const { ids, decoded, ...tokens } = JSON.parse(new TextDecoder().decode(stdout));
        assertEquals(tokens, { eos: "<|endoftext|>", bos: "<|endoftext|>", pad: "<|pad|>" });
        assertEquals(ids, texts.map((text) => [...tokenizer.encode(text)]));
        assertEquals(decoded, texts.map((text) => tokenizer.decode(tokenizer.encode(text))));
      }),
  });
}
