import { nestsTooDeep } from "./json_depth.ts";
import { isJsonObject, withoutMark } from "./json_fields.ts";

/** Whether a file is a JSON object with all of these keys. */
export async function hasJsonKeys(path: string, keys: readonly string[]): Promise<boolean> {
  try {
    const text = await Deno.readTextFile(path);
    const value: unknown = nestsTooDeep(text) ? undefined : JSON.parse(withoutMark(text));
    return isJsonObject(value) && keys.every((key) => Object.hasOwn(value, key));
  } catch (error) {
    const { NotFound, NotADirectory } = Deno.errors;
    if ([NotFound, NotADirectory, SyntaxError].some((kind) => error instanceof kind)) return false;
    throw error;
  }
}
