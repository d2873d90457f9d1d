// --from: another run, whose weights, shape and tokenizer a new one begins with.
import { identifyTokenizer, requireTokenizerOf, type TokenizerId } from "../../lib/dataset/tokenizer_id.ts";
import type { TokenSource } from "../../lib/dataset/token_source.ts";
import { statIfPresent } from "../../lib/io/stat_if_present.ts";
import { excerpt } from "../../lib/io/excerpt.ts";
import { withDefaults } from "../../lib/model/architecture.ts";
import { ARCHITECTURE_DEFAULTS, type ModelConfig } from "../../lib/model/config.ts";
import { type ConfigParts, DEFAULT_PRESET, mergeConfigs, type MergedConfig } from "../../lib/run/merge_config.ts";
import {
  isImported,
  NoWeightsError,
  readAnyRunConfig,
  RUN_ENTRIES,
  type RunConfig,
} from "../../lib/run/run_directory.ts";
import { requireTransformer } from "../../lib/run/run_model.ts";
import { originOf, type OriginOptions, type RunOrigin } from "../../lib/run/run_origin.ts";
import { findRunTokenizer } from "../../lib/run/run_tokenizer.ts";
import type { Tokenizer } from "../../lib/tokenizer/mod.ts";
import { say, UsageError, UserError, wordingOf } from "../cli/errors.ts";
import { requireDirectory } from "../cli/files.ts";
import { shown } from "../cli/shown.ts";
import { flagOf } from "../cli/wording.ts";

/** The run that a new one begins with. */
export interface Parent {
  /** Its directory. */
  readonly directory: string;
  /** Its weights, for the new run's configuration. */
  readonly origin: RunOrigin;
  /** Its model's shape, as the lowest layer of the new configuration. */
  readonly parts: ConfigParts;
  /** The settings of that shape that were given for it; unknown in earlier versions. */
  readonly given: readonly string[] | undefined;
  /** The configuration that it was trained with; none of an imported model. */
  readonly config: RunConfig | undefined;
  /** The tokenizer in its directory. */
  readonly tokenizer: Tokenizer | undefined;
  /** The tokenizer of its ids, as far as is known. */
  readonly tokenizerId: TokenizerId | undefined;
}

/**
 * Opens the run that `--from` names.
 * @throws {UserError} If it is no run, or lacks what was asked for.
 */
export async function openParent(from: string, keepOptimizer: boolean): Promise<Parent> {
  const { directory, weights } = await parseFrom(from);
  await requireDirectory(directory, RUN_ENTRIES);
  const read = await readAnyRunConfig(directory);
  const config = isImported(read) ? undefined : read;
  const shape = requireTransformer(directory, read.model);
  const tokenizer = await findRunTokenizer(directory);
  return {
    directory,
    origin: await findOrigin(directory, { weights, keepOptimizer, name: from }),
    parts: { preset: config?.preset ?? DEFAULT_PRESET, model: { ...ARCHITECTURE_DEFAULTS, ...shape } },
    // An imported shape is no preset's: all of it was given.
    given: config ? config.given?.filter((name) => name.startsWith("model.")) : undefined,
    config,
    tokenizer,
    tokenizerId: config?.data.train.tokenizer ?? (tokenizer && identifyTokenizer(tokenizer, directory)),
  };
}

/** Takes RUN, RUN@best or RUN@STEP apart; a directory may have an @ in its name. */
async function parseFrom(from: string): Promise<{ directory: string } & Pick<OriginOptions, "weights">> {
  const [, directory, which] = /^(.+)@([^@/]+)$/s.exec(from) ?? [];
  if (directory === undefined || await statIfPresent(from) !== undefined) return { directory: from };
  if (which === "best" || which === "last") return { directory, weights: which };
  if (/^\d{1,12}$/.test(which)) return { directory, weights: { step: Number(which) } };
  throw new UsageError(
    `Cannot start from ${shown(from)}: got ${shown(which)} after the @, must be best, last or a checkpoint's step`,
  );
}

async function findOrigin(directory: string, options: OriginOptions): Promise<RunOrigin> {
  try {
    return await originOf(directory, options);
  } catch (error) {
    if (!(error instanceof NoWeightsError) || error.instead === undefined) throw error;
    throw new UserError(say`${wordingOf(error)}: --from ${directory}@${error.instead}`);
  }
}

/**
 * Checks that nothing that was given asks for another shape than the run's.
 * @param given By the file, and by the flags.
 * @throws {UsageError} Naming the first setting that does.
 */
export function requireParentShape(
  { directory, parts }: Parent,
  given: { readonly file: ConfigParts; readonly flags: ConfigParts },
): void {
  // The parts that were opened have every size.
  const shape = parts.model as ModelConfig;
  const full = withDefaults(shape);
  const hasPreset = given.file.preset !== undefined || given.flags.preset !== undefined;
  // A preset speaks for every size.
  const asked: Partial<ModelConfig> = hasPreset
    ? mergeConfigs([given.file, given.flags], shape.vocabSize).model
    : { ...given.file.model, ...given.flags.model };
  for (const [key, value] of Object.entries(asked) as [keyof ModelConfig, unknown][]) {
    // By content: the scaling of rotary positions is an object.
    if (value === undefined || JSON.stringify(value) === JSON.stringify(full[key])) continue;
    const source = given.flags.model?.[key] !== undefined
      ? `${flagOf(key)} ${value}`
      : given.flags.preset !== undefined
      ? `--preset ${given.flags.preset}, of ${flagOf(key)} ${value}`
      : `--config with model.${key} ${excerpt(value).replaceAll('"', "")}`;
    throw new UsageError(
      `Cannot start from ${directory}: got ${source}, must be that run's ${
        excerpt(full[key] ?? "none").replaceAll('"', "")
      }. Leave it out, or train a new model ` +
        "without --from",
    );
  }
}

/** @throws {UserError} If a tokenizer that was named is not the run's. */
export function requireParentTokenizer({ directory, tokenizerId }: Parent, tokenizer: Tokenizer, path: string): void {
  if (tokenizerId === undefined || identifyTokenizer(tokenizer).sha256 === tokenizerId.sha256) return;
  throw new UserError(
    `Cannot start from ${directory}: got --tokenizer ${path}, must be that run's own. Leave it out, or train a new model ` +
      "without --from",
  );
}

/** @throws {UserError} If tokens are not of the run's tokenizer. */
export function requireParentTokens({ tokenizerId }: Parent, sources: readonly (TokenSource | undefined)[]): void {
  if (tokenizerId === undefined) return;
  for (const source of sources) if (source) requireTokenizerOf(source, tokenizerId);
}

/** Whether a run sees the same windows as the one that it begins with, in the same order. */
export function drawsAsBefore({ config }: Parent, own: RunConfig): boolean {
  if (config === undefined) return false;
  const { data, training } = config;
  const isSame = (name: "seed" | "batchSize" | "gradAccumulation") => training[name] === own.training[name];
  return data.train.sha256 === own.data.train.sha256 && isSame("seed") && isSame("batchSize") &&
    isSame("gradAccumulation");
}

/** A configuration whose shape is the run's: what was given of it was given for that run, or by name for this one. */
export function withParentsGiven(merged: MergedConfig, { given }: Parent, flags: ConfigParts): MergedConfig {
  if (given === undefined) return merged;
  const own = Object.keys(flags.model ?? {}).map((key) => `model.${key}`);
  const kept = merged.given.filter((name) => !name.startsWith("model.") || given.includes(name) || own.includes(name));
  return { ...merged, given: kept };
}
