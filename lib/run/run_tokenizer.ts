import { describeTokenizer, identifyTokenizer, parseTokenizerId, type TokenizerId } from "../dataset/tokenizer_id.ts";
import { UserError } from "../errors.ts";
import { isFile } from "../io/is_file.ts";
import { JsonFields } from "../io/json_fields.ts";
import { readTextIfPresent } from "../io/read_text.ts";
import { loadTokenizer, type Tokenizer } from "../tokenizer/mod.ts";
import { RUN_FILES } from "./run_entries.ts";

const MAX_CONFIG_BYTES = 1 << 20;

/**
 * Loads the tokenizer in a run's directory.
 * @throws {UserError} If there is none, or it is not the one of the tokens that the run was trained on.
 */
export async function loadRunTokenizer(directory: string): Promise<Tokenizer> {
  const tokenizer = await loadTokenizer(directory);
  const own = identifyTokenizer(tokenizer);
  const trained = await tokenizerOfData(directory);
  if (trained === undefined || trained.sha256 === own.sha256) return tokenizer;
  throw new UserError(
    `Cannot use run ${directory}: got ${
      describeTokenizer(own)
    } beside its model, must be that of the tokens it is trained on, ${
      describeTokenizer(trained)
    }. Copy that tokenizer into the run`,
  );
}

/**
 * Loads the tokenizer in a run's directory; `undefined` if there is none.
 * @throws {UserError} If it is not the one of the tokens that the run was trained on.
 */
export async function findRunTokenizer(directory: string): Promise<Tokenizer | undefined> {
  for (const name of ["tokenizer.json", "vocab.json"]) {
    if (await isFile(`${directory}/${name}`)) return await loadRunTokenizer(directory);
  }
  return undefined;
}

/** The data that the run's config.json records; `undefined` if it records none. Nothing else in it is checked. */
async function tokenizerOfData(directory: string): Promise<TokenizerId | undefined> {
  const source = { name: `${directory}/${RUN_FILES.config}`, nextStep: "Restore the file, or train again" };
  const text = await readTextIfPresent(source.name, MAX_CONFIG_BYTES, source.nextStep);
  if (text === undefined) return undefined;
  const id = JsonFields.parse(text, source).objectOrNone("data")?.objectOrNone("train")?.objectOrNone("tokenizer");
  return id && parseTokenizerId(id);
}
