// What config.json says of the run that another one's first weights came from.
import { formatCount } from "../accounting/units.ts";
import { parseHash } from "../dataset/tokenizer_id.ts";
import type { JsonFields } from "../io/json_fields.ts";

/** A file of another run, and what was in it. */
export interface OriginFile {
  /** Its path. */
  readonly path: string;
  /** Its SHA-256, in hexadecimal. */
  readonly sha256: string;
}

/** Where a run's first weights came from; kept in its config.json. */
export interface RunOrigin {
  /** The other run, as it was named: `out/run@best`. */
  readonly run: string;
  /** How many steps that run had taken; absent where its files do not tell. */
  readonly step?: number;
  /** Its weights. */
  readonly weights: OriginFile;
  /** How many tokens the vocabulary got beyond that run's: their rows begin as the mean of its own. None if absent. */
  readonly newTokens?: number;
  /** Its optimizer's state, if that was taken over too. */
  readonly optimizer?: OriginFile;
}

/**
 * Reads a record from JSON that may come from anywhere.
 * @throws {UserError} If a field is missing, unknown, or of the wrong kind.
 */
export function originRecordOf(fields: JsonFields): RunOrigin {
  fields.allowOnly(["run", "step", "weights", "newTokens", "optimizer"]);
  const optimizer = fields.objectOrNone("optimizer");
  // The updates that the optimizer's state has seen.
  const step = optimizer ? fields.integer("step", { min: 0 }) : fields.integerOrNone("step", { min: 0 });
  return {
    run: fields.string("run"),
    ...(step !== undefined && { step }),
    weights: originFileOf(fields.object("weights")),
    ...(fields.has("newTokens") && { newTokens: fields.integer("newTokens", { min: 1 }) }),
    ...(optimizer && { optimizer: originFileOf(optimizer) }),
  };
}

function originFileOf(fields: JsonFields): OriginFile {
  fields.allowOnly(["path", "sha256"]);
  return { path: fields.string("path"), sha256: parseHash(fields, "sha256") };
}

/** What a run starts from, in a line. */
export function describeOrigin({ run, step, weights, optimizer }: RunOrigin): string {
  const taken = step === undefined ? "" : ` after ${formatCount(step)} steps`;
  return `${run}${taken} (sha256 ${weights.sha256.slice(0, 12)}…)${optimizer ? ", with its optimizer's state" : ""}`;
}
