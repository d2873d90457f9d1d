import { isForPeople, OptionError, UserError } from "../../errors.ts";
import { loadTokenizer } from "../../formats/tokenizer_dir.ts";
import { isFile } from "../../io/is_file.ts";
import { readTextIfPresent } from "../../io/read_text.ts";
import { type ModelConfig, validateModelConfig } from "../../model/config.ts";
import type { ForeignModel, ForeignModelOptions } from "../foreign_model.ts";
import { placeParameters } from "../parameter_map.ts";
import { type ForeignTensor, parametersFrom, requireTensors } from "../tensor_files.ts";
import { withContextLength } from "../with_context_length.ts";
import { ConfigKeys } from "./config_keys.ts";
import { FAMILIES, type Family } from "./families.ts";
import { openWeightFiles } from "./weight_files.ts";

const CONFIG = "config.json";
const GENERATION_CONFIG = "generation_config.json";
const MAX_CONFIG_BYTES = 4 << 20;
const DTYPES = ["F32", "F16", "BF16"];

/** Files that hold a tokenizer; see `loadTokenizer`. */
const TOKENIZER_FILES = ["tokenizer.json", "vocab.json", "encoder.json", "tokenizer.model"];

/**
 * Opens a Hugging Face model directory: reads its config.json and the headers of its weights. No weights are read yet.
 *
 * @throws {UserError} If its architecture is not supported, naming the key that says so; if a key of its config.json is
 *   not known; or if a tensor is missing, too many, or of another shape or type.
 */
export async function openHuggingFaceModel(
  directory: string,
  options: ForeignModelOptions = {},
): Promise<ForeignModel> {
  const text = await readTextIfPresent(`${directory}/${CONFIG}`, MAX_CONFIG_BYTES, "Check the path");
  if (text === undefined) {
    throw new UserError(
      `Cannot import ${directory}: got no ${CONFIG} in it, must be a model's directory. Check the path`,
    );
  }
  const { architecture, family, full, eos } = readConfig(text, `${directory}/${CONFIG}`);
  const config = withContextLength(directory, full, options.contextLength);
  using opened = new DisposableStack();
  const files = opened.use(await openWeightFiles(directory));
  const tensors = withPrefix(files.tensors, family);
  const placed = placeParameters(config, family.places, full.contextLength);
  // A tied head may be in the file again; transformers does not read it either.
  const head = config.tieEmbeddings ? `${family.places.lm_head.stem}.weight` : undefined;
  const isIgnored = (name: string) => family.buffers.test(name) || name === head;
  requireTensors(tensors, { name: directory, placed, dtypes: DTYPES, isIgnored });
  const owned = opened.move();
  return {
    format: "huggingface",
    architecture,
    config,
    files: files.paths,
    weights: parametersFrom(tensors, placed),
    stopIds: await readStopIds(directory) ?? eos,
    tokenizer: async () => {
      for (const name of TOKENIZER_FILES) {
        if (await isFile(`${directory}/${name}`)) return await loadTokenizer(directory);
      }
      return undefined;
    },
    [Symbol.dispose]: () => owned.dispose(),
  };
}

interface ReadConfig {
  readonly architecture: string;
  readonly family: Family;
  readonly full: ModelConfig;
  readonly eos: readonly number[];
}

function readConfig(text: string, path: string): ReadConfig {
  const keys = ConfigKeys.parse(text, path);
  const architecture = keys.oneOf("model_type", Object.keys(FAMILIES));
  const family = FAMILIES[architecture];
  if (keys.words("architectures")?.includes(family.causal) === false) {
    keys.refuse("architectures", `a list with ${family.causal}, which computes logits`);
  }
  if (keys.object("quantization_config")) keys.refuse("quantization_config", "absent: weights in floating point");
  for (const name of ["is_encoder_decoder", "tie_encoder_decoder", "is_decoder", "add_cross_attention"]) {
    keys.mustBe(name, false);
  }
  keys.object("pruned_heads")?.requireAllKnown();
  if (keys.has("cross_attention_hidden_size")) keys.refuse("cross_attention_hidden_size", "absent");
  const read = family.read(keys);
  const eos = keys.integers("eos_token_id");
  keys.requireAllKnown();
  try {
    return { architecture, family, full: validateModelConfig(read), eos };
  } catch (error) {
    if (!(error instanceof OptionError) || !isForPeople(error)) throw error;
    throw new UserError(
      `Cannot import the model of ${path}: ${error.message.replace(/^Cannot build the model: /, "")}`,
    );
  }
}

/** The tensors by their full names: some directories leave out the prefix that all but the head's have. */
function withPrefix(
  tensors: ReadonlyMap<string, ForeignTensor>,
  { prefix, places }: Family,
): ReadonlyMap<string, ForeignTensor> {
  const head = `${places.lm_head.stem}.weight`;
  if ([...tensors.keys()].some((name) => name.startsWith(prefix))) return tensors;
  return new Map([...tensors].map(([name, tensor]) => [name === head ? name : prefix + name, tensor]));
}

/** The ids that end a text, from generation_config.json; nothing else in it is used. */
async function readStopIds(directory: string): Promise<number[] | undefined> {
  const path = `${directory}/${GENERATION_CONFIG}`;
  const text = await readTextIfPresent(path, MAX_CONFIG_BYTES, "Fetch the file again");
  if (text === undefined) return undefined;
  const keys = ConfigKeys.parse(text, path);
  return keys.has("eos_token_id") ? keys.integers("eos_token_id") : undefined;
}
