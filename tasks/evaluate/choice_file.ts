// Files of questions with answers to choose from: JSON Lines, in the forms of HellaSwag and ARC.
import { excerpt } from "../../lib/io/excerpt.ts";
import { isJsonObject } from "../../lib/io/json_fields.ts";
import { UserError } from "../cli/errors.ts";
import { readJsonLines } from "../cli/json_lines_file.ts";

/** A question, and what may follow it. */
export interface ChoiceQuestion {
  /** Where it is from, for messages: `line 3 of arc.jsonl`. */
  readonly name: string;
  /** What a model reads before each choice, without a space at its end. */
  readonly prompt: string;
  /** Two or more, without space around them. */
  readonly choices: readonly string[];
  /** The index of the right one. */
  readonly right: number;
}

/**
 * Reads questions as HellaSwag and ARC are published, the latter by its authors or as a Hugging Face dataset:
 *
 *     {"ctx": "A man sits on a roof. He", "endings": ["sings.", "…"], "label": 1}
 *     {"question": "What do cows drink?", "choices": {"text": ["Water", "…"], "label": ["A", "…"]}, "answerKey": "A"}
 *     {"question": {"stem": "…", "choices": [{"text": "Water", "label": "A"}, …]}, "answerKey": "A"}
 *
 * The choices may be a list of texts in all of them; then the right one is told by its index. Other fields are skipped.
 *
 * @throws {UserError} If a line is not UTF-8, not JSON, or no such question; if there is no question.
 *
 * Sources: Zellers et al. 2019, arXiv:1905.07830 (HellaSwag); Clark et al. 2018, arXiv:1803.05457 (ARC). A question's form,
 * `Question: …` and `Answer:` in lines, is that of lm-evaluation-harness.
 */
export async function* readChoices(path: string): AsyncGenerator<ChoiceQuestion> {
  let found = 0;
  for await (const { name, value } of readJsonLines(path)) {
    found++;
    yield questionOf(value, name);
  }
  if (found > 0) return;
  throw new UserError(`Cannot read ${path}: got no question, must be one in each line. Check how it was made`);
}

type Refuse = (got: string, mustBe: string) => never;

function questionOf(value: unknown, name: string): ChoiceQuestion {
  const refuse: Refuse = (got, mustBe) => {
    throw new UserError(`Cannot use the question of ${name}: got ${got}, must be ${mustBe}. Correct it`);
  };
  if (!isJsonObject(value)) return refuse(excerpt(value), "an object");
  const { ctx, question } = value;
  // ARC's authors put both into the question.
  const { stem, choices: inQuestion } = isJsonObject(question) ? question : { stem: question, choices: undefined };
  const asked = ctx ?? stem;
  if (asked === undefined) refuse(`fields ${fieldsOf(value)}`, '"ctx", or "question"');
  const text = textOf(asked, ctx === undefined ? "question" : "ctx", refuse);
  const { choices, labels } = choicesOf(value.endings ?? value.choices ?? inQuestion, refuse);
  return {
    name,
    prompt: ctx === undefined ? `Question: ${text}\nAnswer:` : text,
    choices,
    right: rightOf(value, choices, labels, refuse),
  };
}

function fieldsOf(value: Readonly<Record<string, unknown>>): string {
  return Object.keys(value).slice(0, 8).map((field) => excerpt(field)).join(", ") || "none";
}

function textOf(value: unknown, what: string, refuse: Refuse): string {
  if (typeof value !== "string") return refuse(`${what} ${excerpt(value)}`, "text");
  if (!value.isWellFormed()) refuse(`half a surrogate pair in ${what}`, "text that UTF-8 can hold");
  if (value.trim() === "") refuse(`${what} without text`, "text");
  return value.trim();
}

interface Choices {
  readonly choices: readonly string[];
  /** What each is called; `undefined` where it is its index. */
  readonly labels?: readonly string[];
}

function choicesOf(value: unknown, refuse: Refuse): Choices {
  if (value === undefined) return refuse("no choices", 'two or more in "endings" or "choices"');
  const isColumns = isJsonObject(value) && Array.isArray(value.text) && Array.isArray(value.label);
  const given: unknown = isColumns ? value.text : value;
  if (!Array.isArray(given)) return refuse(`choices ${excerpt(value)}`, 'a list, or "text" and "label" with lists');
  const isLabelled = !isColumns && given.length > 0 && given.every((choice) => isJsonObject(choice));
  const texts: unknown[] = isLabelled ? given.map(({ text }: Record<string, unknown>) => text) : given;
  if (texts.length < 2) refuse(texts.length === 0 ? "no choice" : "one choice only", "two or more");
  const choices = texts.map((text, i) => textOf(text, `choice ${i + 1}`, refuse));
  const named: unknown[] | undefined = isColumns
    ? value.label as unknown[]
    : isLabelled
    ? given.map(({ label }: Record<string, unknown>) => label)
    : undefined;
  if (named === undefined) return { choices };
  if (named.length !== choices.length) refuse(`${choices.length} choices and ${named.length} labels`, "one for each");
  const labels = named.map((label, i) => {
    if (typeof label === "string" || typeof label === "number") return String(label);
    return refuse(`label ${excerpt(label)} of choice ${i + 1}`, "text");
  });
  const twice = labels.find((label, i) => labels.indexOf(label) !== i);
  if (twice !== undefined) refuse(`label ${excerpt(twice)} twice`, "another one for each choice");
  return { choices, labels };
}

function rightOf(
  value: Readonly<Record<string, unknown>>,
  { length }: readonly string[],
  labels: readonly string[] | undefined,
  refuse: Refuse,
): number {
  const field = value.label === undefined ? "answerKey" : "label";
  const said = value[field];
  // HellaSwag's test set has them empty.
  if (said === undefined || said === "") {
    return refuse(said === "" ? `an empty ${field}` : "neither label nor answerKey", "the right choice");
  }
  const isWord = typeof said === "string" || typeof said === "number";
  const names = labels ?? Array.from({ length }, (_, i) => String(i));
  const right = isWord ? names.indexOf(String(said)) : -1;
  if (right >= 0) return right;
  const most = `an index from 0 to ${length - 1}`;
  return refuse(`${field} ${excerpt(said)}`, labels === undefined ? most : `one of ${excerpt(labels).slice(1, -1)}`);
}
