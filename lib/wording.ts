// What a message says besides plain words: an option, or a function that does the next step. A program calls them by
// other names than a person at a terminal, whose task gives the flag and the command in their place.

/** An option of the API, with the value it has or should have where that is said. */
export interface OptionPart {
  /** What tells it from a function. */
  readonly kind: "option";
  /** As the API spells it: `batchSize`. */
  readonly name: string;
  /** What it has, or should have. */
  readonly value?: string | number | boolean;
}

/** A function of the API, as the next step. */
export interface CallPart {
  /** What tells it from an option. */
  readonly kind: "call";
  /** As the API spells it: `encodeParts`. */
  readonly name: string;
  /** Options that it is to be given. */
  readonly options: readonly OptionPart[];
  /** The file or directory that it is for. */
  readonly path?: string;
}

/** A stretch of a message. */
export type Part = string | OptionPart | CallPart;

/** How the parts of a message that are no plain words are spelled. */
export interface Speller {
  /** Of an option. */
  readonly option: (option: OptionPart) => string;
  /** Of a function. */
  readonly call: (call: CallPart) => string;
}

/** The API's own spelling: `batchSize: 8`, and `encodeShards with replace: true`. */
export const API_SPELLING: Speller = {
  option: ({ name, value }) => value === undefined ? name : `${name}: ${JSON.stringify(value)}`,
  call: ({ name, options }) =>
    options.length === 0 ? name : `${name} with ${options.map(API_SPELLING.option).join(", ")}`,
};

/** The text of a message, of which somebody else may spell the options in another way. */
export class Wording {
  /**
   * Of parts.
   * @param parts In their order; plain data, which may go from one thread to another.
   */
  constructor(readonly parts: readonly Part[]) {}

  /** The whole text. */
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

/** An option, to be put into {@linkcode say}. */
export function option(name: string, value?: string | number | boolean): OptionPart {
  return { kind: "option", name, ...(value !== undefined && { value }) };
}

/** A function as the next step, to be put into {@linkcode say}. */
export function call(name: string, { options = [], path }: Partial<Pick<CallPart, "options" | "path">> = {}): CallPart {
  return { kind: "call", name, options, ...(path !== undefined && { path }) };
}

/** Tag of a template: a wording of its words and what is put between them, other wordings included. */
export function say(words: TemplateStringsArray, ...values: readonly (Part | Wording | number)[]): Wording {
  const parts = words.flatMap((text, i): readonly Part[] => {
    if (i === values.length) return [text];
    const value = values[i];
    if (value instanceof Wording) return [text, ...value.parts];
    return [text, typeof value === "number" ? String(value) : value];
  });
  return new Wording(parts.filter((part) => part !== ""));
}
