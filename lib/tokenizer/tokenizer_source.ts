// Reads a tokenizer's file that is not on disk: from an address, a response or memory. Uses no Deno API, so that it
// also // runs in a browser.
import { UserError } from "../errors.ts";
import { decodeTokenizerText, MAX_BYTES, refuseFile } from "./vocabulary/tokenizer_text.ts";

/**
 * Where a tokenizer comes from. A string is a path, unless it begins like a web address, or like the text of a
 * tokenizer.json: with a brace and a quote.
 */
export type TokenizerSource = string | URL | Response | Uint8Array | ArrayBuffer;

/** The text of a tokenizer's file. */
export interface TokenizerText {
  /** Its name, in messages and elsewhere. */
  readonly name: string;
  readonly text: string;
}

/** The path, if a source is one; otherwise `undefined`. */
export function pathOf(source: TokenizerSource): string | undefined {
  if (typeof source === "string") return isJsonText(source) || isWebAddress(source) ? undefined : source;
  if (!(source instanceof URL) || source.protocol !== "file:") return undefined;
  // On Windows, the drive letter follows a slash.
  return decodeURIComponent(source.pathname).replace(/^\/(?=[A-Za-z]:)/, "");
}

/**
 * Reads a source that is not a path.
 *
 * @throws {UserError} If a server cannot be reached or has no such file, or the contents are too large or not UTF-8.
 */
export async function readSource(source: TokenizerSource): Promise<TokenizerText> {
  if (typeof source === "string" && isJsonText(source)) {
    return { name: "the text given", text: source.replace(/^\ufeff/, "") };
  }
  if (source instanceof Uint8Array || source instanceof ArrayBuffer) {
    const name = "the bytes given";
    const bytes = new Uint8Array(source);
    if (bytes.length > MAX_BYTES) refuseSize(name);
    return { name, text: decodeTokenizerText(bytes, name) };
  }
  const response = source instanceof Response ? source : await request(new URL(source));
  // A query is not part of a file's name, and may be a secret.
  const name = response.url === "" ? "the response given" : nameOf(new URL(response.url));
  if (!response.ok) {
    await response.body?.cancel();
    return refuseFile(name, `the answer ${`${response.status} ${response.statusText}`.trim()}`, "a file", CHECK);
  }
  return { name, text: decodeTokenizerText(await readBody(response, name), name) };
}

const CHECK = "Check the address";

const isJsonText = (text: string) => /^\s*\{\s*"/.test(text);
const isWebAddress = (text: string) => /^https?:\/\//i.test(text);

/** An address without its query and password. A `data:` address is nothing but content. */
function nameOf(url: URL): string {
  return url.host === "" ? `the ${url.protocol} address given` : `${url.protocol}//${url.host}${url.pathname}`;
}

async function request(url: URL): Promise<Response> {
  try {
    return await fetch(url);
  } catch (error) {
    // A refused permission is a different kind of error; the caller should see it.
    if (!(error instanceof TypeError)) throw error;
    throw new UserError(
      `Cannot read ${nameOf(url)}: got no answer (${error.message}), must be a server's file. ${CHECK}`,
      { cause: error },
    );
  }
}

/** A body's bytes. Reading stops as soon as there are too many, whatever the headers say. */
async function readBody(response: Response, name: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > MAX_BYTES) refuseSize(name);
    parts.push(part);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function refuseSize(name: string): never {
  return refuseFile(name, "a file that is too large", `at most ${MAX_BYTES} bytes`, "Name a tokenizer.json");
}
