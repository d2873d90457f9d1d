import { option, say, UserError } from "../errors.ts";

/**
 * Checks ids against a model's vocabulary.
 * @param name Their source's name.
 * @param start Where the ids lie in their source.
 * @throws {UserError} If one is not below the vocabulary's size.
 */
export function requireBelow(ids: Uint16Array | Uint32Array, vocabSize: number, name: string, start: number): void {
  let largest = 0;
  for (const id of ids) if (id > largest) largest = id;
  if (largest < vocabSize) return;
  const at = ids.findIndex((id) => id >= vocabSize);
  throw new UserError(
    say`Cannot use ${name}: got token id ${ids[at]} at position ${
      start + at
    }, must be below the model's vocabulary size ${vocabSize}. Encode with its tokenizer, or raise ${
      option("vocabSize")
    }`,
  );
}
