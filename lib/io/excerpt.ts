/** Characters of somebody else's text that a message quotes at most. */
const MAX_LENGTH = 60;

/**
 * A value from somebody else's file, as a message may quote it: JSON on one line, cut where it is long, with every
 * control character escaped.
 */
export function excerpt(value: unknown, maxLength = MAX_LENGTH): string {
  // Cut before it is escaped: a text may be as large as its file.
  const short = typeof value === "string" && value.length > maxLength ? value.slice(0, maxLength) : value;
  let text: string;
  try {
    // Written as JSON, NaN and the infinities would all read "null".
    text = typeof short === "number" ? String(short) : JSON.stringify(short) ?? String(short);
  } catch {
    text = `a ${typeof short}`; // circular, or nested too deeply
  }
  if (text.length <= maxLength + 2 && Object.is(short, value)) return escapeControls(text);
  const end = typeof short === "string" ? '…"' : "…";
  return escapeControls(text.slice(0, maxLength).replace(/"$/, "")) + end;
}

/** JSON leaves alone what a terminal may obey or what breaks a line: C1 controls, line separators, text direction. */
function escapeControls(text: string): string {
  return text.replace(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
