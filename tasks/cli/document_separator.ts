// What stands between the documents of a text, as a person types it.
import { UsageError } from "./errors.ts";
import { shown } from "./shown.ts";

/** The flag that names it. */
export const DOCUMENT_SEPARATOR_FLAG = { type: "string" } as const;

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", f: "\f", "\\": "\\" };

/**
 * Reads what `--document-separator` was given, in which `\n`, `\r`, `\t`, `\f` and `\\` stand for what they do in programs.
 * @throws {UsageError} If a backslash stands before anything else.
 */
export function parseDocumentSeparator(task: string, text: string | undefined): string | undefined {
  return text?.replace(/\\(.?)/gsu, (escape, letter) => {
    if (Object.hasOwn(ESCAPES, letter)) return ESCAPES[letter];
    throw new UsageError(
      `Cannot run ${task}: got ${shown(escape)} in --document-separator, must be \\n, \\r, \\t, \\f or \\\\. ` +
        `See: deno task ${task} --help`,
    );
  });
}
