// The parts of messages that are not plain text: options, and functions for the next step. Programs know them by other
// names than people at a terminal, for whom tasks put flags and commands in their place.

/** An option of the API, perhaps with the value that it has or should have. */
export interface OptionPart {
  /** Tells it from a function. */
  readonly kind: "option";
  /** Its name in the API: `batchSize`. */
  readonly name: string;
  /** The value that it has or should have. */
  readonly value?: string | number | boolean;
}

/** A function of the API to call next. */
export interface CallPart {
  /** Tells it from an option. */
  readonly kind: "call";
  /** Its name in the API: `encodeParts`. */
  readonly name: string;
  /** The options to pass to it. */
  readonly options: readonly OptionPart[];
  /** The file or directory that it is for. */
  readonly path?: string;
}

/** A part of a message. */
export type Part = string | OptionPart | CallPart;

/** Spells the parts of a message that are not plain text. */
export interface Speller {
  /** Spells an option. */
  readonly option: (option: OptionPart) => string;
  /** Spells a function. */
  readonly call: (call: CallPart) => string;
}

/** The API's own spelling: `batchSize: 8`, and `encodeShards with replace: true`. */
export const API_SPELLING: Speller = {
  option: ({ name, value }) => value === undefined ? name : `${name}: ${JSON.stringify(value)}`,
  call: ({ name, options }) =>
    options.length === 0 ? name : `${name} with ${options.map(API_SPELLING.option).join(", ")}`,
};

/** The text of a message whose options can be spelled in different ways. */
export class Wording {
  /**
   * From parts.
   * @param parts The parts, in order. Plain data, which can be sent from one thread to another.
   */
  constructor(readonly parts: readonly Part[]) {}

  /** The whole text, with options spelled by `speller`. */
  spelled(speller: Speller): string {
    return this.parts.map((part) => typeof part === "string" ? part : spell(part, speller)).join("");
  }

  /** The whole text as the API spells it. */
  toString(): string {
    return this.spelled(API_SPELLING);
  }
}

function spell(part: OptionPart | CallPart, speller: Speller): string {
  return part.kind === "option" ? speller.option(part) : speller.call(part);
}

/** An option, for use in {@linkcode say}. */
export function option(name: string, value?: string | number | boolean): OptionPart {
  return { kind: "option", name, ...(value !== undefined && { value }) };
}

/** A function to call next, for use in {@linkcode say}. */
export function call(name: string, { options = [], path }: Partial<Pick<CallPart, "options" | "path">> = {}): CallPart {
  return { kind: "call", name, options, ...(path !== undefined && { path }) };
}

/** A template tag: makes a wording from text and the parts between, which may be other wordings. */
export function say(words: TemplateStringsArray, ...values: readonly (Part | Wording | number)[]): Wording {
  const parts = words.flatMap((text, i): readonly Part[] => {
    if (i === values.length) return [text];
    const value = values[i];
    if (value instanceof Wording) return [text, ...value.parts];
    return [text, typeof value === "number" ? String(value) : value];
  });
  return new Wording(parts.filter((part) => part !== ""));
}
