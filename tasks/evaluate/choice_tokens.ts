// Questions with answers to choose from, as what a model scores.
import { formatCount } from "../../lib/accounting/units.ts";
import { type Examples, tokensInMemory, type TokenSource } from "../../lib/dataset/token_source.ts";
import type { Tokenizer } from "../../lib/tokenizer/mod.ts";
import { UserError } from "../cli/errors.ts";
import { type ChoiceQuestion, readChoices } from "./choice_file.ts";

/** Questions as examples: one for each choice, of which the choice's tokens count. */
export interface ChoiceTokens extends TokenSource {
  readonly examples: Examples;
  /** In the order of the examples. */
  readonly questions: readonly ChoiceQuestion[];
  /** How many are left out, because they are longer than the context. */
  readonly tooLong: number;
}

/**
 * Reads and encodes a file of questions; it warns of those that are too long, and leaves them out.
 * @throws {UserError} If a question cannot be used, or all are too long.
 */
export async function openChoices(path: string, tokenizer: Tokenizer, contextLength: number): Promise<ChoiceTokens> {
  const [ids, counted, starts]: number[][] = [[], [], [0]];
  const questions: ChoiceQuestion[] = [];
  const tooLong: string[] = [];
  for await (const question of readChoices(path)) {
    const { name, prompt, choices } = question;
    const encoded = choices.map((choice) => encodeChoice(tokenizer, prompt, choice));
    const longest = Math.max(...encoded.map(({ ids }) => ids.length));
    // The last token is only a target.
    if (longest > contextLength + 1) {
      tooLong.push(`${name}, ${formatCount(longest)} tokens`);
      continue;
    }
    questions.push(question);
    for (const { ids: all, promptLength } of encoded) {
      for (const [i, id] of all.entries()) {
        ids.push(id);
        counted.push(i < promptLength ? 0 : 1);
      }
      starts.push(ids.length);
    }
  }
  const most = `${formatCount(contextLength + 1)} tokens`;
  if (questions.length === 0) {
    throw new UserError(
      `Cannot use ${path}: got only questions of more than ${most}, must be at most that. Shorten them: ${tooLong[0]}`,
    );
  }
  if (tooLong.length > 0) {
    const which = tooLong.length === 1 ? "1 question" : `${formatCount(tooLong.length)} questions`;
    console.error(`warning: left out ${which} of more than ${most}; the first is ${tooLong[0]}`);
  }
  const examples = { starts: Uint32Array.from(starts), counted: Uint8Array.from(counted) };
  return { ...tokensInMemory(ids, path), examples, questions, tooLong: tooLong.length };
}

interface EncodedChoice {
  readonly ids: readonly number[];
  /** How many of them are the prompt's. */
  readonly promptLength: number;
}

/**
 * Encodes a choice after its prompt and a space, as a text is encoded. Where that joins the end of the prompt and the space
 * to one token, each is encoded on its own, so that the prompt's tokens are the same for all choices.
 */
export function encodeChoice(tokenizer: Pick<Tokenizer, "encode">, prompt: string, choice: string): EncodedChoice {
  const before = tokenizer.encode(prompt);
  const whole = tokenizer.encode(`${prompt} ${choice}`);
  const isSplit = whole.length > before.length && before.every((id, i) => id === whole[i]);
  const ids = isSplit ? [...whole] : [...before, ...tokenizer.encode(` ${choice}`)];
  return { ids, promptLength: before.length };
}
