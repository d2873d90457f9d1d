import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../tasks/cli/errors.ts";
import { parseFlags } from "../../tasks/cli/flags.ts";
import { axesOf, FLAGS as SWEEP_FLAGS, trainFlagsOf } from "../../tasks/sweep/flags.ts";
import { configParts, FLAGS } from "../../tasks/train_lm/flags.ts";

Deno.test("--clip 0 and --clip none switch clipping off, in train-lm and as a value of a sweep", () => {
  const clipOf = (...args: string[]) => configParts(parseFlags("train-lm", args, FLAGS)).training?.clip;
  assertEquals([clipOf("--clip", "0"), clipOf("--clip", "none"), clipOf("--clip=0.5"), clipOf()], [
    0,
    0,
    0.5,
    undefined,
  ]);
  for (const bad of ["-1", "None", "off", "toString"]) {
    assertThrows(() => clipOf(`--clip=${bad}`), UsageError, `got --clip ${bad}, must be`);
  }
  const flags = parseFlags("sweep", ["--out", "x", "--train", "y", "--clip", "none,1"], SWEEP_FLAGS);
  const clips = axesOf(flags, () => {}).get("clip")!.map((clip) =>
    trainFlagsOf(flags, { name: clip, settings: { clip } }).clip
  );
  assertEquals(clips, [0, 1]);
});
