import { excerpt } from "../../lib/io/excerpt.ts";

/** What somebody typed, as a message can quote it in one line: unchanged if it is short and plain. */
export function shown(text: string): string {
  return /^[!-~](?:[ -~]{0,58}[!-~])?$/.test(text) ? text : excerpt(text);
}
