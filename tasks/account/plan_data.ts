// How many tokens a plan's text has: as given, assumed or measured.
import { examineFile } from "../../lib/corpus/examine_file.ts";
import { statIfPresent } from "../../lib/io/stat_if_present.ts";
import { UsageError, UserError } from "../cli/errors.ts";
import { requireInputFile } from "../cli/files.ts";
import { parseSize } from "../cli/sizes.ts";
import { type NamedTokenizer, openTokensOf } from "../cli/token_files.ts";

/** A plan's text. */
export interface PlanData {
  /** Absent for token ids that do not say how much text they were. */
  readonly bytes?: number;
  readonly tokens: number;
  /** How the number of tokens is known, for people. */
  readonly how: string;
  /** Of the tokenizer that made the token ids, if they say it. */
  readonly vocabSize?: number;
}

/** Bytes of English text in one of 32,000 tokens, roughly. */
const BYTES_PER_TOKEN = 4;

/** Bytes of a text that a tokenizer is measured on. */
const MEASURED_BYTES = 1 << 20;

/**
 * What `--data` names: a text, token ids, or a size.
 * @throws {UserError} If it is neither, or a file that cannot be measured.
 */
export async function readPlanData(
  data: string,
  { bytesPerToken, named }: { readonly bytesPerToken?: number; readonly named?: NamedTokenizer },
): Promise<PlanData> {
  const isFile = await statIfPresent(data) !== undefined;
  if (!isFile && /^[-+.\d]/.test(data)) {
    const how = bytesPerToken === undefined ? "assumed" : "as given";
    return fromBytes(parseSize("account", "data", data), bytesPerToken ?? BYTES_PER_TOKEN, how);
  }
  const bytes = await requireInputFile(data);
  if (/\.(?:npy|json)$/.test(data)) {
    if (bytesPerToken !== undefined) {
      throw new UsageError(
        "Cannot run account: got --bytes-per-token with token ids, must be left out: they are counted",
      );
    }
    using tokens = await openTokensOf(data, named);
    const text = tokens.provenance?.text?.bytes ?? undefined;
    return {
      ...(text !== undefined && { bytes: text }),
      tokens: tokens.length,
      how: "counted in the file",
      vocabSize: tokens.provenance?.tokenizer.vocabSize,
    };
  }
  const beginning = await readBeginning(data, Math.min(bytes, MEASURED_BYTES));
  const { packing, text } = await examineFile(data);
  const isText = text.kind === "text" && text.encoding === undefined;
  if (packing !== undefined || !isText) {
    const got = packing !== undefined ? "a compressed file" : text.kind === "other" ? text.format : "text in UTF-16";
    throw new UserError(
      `Cannot plan with ${data}: got ${got}, must be text. Give the size of the text, such as --data 2GB`,
    );
  }
  if (bytesPerToken !== undefined) return fromBytes(bytes, bytesPerToken, "as given");
  if (named === undefined) return fromBytes(bytes, BYTES_PER_TOKEN, "assumed");
  const measured = beginning.length / named.tokenizer.encode(beginning).length;
  return fromBytes(bytes, measured, beginning.length < bytes ? "measured on the first MiB" : "measured");
}

async function readBeginning(path: string, length: number): Promise<Uint8Array> {
  using file = await Deno.open(path);
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const read = await file.read(bytes.subarray(filled));
    if (read === null) break;
    filled += read;
  }
  return bytes.subarray(0, filled);
}

function fromBytes(bytes: number, bytesPerToken: number, how: string): PlanData {
  const rounded = Number(bytesPerToken.toPrecision(3));
  return { bytes, tokens: Math.floor(bytes / bytesPerToken), how: `${rounded} bytes a token, ${how}` };
}
