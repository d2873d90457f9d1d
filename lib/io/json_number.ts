// Numbers that JSON does not have, NaN and the infinities, written as strings and read back.

const TEXTS: ReadonlyMap<string, number> = new Map([["NaN", NaN], ["Infinity", Infinity], ["-Infinity", -Infinity]]);

/** JSON in which NaN and the infinities are the strings "NaN", "Infinity" and "-Infinity" instead of `null`. */
export function stringifyNumbers(value: unknown, indent?: number): string {
  const written = (_key: string, part: unknown) =>
    typeof part === "number" && !Number.isFinite(part) ? String(part) : part;
  return JSON.stringify(value, written, indent);
}

/**
 * The number that `stringifyNumbers` wrote; `undefined` for a value that it would not have written. `null`, which
 * `JSON.stringify` writes for such numbers, is NaN.
 */
export function numberFromJson(value: unknown): number | undefined {
  if (value === null) return NaN;
  return typeof value === "number" ? value : typeof value === "string" ? TEXTS.get(value) : undefined;
}
