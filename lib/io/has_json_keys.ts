/** Whether a file is a JSON object with all of these keys. */
export async function hasJsonKeys(path: string, keys: readonly string[]): Promise<boolean> {
  try {
    const value: unknown = JSON.parse(await Deno.readTextFile(path));
    return typeof value === "object" && value !== null && keys.every((key) => Object.hasOwn(value, key));
  } catch (error) {
    const { NotFound, NotADirectory } = Deno.errors;
    if ([NotFound, NotADirectory, SyntaxError].some((kind) => error instanceof kind)) return false;
    throw error;
  }
}
