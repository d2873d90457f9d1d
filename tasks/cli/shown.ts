import { excerpt } from "../../lib/io/excerpt.ts";

/** What a person typed, as a message may quote it in one line: as it is where that is short and plain. */
export function shown(text: string): string {
  return /^[!-~](?:[ -~]{0,58}[!-~])?$/.test(text) ? text : excerpt(text);
}
