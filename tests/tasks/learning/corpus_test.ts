import { assertEquals, assertRejects } from "@std/assert";
import { UserError } from "../../../lib/errors.ts";
import { type Experiment, prepareCorpus } from "../../../tasks/bench/learning/corpus.ts";
import { inTemporaryDirectory } from "../../harness/temporary_directory.ts";

const EXPERIMENT: Experiment = { text: "t.txt", bytes: 100, heldOut: 0.1, vocabSize: 260, stride: 16 };
const TEXT = new TextEncoder().encode("abcdefghij".repeat(10));

Deno.test("a directory that holds another experiment is refused and left as it is; the same one is used as it is", () =>
  inTemporaryDirectory(async (directory) => {
    const about = `${directory}/experiment.json`;
    const content = `${JSON.stringify(EXPERIMENT, null, 2)}\n`;
    await Deno.writeTextFile(about, content);
    const others: Partial<Experiment>[] = [
      { text: "u.txt" },
      { bytes: 101 },
      { heldOut: 0.2 },
      { vocabSize: 261 },
      { stride: 8 },
    ];
    assertEquals(others.flatMap(Object.keys).sort(), Object.keys(EXPERIMENT).sort());
    for (const other of others) {
      await assertRejects(
        () => prepareCorpus(directory, TEXT, { ...EXPERIMENT, ...other }),
        UserError,
        "its experiment.json tells of another text, vocabulary or stride. Choose another --out",
      );
    }
    const { trainText, heldOutText } = await prepareCorpus(directory, TEXT, EXPERIMENT);
    assertEquals([trainText, heldOutText], [`${directory}/train.txt`, `${directory}/valid.txt`]);
    assertEquals(Array.from(Deno.readDirSync(directory), ({ name }) => name), ["experiment.json"]);
    assertEquals(await Deno.readTextFile(about), content);
  }));

Deno.test("a text of which a part would be empty is refused by that part's name", () =>
  inTemporaryDirectory(async (directory) => {
    const prepare = (text: Uint8Array) => prepareCorpus(directory, text, EXPERIMENT);
    await assertRejects(
      () => prepare(new Uint8Array()),
      UserError,
      "Cannot split t.txt: its train part would be empty",
    );
    // All but the smallest share is kept for training, so that rounding leaves none held out only at a share of nothing.
    await assertRejects(() => prepare(TEXT.subarray(0, 1)), UserError, "its train part would be empty");
  }));
