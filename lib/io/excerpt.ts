/** The most characters of foreign text that a message quotes. */
const MAX_LENGTH = 60;

/**
 * A value from a file that may come from anywhere, as a message can quote it: JSON on one line, shortened if long, with
 * every control character escaped.
 */
export function excerpt(value: unknown, maxLength = MAX_LENGTH): string {
  // Shortened before it is escaped, because a text may be as large as its file.
  const short = typeof value === "string" && value.length > maxLength ? value.slice(0, maxLength) : value;
  let text: string;
  try {
    // As JSON, NaN and the infinities would all be "null".
    text = typeof short === "number" ? String(short) : JSON.stringify(short) ?? String(short);
  } catch {
    text = `a ${typeof short}`; // circular, or nested too deeply
  }
  if (text.length <= maxLength + 2 && Object.is(short, value)) return escapeControls(text);
  const end = typeof short === "string" ? '…"' : "…";
  return escapeControls(text.slice(0, maxLength).replace(/"$/, "")) + end;
}

/**
 * JSON does not escape all that a terminal obeys or that breaks a line: C1 controls, line separators, text direction.
 */
function escapeControls(text: string): string {
  return text.replace(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
