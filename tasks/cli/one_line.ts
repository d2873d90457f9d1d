/** Characters of a message at most: it may quote a path, or what another program said. */
const MAX_LENGTH = 1000;

/** A message on one line, cut if it is long. Control characters are escaped, so that a terminal does not obey them. */
export function oneLine(message: string): string {
  const short = message.length > MAX_LENGTH ? `${message.slice(0, MAX_LENGTH - 1)}…` : message;
  return short.replace(/[ \t]*[\r\n]\s*/g, " ").replace(
    // deno-lint-ignore no-control-regex
    /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
