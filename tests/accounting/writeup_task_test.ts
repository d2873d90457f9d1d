import { assertEquals, assertStringIncludes } from "@std/assert";
import { saveTokenizer, trainBpe } from "../../lib/tokenizer/mod.ts";
import { main } from "../../tasks/writeup.ts";
import { capture } from "../cli/capture.ts";

const STORY = new URL("../fixtures/cs336/tinystories_sample.txt", import.meta.url).pathname;
const WEB = new URL("../fixtures/cs336/corpus.en", import.meta.url).pathname;

Deno.test("writeup answers every question, and refuses what it cannot use", async (t) => {
  const directory = await Deno.makeTempDir();
  const out = `${directory}/WRITEUP.md`;
  const small = ["--story", STORY, "--story-vocab-size", "300", "--backend", "wasm"];
  try {
    await t.step("training two tokenizers", async () => {
      const { code, stdout } = await capture(main, ...small, "--web", WEB, "--web-vocab-size", "500", "--out", out);
      assertEquals([code, stdout], [0, ""]);
      const text = await Deno.readTextFile(out);
      const sections = text.split("\n").filter((line) => line.startsWith("## ")).map((line) => line.slice(3));
      assertEquals(sections, [
        "Unicode",
        "Training BPE",
        "Compression and throughput",
        "Transformer accounting",
        "AdamW accounting",
        "Gradient descent",
      ]);
      for (const part of ["| story 300 tokens on web text |", "| web 500 tokens on story text |", "| lr 1000 |"]) {
        assertStringIncludes(text, part);
      }
    });

    await t.step("with a tokenizer from files, to standard output", async () => {
      const tokenizer = await trainBpe("the cat and the hat", { vocabSize: 260 });
      await saveTokenizer(tokenizer, `${directory}/tok`);
      const { code, stdout } = await capture(main, ...small, "--tokenizer", `${directory}/tok`);
      assertEquals(code, 0);
      assertStringIncludes(stdout, `| ${directory}/tok tokens on story text |`);
    });

    await t.step("mistakes", async () => {
      await Deno.writeFile(`${directory}/bytes.txt`, Uint8Array.of(65, 0xff));
      const cases: [string[], number, string][] = [
        [["--story", `${directory}/none.txt`], 1, "no such file"],
        [["--story", `${directory}/bytes.txt`], 1, "got bytes that are not UTF-8"],
        [["--tokenizer", `${directory}/none`], 1, "no such directory"],
        [["--story", STORY, "--out", out], 1, "Pass --force to replace it"],
        [["--backend", "cuda"], 2, "got --backend cuda"],
      ];
      for (const [args, code, message] of cases) {
        const result = await capture(main, ...args);
        assertEquals([result.code, result.stdout], [code, ""], args.join(" "));
        assertStringIncludes(result.stderr, message);
      }
      assertEquals([...Deno.readDirSync(directory)].map(({ name }) => name).sort(), ["WRITEUP.md", "bytes.txt", "tok"]);
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
