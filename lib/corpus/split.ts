import { UserError } from "../errors.ts";

/**
 * Splits a text in two at the end of a paragraph: training text first, then validation text with about `validFraction`
 * of
 * the bytes. The two parts together are the text.
 *
 * @param text UTF-8 bytes.
 * @throws {UserError} If neither a paragraph nor a line ends where it would leave something in both parts.
 */
export function splitText(text: Uint8Array, validFraction: number): { train: Uint8Array; valid: Uint8Array } {
  const wanted = Math.round(text.length * (1 - validFraction));
  const cut = lastEnd(text, wanted, "\n\n") ?? lastEnd(text, wanted, "\n");
  if (cut === undefined || cut === text.length) {
    throw new UserError(`Cannot split the text: got no line that ends before byte ${wanted}, must have several lines`);
  }
  return { train: text.subarray(0, cut), valid: text.subarray(cut) };
}

/** The position after the last `mark` that ends at or before `limit`. */
function lastEnd(text: Uint8Array, limit: number, mark: "\n" | "\n\n"): number | undefined {
  for (let end = limit; end >= mark.length; end--) {
    if (text[end - 1] === 0x0a && (mark === "\n" || text[end - 2] === 0x0a)) return end;
  }
  return undefined;
}
