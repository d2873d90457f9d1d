import { say, UserError, type Wording } from "../errors.ts";

/**
 * The text of a small file; `undefined` if there is none.
 *
 * @param maxBytes The most bytes that a file of its kind has; a larger file cannot be one.
 * @param nextStep What to do if it is larger, a sentence without its full stop.
 * @throws {UserError} If it is larger, or not a file.
 */
export async function readTextIfPresent(
  path: string,
  maxBytes: number,
  nextStep: string | Wording,
): Promise<string | undefined> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  if (!info.isFile || info.size > maxBytes) {
    const got = info.isFile ? `${info.size} bytes` : "no file";
    throw new UserError(say`Cannot read ${path}: got ${got}, must be a file of at most ${maxBytes} bytes. ${nextStep}`);
  }
  return await Deno.readTextFile(path);
}
