// A request's body as JSON: never more of it than a limit, and never for longer than a while.
import { JsonFields } from "../../lib/io/json_fields.ts";
import { ApiError } from "./api_error.ts";

/** What a body may be at most. */
export interface BodyLimits {
  readonly bytes: number;
  /** How long it may take to come. */
  readonly milliseconds: number;
}

export const BODY_LIMITS: BodyLimits = { bytes: 4 << 20, milliseconds: 30_000 };

/** Where fields are from, for messages. */
const REQUEST = { name: "the request", nextStep: "Correct it" };

/**
 * The fields of a request. Those that are `null` count as absent, as OpenAI's API has it.
 * @throws {ApiError} If the body is no JSON, too large, or does not come.
 * @throws {UserError} If it is not a JSON object.
 */
export async function readFields(request: Request, limits: BodyLimits = BODY_LIMITS): Promise<JsonFields> {
  const type = request.headers.get("content-type")?.split(";")[0].trim().toLowerCase();
  // A page of another site can send any other type without asking whether it may.
  if (type !== "application/json") {
    const got = type === undefined ? "none" : JSON.stringify(type);
    throw new ApiError(415, `Cannot read the request: got content type ${got}, must be application/json`);
  }
  const text = new TextDecoder().decode(await readBytes(request, limits));
  const { record } = JsonFields.parse(text, REQUEST);
  return JsonFields.of(Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null)), REQUEST);
}

async function readBytes(request: Request, { bytes, milliseconds }: BodyLimits): Promise<Uint8Array> {
  const tooLarge = (got: string) =>
    new ApiError(413, `Cannot read the request: got ${got} bytes, must be at most ${bytes}. Send less text`);
  const declared = Number(request.headers.get("content-length") ?? 0);
  if (declared > bytes) throw tooLarge(String(declared));
  if (request.body === null) return new Uint8Array();
  const reader = request.body.getReader();
  const slow = new ApiError(
    408,
    `Cannot read the request: got only a part in ${milliseconds / 1000} s, must be all of it. Send it again`,
  );
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(slow), milliseconds);
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const { value } = await Promise.race([reader.read(), late.promise]);
      if (value === undefined) break;
      size += value.length;
      if (size > bytes) throw tooLarge(`more than ${bytes}`);
      parts.push(value);
    }
  } catch (error) {
    // The rest is not wanted; a client that has gone away cannot be told so.
    reader.cancel().catch(() => {});
    throw error;
  } finally {
    clearTimeout(timer);
  }
  const all = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
