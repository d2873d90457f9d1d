// Checks how deep a JSON text nests before it is parsed: the parser takes about 48 bytes for each open level.

/** The most levels in a long text. No file that is read here has more than a few. */
export const MAX_JSON_DEPTH = 1000;

/** A shorter text cannot nest so deep that it matters, and lines of JSON Lines must be read fast. */
const SHORT = 1 << 16;

const QUOTE = 0x22, BACKSLASH = 0x5c, OPEN_LIST = 0x5b, CLOSE_LIST = 0x5d, OPEN_OBJECT = 0x7b, CLOSE_OBJECT = 0x7d;

/** Whether a text is long and has more than {@linkcode MAX_JSON_DEPTH} lists and objects open at once. */
export function nestsTooDeep(text: string): boolean {
  if (text.length < SHORT) return false;
  for (let at = 0, depth = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at + 1);
    } else if (code === OPEN_LIST || code === OPEN_OBJECT) {
      if (++depth > MAX_JSON_DEPTH) return true;
    } else if (code === CLOSE_LIST || code === CLOSE_OBJECT) {
      depth--;
    }
  }
  return false;
}

/** The position of the quote that ends a string; the text's length if there is none. */
function endOfString(text: string, from: number): number {
  for (let end = text.indexOf('"', from); end >= 0; end = text.indexOf('"', end + 1)) {
    let first = end;
    while (first > from && text.charCodeAt(first - 1) === BACKSLASH) first--;
    if ((end - first) % 2 === 0) return end;
  }
  return text.length;
}
