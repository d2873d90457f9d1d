// A plan of a run: what to train in so much time on a device.
import { PRESETS } from "../../lib/model/config.ts";
import type { ConfigParts } from "../../lib/run/merge_config.ts";
import { rateOfWidth } from "../../lib/run/model_ladder.ts";
import { planForDevice } from "../../lib/run/plan_for_device.ts";
import { TRAINING_DEFAULTS } from "../../lib/train/config.ts";
import { UsageError } from "../cli/errors.ts";
import { openTokenizer } from "../cli/tokenizer.ts";
import { deviceNamed } from "./device_flag.ts";
import { namedShape, type ShapeOverrides } from "./models.ts";
import { derivePlan } from "./plan_derivation.ts";
import { readPlanData } from "./plan_data.ts";
import { formatPlan } from "./plan_text.ts";

/** Flags that only a plan takes. */
export const PLAN_FLAGS = {
  hours: { type: "number", above: 0 },
  minutes: { type: "number", above: 0 },
  data: { type: "string" },
  price: { type: "number", min: 0 },
  tokenizer: { type: "string" },
  "bytes-per-token": { type: "number", above: 0 },
  explain: { type: "boolean" },
} as const;

/** Those that a plan shares with other accounts. */
const SHARED_FLAGS = ["device", "mfu", "model", "json"];
/** Those that change a named model. */
const SHAPE_FLAGS = [
  "context-length",
  "d-model",
  "num-layers",
  "num-heads",
  "d-ff",
  "ffn",
  "tie-embeddings",
];

/** The vocabulary where nothing says how large it is. */
const VOCAB_SIZE = 32_000;

/** The flags of a plan. */
export interface PlanFlags extends ShapeOverrides {
  readonly hours?: number;
  readonly minutes?: number;
  readonly data?: string;
  readonly price?: number;
  readonly tokenizer?: string;
  readonly "bytes-per-token"?: number;
  readonly explain: boolean;
  readonly device?: string;
  readonly mfu?: number;
  readonly model?: string;
  readonly json: boolean;
}

/** Whether the flags ask for a plan. */
export function isPlan(flags: PlanFlags): boolean {
  return Object.keys(PLAN_FLAGS).some((name) => isGiven(flags, name));
}

/** @throws {UserError} If the flags do not go together, or nothing can be trained. */
export async function planText(flags: PlanFlags): Promise<string> {
  const { seconds, data: dataName } = requirePlanFlags(flags);
  const tokenizer = flags.tokenizer === undefined ? undefined : await openTokenizer(flags.tokenizer);
  const named = tokenizer && { tokenizer, path: flags.tokenizer! };
  const data = await readPlanData(dataName, { bytesPerToken: flags["bytes-per-token"], named });
  const vocabSize = flags["vocab-size"] ?? tokenizer?.vocabSize ?? data.vocabSize ??
    (flags.model === undefined ? undefined : PRESETS[flags.model]?.vocabSize) ?? VOCAB_SIZE;
  const plan = planForDevice({
    device: deviceNamed(flags.device ?? "a100"),
    seconds,
    corpusTokens: data.tokens,
    vocabSize,
    ...(flags.model !== undefined && { model: partsOf(flags.model, { ...flags, "vocab-size": vocabSize }) }),
    mfu: flags.mfu,
  });
  const hours = (plan.isCorpusUsedUp ? plan.estimatedSeconds : seconds) / 3600;
  const price = flags.price === undefined ? undefined : { perHour: flags.price, total: hours * flags.price };
  const run = { plan, data, hours, ...(price && { price }) };
  if (flags.json) return JSON.stringify(run, null, 2);
  return flags.explain ? `${formatPlan(run)}\n\n${derivePlan(run)}` : formatPlan(run);
}

/** The parts of a configuration that a named model is. */
function partsOf(name: string, overrides: ShapeOverrides): ConfigParts {
  const { shape } = namedShape(name, overrides);
  return { model: shape, training: { lr: rateOfWidth(TRAINING_DEFAULTS.lr, shape.dModel) } };
}

function requirePlanFlags(flags: PlanFlags): { readonly seconds: number; readonly data: string } {
  const refuse = (problem: string): never => {
    throw new UsageError(`Cannot plan a run: ${problem}. See: deno task account --help`);
  };
  const { hours, minutes, data } = flags;
  if (hours !== undefined && minutes !== undefined) refuse("got --hours and --minutes, must be only one of them");
  const own = Object.keys(PLAN_FLAGS);
  const allowed = [...own, ...SHARED_FLAGS, "vocab-size", ...(flags.model === undefined ? [] : SHAPE_FLAGS)];
  const other = Object.keys(flags).find((name) => isGiven(flags, name) && !allowed.includes(name) && name !== "chart");
  if (other !== undefined) {
    const used = own.filter((name) => isGiven(flags, name)).map((name) => `--${name}`);
    const needsModel = SHAPE_FLAGS.includes(other) ? " (with --model too)" : "";
    refuse(`got --${other} with ${used[0]}, must be only one of them${needsModel}: a plan chooses the rest`);
  }
  const seconds = hours !== undefined ? 3600 * hours : minutes !== undefined ? 60 * minutes : undefined;
  if (seconds === undefined) return refuse("--hours or --minutes is required");
  if (data === undefined) return refuse("--data is required: the size of the text, such as 2GB, or its file");
  return { seconds, data };
}

/** A switch that was not given is `false`. */
function isGiven(flags: object, name: string): boolean {
  const value: unknown = (flags as Readonly<Record<string, unknown>>)[name];
  return value !== undefined && value !== false;
}
