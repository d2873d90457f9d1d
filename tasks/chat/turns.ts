// What a person types, by turns: texts of one line or several, and commands.
import { UserError } from "../cli/errors.ts";

/** What a reader gives for a line that was cancelled: with it goes the text that it is part of. */
export const CANCELLED = Symbol("a line that was cancelled");

/**
 * Reads the next line, without its end; `undefined` at the end of input.
 * @param isInFence Whether it continues a text.
 */
export type ReadLine = (isInFence: boolean) => Promise<string | typeof CANCELLED | undefined>;

/** A text to answer, or a command: `/save chat.jsonl` has the name `save` and the rest `chat.jsonl`. */
export type Turn =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "command"; readonly name: string; readonly rest: string };

/** Lines between these are one text; they are no part of it. */
const QUOTES = '"""';
/** Lines between these are one text, to which they belong: code in Markdown. */
const CODE = "```";

/**
 * The turns of lines. Empty lines are passed over. A line that begins with a slash is a command, with two a text that begins
 * with one.
 *
 * @throws {UserError} If input ends within a fence.
 */
export async function* turnsOf(read: ReadLine): AsyncGenerator<Turn, void, void> {
  for (;;) {
    const line = await read(false);
    if (line === undefined) return;
    if (line === CANCELLED || line.trim() === "") continue;
    if (line.startsWith(QUOTES) || line.startsWith(CODE)) {
      const text = await fenced(line, read);
      if (text !== undefined && text.trim() !== "") yield { kind: "text", text };
    } else if (line.startsWith("/") && !line.startsWith("//")) {
      const [, name, rest] = /^\/(\S*)\s*(.*?)\s*$/s.exec(line)!;
      yield { kind: "command", name, rest };
    } else yield { kind: "text", text: line.startsWith("//") ? line.slice(1) : line };
  }
}

/** The text of a fence that a line opens; `undefined` if it is cancelled. */
async function fenced(opening: string, read: ReadLine): Promise<string | undefined> {
  const isCode = opening.startsWith(CODE);
  const fence = isCode ? CODE : QUOTES;
  const lines = [isCode ? opening : opening.slice(fence.length)];
  if (lines[0].trimEnd().endsWith(fence) && (!isCode || opening.trimEnd().length >= 2 * fence.length)) {
    return isCode ? opening : withoutEnd(lines[0], fence);
  }
  for (;;) {
    const line = await read(true);
    if (line === CANCELLED) return undefined;
    if (line === undefined) {
      throw new UserError(`Cannot read a text: got the end of input after ${fence}, must be another ${fence}. Add it`);
    }
    if (isCode) {
      lines.push(line);
      if (line.trim() === fence) return lines.join("\n");
    } else if (line.trimEnd().endsWith(fence)) {
      return [...lines, withoutEnd(line, fence)].join("\n").replace(/^\n|\n$/g, "");
    } else lines.push(line);
  }
}

function withoutEnd(line: string, fence: string): string {
  return line.trimEnd().slice(0, -fence.length);
}
