// --document-separator, from the command line to what tasks write.
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { readNpy } from "../../lib/dataset/npy_file.ts";
import { loadTokenizer } from "../../lib/tokenizer/mod.ts";
import { parseDocumentSeparator } from "../../tasks/cli/document_separator.ts";
import { UsageError } from "../../tasks/cli/errors.ts";
import { main as compare } from "../../tasks/compare_tokenizers.ts";
import { main as count } from "../../tasks/count.ts";
import { main as data } from "../../tasks/data.ts";
import { main as encode } from "../../tasks/encode.ts";
import { main as train } from "../../tasks/train_bpe.ts";
import { capture } from "../cli/capture.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const DOCUMENTS = Array.from({ length: 40 }, (_, i) => `the cat of story ${i} --- sat\n\non the mat`);
const BOOK = DOCUMENTS.map((text) => `${text}\n-----\n`).join("");

Deno.test("parseDocumentSeparator() knows the escapes of programs, and no others", () => {
  assertEquals(parseDocumentSeparator("x", undefined), undefined);
  assertEquals(parseDocumentSeparator("x", "-----"), "-----");
  assertEquals(parseDocumentSeparator("x", "\\n\\r\\t\\f\\\\n \n"), "\n\r\t\f\\n \n");
  for (const text of ["\\", "a\\", "\\section", "\\N", "\\constructor"]) {
    assertThrows(() => parseDocumentSeparator("x", text), UsageError, "in --document-separator, must be \\n, \\r");
  }
});

Deno.test("data divides a book at a line of its own, and writes what other tasks read as the end of a document", () =>
  inTemporaryDirectory(async (dir) => {
    await Deno.writeTextFile(`${dir}/book.txt`, BOOK);
    const run = (...args: string[]) =>
      capture(data, "--input", `${dir}/book.txt`, "--out", `${dir}/out`, "--valid-fraction", "0.3", "--force", ...args);
    const documents = async (mark: string) => {
      const parts = await Promise.all(["train", "valid"].map((part) => Deno.readTextFile(`${dir}/out/${part}.txt`)));
      return parts.flatMap((text) => text.split(mark).slice(0, -1)).sort();
    };
    const { code, stderr } = await run("--document-separator", "\\n-----\\n");
    assertEquals([code, stderr], [0, ""]);
    assertEquals(await documents("<|endoftext|>"), DOCUMENTS.toSorted());
    assertEquals((await run("--document-separator", "\\n-----\\n", "--separator", "</s>")).code, 0);
    assertEquals(await documents("</s>"), DOCUMENTS.toSorted());
    // Three dashes or more are no flag.
    assertEquals((await run("--document-separator", "-----")).code, 0);
    assertEquals((await documents("<|endoftext|>")).map((text) => text.trim()).sort(), DOCUMENTS.toSorted());
    const none = await run("--document-separator", "\\n=====\\n");
    assertEquals(none.code, 1);
    assertStringIncludes(
      none.stderr,
      'warning: "\\n=====\\n" was not found: each file counts as one document\n',
    );
  }));

Deno.test("train-bpe and count merge nothing across a separator; encode makes a special token of it", () =>
  inTemporaryDirectory(async (dir) => {
    await Deno.writeTextFile(`${dir}/book.txt`, BOOK);
    await Deno.writeTextFile(`${dir}/marked.txt`, BOOK.replaceAll("\n-----\n", "<|endoftext|>"));
    const separated = ["--document-separator", "\\n-----\\n"];
    const ran = async (main: (args: string[]) => Promise<number>, ...args: string[]) => {
      const { code, stderr } = await capture(main, ...args);
      assertEquals(code, 0, stderr);
    };
    const size = ["--vocab-size", "270"];
    await ran(train, "--input", `${dir}/marked.txt`, ...size, "--out", `${dir}/marked`);
    await ran(train, "--input", `${dir}/book.txt`, ...size, "--out", `${dir}/tok`, ...separated);
    await ran(count, "--input", `${dir}/book.txt`, "--out", `${dir}/book.counts`, ...separated);
    await ran(train, "--counts", `${dir}/book.counts`, ...size, "--out", `${dir}/counted`);
    const expected = await Deno.readTextFile(`${dir}/marked/tokenizer.json`);
    for (const name of ["tok", "counted"]) {
      assertEquals(await Deno.readTextFile(`${dir}/${name}/tokenizer.json`), expected);
    }
    const late = await capture(train, "--counts", `${dir}/book.counts`, ...size, "--out", `${dir}/late`, ...separated);
    assertEquals(late.code, 2);
    assertStringIncludes(late.stderr, "got --document-separator with --counts, must be given when counting");

    const ids = async (name: string, ...args: string[]) => {
      const out = `${dir}/out.npy`;
      await ran(encode, "--tokenizer", `${dir}/tok`, "--input", `${dir}/${name}.txt`, "--out", out, "--force", ...args);
      return [...await readNpy(out)];
    };
    const marked = await ids("marked");
    assertEquals(await ids("book", ...separated), marked);
    assertEquals(await ids("book", ...separated, "--separator", "<|endoftext|>"), [...marked, 0]);
    assertEquals(await ids("book", ...separated, "--specials-as-text"), marked);
    assert((await ids("book")).length > marked.length);
    const { documentSeparator } = JSON.parse(await Deno.readTextFile(`${dir}/out.npy.provenance.json`));
    assertEquals(documentSeparator, undefined);
    assertEquals((await loadTokenizer(`${dir}/tok`)).decode(marked), await Deno.readTextFile(`${dir}/marked.txt`));

    await ran(train, "--input", `${dir}/marked.txt`, ...size, "--out", `${dir}/other`, "--special", "</s>");
    const args = [
      "--tokenizer",
      `${dir}/other`,
      "--input",
      `${dir}/book.txt`,
      "--out",
      `${dir}/other.npy`,
      ...separated,
    ];
    const without = await capture(encode, ...args);
    assertEquals(without.code, 1);
    assertStringIncludes(
      without.stderr,
      "Cannot put <|endoftext|> between documents: the special tokens of",
    );
    assertStringIncludes(without.stderr, "are </s>. To train another");
    await ran(encode, ...args, "--separator", "</s>");

    const compared = async (tokenizer: string, ...args: string[]) => {
      const names = ["--tokenizer", `${dir}/${tokenizer}`, "--input", `${dir}/book.txt`, "--json"];
      const { code, stdout, stderr } = await capture(compare, ...names, ...args);
      assertEquals(code, 0, stderr);
      const [{ bytes, tokens }] = JSON.parse(stdout);
      return { bytes, tokens };
    };
    assertEquals(await compared("tok", ...separated), { bytes: BOOK.length, tokens: marked.length });
    assertEquals(await compared("tok"), { bytes: BOOK.length, tokens: (await ids("book")).length });
    const other = ["--tokenizer", `${dir}/other`, "--input", `${dir}/book.txt`, ...separated];
    const lacking = await capture(compare, "--tokenizer", `${dir}/tok`, ...other);
    assertEquals([lacking.code, lacking.stdout], [1, ""]);
    assertStringIncludes(lacking.stderr, `the special tokens of ${dir}/other are </s>`);
    assertEquals((await readNpy(`${dir}/other.npy`)).filter((id) => id === 0).length, DOCUMENTS.length + 1);
    const written = JSON.parse(await Deno.readTextFile(`${dir}/other.npy.provenance.json`));
    assertEquals(written.documentSeparator, { text: "\n-----\n", id: 0 });
  }));
