// The separator between a text's documents, as it is typed.
import type { Tokenizer } from "../../lib/tokenizer/mod.ts";
import { UsageError, UserError } from "./errors.ts";
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

/** The flags that say what becomes a special token between texts, and between the documents of a text. */
export interface SeparatorFlags {
  /** The token to put after each text. */
  readonly separator?: string;
  /** The text between documents. */
  readonly "document-separator"?: string;
}

/** Separates documents if no other token is named, as in GPT-2's training text. */
const END_OF_TEXT = "<|endoftext|>";

/**
 * The special tokens that the flags ask for.
 * @param name The tokenizer's path, for messages.
 * @throws {UsageError} If --document-separator has an escape that means nothing.
 * @throws {UserError} If the tokenizer does not have such a special token.
 */
export function separatorTokens(task: string, name: string, tokenizer: Tokenizer, flags: SeparatorFlags) {
  const { separator } = flags;
  const text = parseDocumentSeparator(task, flags["document-separator"]);
  const idOf = (token: string, where: string): number => {
    const id = tokenizer.specialTokens.get(token);
    if (id !== undefined) return id;
    const known = [...tokenizer.specialTokens.keys()].join(", ") || "none";
    throw new UserError(
      `Cannot put ${token} ${where}: the special tokens of ${name} are ${known}. To train another: deno task train-bpe --help`,
    );
  };
  const between = text === undefined ? undefined : idOf(separator ?? END_OF_TEXT, "between documents");
  return {
    separatorId: separator === undefined ? undefined : idOf(separator, "after each text"),
    documentSeparator: text === undefined ? undefined : { text, id: between! },
  } as const;
}
