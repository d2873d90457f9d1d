import { assertEquals, assertRejects } from "@std/assert";
import { UserError } from "../../../tasks/cli/errors.ts";
import { type ChoiceQuestion, readChoices } from "../../../tasks/evaluate/choice_file.ts";
import { inTemporaryDirectory } from "../../harness/temporary_directory.ts";

async function read(...lines: readonly unknown[]): Promise<ChoiceQuestion[]> {
  const all: ChoiceQuestion[] = [];
  await inTemporaryDirectory(async (dir) => {
    const path = `${dir}/q.jsonl`;
    const texts = lines.map((line) => typeof line === "string" ? line : JSON.stringify(line));
    await Deno.writeTextFile(path, texts.join("\n"));
    for await (const { name, ...rest } of readChoices(path)) all.push({ name: name.replace(dir, ""), ...rest });
  });
  return all;
}

const HELLASWAG = {
  ind: 24,
  activity_label: "Roof shingle removal",
  ctx_a: "A man is sitting on a roof.",
  ctx_b: "he",
  ctx: "A man is sitting on a roof. he",
  split: "val",
  endings: ["sings.", "sleeps.", "skis. ", "starts pulling up roofing."],
  label: 3,
};
const ARC = {
  id: "MCAS_1",
  question: "What do cows drink?",
  choices: { text: ["Ink", "Water", "Tar"], label: ["A", "B", "C"] },
  answerKey: "B",
};
const AUTHORS = {
  id: "MCAS_2",
  question: {
    stem: "What is wet?",
    choices: [{ text: "Water", label: "1" }, { text: "Fire", label: "2" }],
  },
  answerKey: "1",
};

Deno.test("questions are read as HellaSwag and ARC are published", async () => {
  const prompt = "A man is sitting on a roof. he";
  const choices = ["sings.", "sleeps.", "skis.", "starts pulling up roofing."];
  assertEquals(await read(HELLASWAG, "", { ...HELLASWAG, label: "2" }, ARC, AUTHORS), [
    { name: "line 1 of /q.jsonl", prompt, choices, right: 3 },
    { name: "line 3 of /q.jsonl", prompt, choices, right: 2 },
    {
      name: "line 4 of /q.jsonl",
      prompt: "Question: What do cows drink?\nAnswer:",
      choices: ["Ink", "Water", "Tar"],
      right: 1,
    },
    { name: "line 5 of /q.jsonl", prompt: "Question: What is wet?\nAnswer:", choices: ["Water", "Fire"], right: 0 },
  ]);
  // Without labels, the right one is told by its index.
  const [plain] = await read({ question: "Which?", choices: ["a", "b"], answerKey: 1 });
  assertEquals([plain.choices, plain.right], [["a", "b"], 1]);
});

const BAD: [line: unknown, says: string][] = [
  ["", "got no question, must be one in each line"],
  ["{", "Cannot read line 1 of"],
  ["[1]", "got [1], must be an object"],
  [{ text: "Hi" }, 'got fields "text", must be "ctx", or "question"'],
  [{}, "got fields none"],
  [{ ...HELLASWAG, ctx: 7 }, "got ctx 7, must be text"],
  [{ ...ARC, question: " \n" }, "got question without text"],
  [{ ...ARC, question: {} }, 'must be "ctx", or "question"'],
  [{ ...ARC, choices: undefined }, "got no choices, must be two or more"],
  [{ ...HELLASWAG, endings: [] }, "got no choice, must be two or more"],
  [{ ...HELLASWAG, endings: ["a"], label: 0 }, "got one choice only, must be two or more"],
  [{ ...HELLASWAG, endings: "abcd" }, 'got choices "abcd", must be a list'],
  [{ ...HELLASWAG, endings: ["a", " ", "c", "d"] }, "got choice 2 without text"],
  [{ ...HELLASWAG, endings: ["a", 2, "c", "d"] }, "got choice 2 2, must be text"],
  [{ ...HELLASWAG, endings: ["a", "\ud800", "c", "d"] }, "got half a surrogate pair in choice 2"],
  [{ ...HELLASWAG, label: 4 }, "got label 4, must be an index from 0 to 3"],
  [{ ...HELLASWAG, label: -1 }, "got label -1, must be an index from 0 to 3"],
  [{ ...HELLASWAG, label: 1.5 }, "got label 1.5, must be an index from 0 to 3"],
  [{ ...HELLASWAG, label: [1] }, "got label [1], must be an index from 0 to 3"],
  [{ ...HELLASWAG, label: "" }, "got an empty label, must be the right choice"],
  [{ ...HELLASWAG, label: undefined }, "got neither label nor answerKey"],
  [{ ...ARC, answerKey: "D" }, 'got answerKey "D", must be one of "A","B","C"'],
  [{ ...ARC, answerKey: 1 }, 'got answerKey 1, must be one of "A","B","C"'],
  [
    { ...ARC, choices: { text: ["a", "b", "c"], label: ["A", "B"] } },
    "got 3 choices and 2 labels, must be one for each",
  ],
  [{ ...ARC, choices: { text: ["a", "b"], label: ["B", "B"] } }, 'got label "B" twice'],
  [{ ...ARC, choices: { text: ["a", "b"], label: ["A", {}] } }, "got label {} of choice 2, must be text"],
  [{ ...ARC, choices: { text: "a" } }, 'must be a list, or "text" and "label" with lists'],
];

Deno.test("a line that is no question with choices is refused, by its number", async () => {
  for (const [line, says] of BAD) {
    const error = await assertRejects(() => read(line), UserError, says);
    assertEquals(error.message.split("\n").length, 1);
  }
  await assertRejects(() => read(ARC, "", { ...ARC, answerKey: "D" }), UserError, "line 3 of ");
});
