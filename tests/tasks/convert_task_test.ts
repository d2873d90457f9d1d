import { assertEquals, assertStringIncludes } from "@std/assert";
import { readNpy, writeNpy } from "../../lib/dataset/npy_file.ts";
import { saveTokenizer, trainBpe } from "../../lib/tokenizer/mod.ts";
import { main as convert } from "../../tasks/convert.ts";
import { main as decode } from "../../tasks/decode.ts";
import { main as encode } from "../../tasks/encode.ts";
import { capture } from "../cli/capture.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const TEXT = "the cat sat on the mat, the dog sat on the log. ".repeat(20);

/** What a task wrote, without its progress. */
async function run(main: (args: string[]) => Promise<number>, ...args: string[]) {
  const { code, stdout, stderr } = await capture(main, ...args);
  return { code, stdout, stderr: stderr.replace(/^\d.*\n/gm, "") };
}

Deno.test("convert goes to other formats and back, keeps the tokenizer, and says what nothing in a file tells", () =>
  inTemporaryDirectory(async (dir) => {
    await saveTokenizer(await trainBpe(TEXT, { vocabSize: 264 }), `${dir}/tok`);
    await Deno.writeTextFile(`${dir}/a.txt`, TEXT);
    await run(encode, "--tokenizer", `${dir}/tok`, "--input", `${dir}/a.txt`, "--out", `${dir}/a.npy`);
    const ids = await readNpy(`${dir}/a.npy`);
    const to = await run(convert, "--from", `${dir}/a.npy`, "--out", `${dir}/a.bin`);
    assertEquals(to, {
      code: 0,
      stdout: `Wrote ${ids.length} ids as uint16 without a header: ${dir}/a.bin\n`,
      stderr: "",
    });
    const back = await run(convert, "--from", `${dir}/a.bin`, "--out", `${dir}/b.npy`);
    assertEquals([back.code, back.stdout], [0, `Wrote ${ids.length} ids as .npy (uint16): ${dir}/b.npy\n`]);
    assertEquals(
      back.stderr,
      `warning: ${dir}/a.bin has no header; it is taken for nanoGPT's, uint16. If it is not: --from-format\n`,
    );
    assertEquals(await Deno.readFile(`${dir}/b.npy`), await Deno.readFile(`${dir}/a.npy`));
    // The record came along, so that another tokenizer's ids are refused.
    await saveTokenizer(await trainBpe("other text", { vocabSize: 264 }), `${dir}/tok2`);
    const other = await run(decode, "--tokenizer", `${dir}/tok2`, "--input", `${dir}/b.npy`);
    assertStringIncludes(other.stderr, "must be of the same tokenizer");
    const args = ["--from", `${dir}/b.npy`, "--out", `${dir}/c.dat`, "--format", "llmc", "--tokenizer", `${dir}/tok`];
    assertEquals(await run(convert, ...args), {
      code: 0,
      stdout: `Wrote ${ids.length} ids as llm.c's .bin (uint16): ${dir}/c.dat\n`,
      stderr: "",
    });
  }));

Deno.test("convert says what is wrong in one line, and writes nothing", () =>
  inTemporaryDirectory(async (dir) => {
    await saveTokenizer(await trainBpe(TEXT, { vocabSize: 264 }), `${dir}/tok`);
    await writeNpy(`${dir}/a.npy`, Uint32Array.of(1, 70_000));
    await Deno.writeTextFile(`${dir}/text.bin`, TEXT);
    await Deno.writeTextFile(`${dir}/there.npy`, "something");
    const cases: [string[], number, string][] = [
      [["--from", "a.npy", "--out", "a.dat"], 2, "must end in .npy or .bin. Say it with --format"],
      [["--from", "none.npy", "--out", "b.npy"], 1, "there is no such file"],
      [
        ["--from", "a.npy", "--out", "b.bin"],
        1,
        "got id 70000, must be at most 65535 for --format nanogpt. Use --format ui",
      ],
      [
        ["--from", "text.bin", "--out", "b.npy"],
        1,
        "got what looks like text, must be .npy, .npz, or a .bin of llm.c or",
      ],
      [
        ["--from", "a.npy", "--out", "b.npy", "--from-format", "nanogpt"],
        1,
        "got a file with a header (npy), must be one w",
      ],
      [["--from", "a.npy", "--out", "b.npy", "--array", "x"], 1, "got no .npz file, must be one. Leave --array out"],
      [["--from", "a.npy", "--out", "a.npy"], 2, "a.npy. Choose another place"],
      [["--from", "a.npy", "--out", "there.npy"], 1, "there.npy"],
      [
        ["--from", "a.npy", "--out", "b.npy", "--tokenizer", "tok"],
        1,
        "got id 70000 at position 1, must be one of the tok",
      ],
    ];
    for (const [args, expected, says] of cases) {
      const paths = args.map((arg) => /\.|^tok$/.test(arg) ? `${dir}/${arg}` : arg);
      const { code, stdout, stderr } = await run(convert, ...paths);
      assertEquals([code, stdout], [expected, ""], stderr);
      assertStringIncludes(stderr, says);
      assertEquals(stderr.trim().split("\n").length, 1, stderr);
    }
    const names = Array.from(Deno.readDirSync(dir), ({ name }) => name).sort();
    assertEquals(names, ["a.npy", "text.bin", "there.npy", "tok"]);
    const decoded = await run(decode, "--tokenizer", `${dir}/tok`, "--input", `${dir}/text.bin`);
    assertStringIncludes(
      decoded.stderr,
      "Write it with: deno task encode; or from an .npz or .bin: deno task convert\n",
    );
  }));
