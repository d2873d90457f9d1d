// JSON objects from files that may come from anywhere: every field is checked as it is read.
import { say, UserError, type Wording } from "../errors.ts";
import { excerpt } from "./excerpt.ts";
import { MAX_JSON_DEPTH, nestsTooDeep } from "./json_depth.ts";
import { numberFromJson } from "./json_number.ts";

/** A file's name for messages, and what to do if it cannot be used. */
export interface JsonSource {
  /** The file's path. */
  readonly name: string;
  /** What to do next, a sentence without its full stop: `Write the file again`. */
  readonly nextStep: string | Wording;
}

/** Thrown if one field of a JSON object cannot be used. */
export class JsonFieldError extends UserError {
  /** Which: `seed`, or `model.seed` for one in another object. */
  readonly field: string;

  constructor(message: string | Wording, field: string) {
    super(message);
    this.field = field;
  }
}

/** Bounds of a number, both inclusive. */
export interface NumberBounds {
  readonly min?: number;
  readonly max?: number;
}

/**
 * The fields of a JSON object. Each method reads one field, and throws a {@linkcode UserError} that names the file and the
 * field if the value is of the wrong kind. Methods that end in `OrNone` return `undefined` for an absent field.
 */
export class JsonFields {
  readonly #record: Readonly<Record<string, unknown>>;
  readonly #source: JsonSource;
  /** Where in the file the object is: empty, or `"model."`. */
  readonly #path: string;

  private constructor(record: Readonly<Record<string, unknown>>, source: JsonSource, path: string) {
    this.#record = record;
    this.#source = source;
    this.#path = path;
  }

  /** @throws {UserError} If the text is not a JSON object. */
  static parse(text: string, source: JsonSource): JsonFields {
    return JsonFields.of(parseJsonText(text, source), source);
  }

  /**
   * @param path Where in the file the value is, ending in a dot; empty for the whole file.
   * @throws {UserError} If the value is not a JSON object.
   */
  static of(value: unknown, source: JsonSource, path = ""): JsonFields {
    if (!isJsonObject(value)) {
      const field = `"${path.slice(0, -1)}"`;
      const got = path === "" ? excerpt(value) : value === undefined ? `no ${field}` : `${field} ${excerpt(value)}`;
      throw refusal(source, got, "a JSON object");
    }
    return new JsonFields(value, source, path);
  }

  /** The names of all fields. */
  get names(): string[] {
    return Object.keys(this.#record);
  }

  /** The object as it is. */
  get record(): Readonly<Record<string, unknown>> {
    return this.#record;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#record, name) && this.#record[name] !== undefined;
  }

  /** The value as it is; `undefined` where it is absent. */
  value(name: string): unknown {
    return Object.hasOwn(this.#record, name) ? this.#record[name] : undefined;
  }

  string(name: string): string {
    const value = this.value(name);
    return typeof value === "string" ? value : this.refuse(name, "a text");
  }

  boolean(name: string): boolean {
    const value = this.value(name);
    return typeof value === "boolean" ? value : this.refuse(name, "true or false");
  }

  /** A finite number. */
  number(name: string, bounds: NumberBounds = {}): number {
    return this.#number(name, "a number", bounds, Number.isFinite);
  }

  /** A number, including NaN and the infinities as `stringifyNumbers` writes them. */
  anyNumber(name: string): number {
    return numberFromJson(this.value(name)) ?? this.refuse(name, 'a number, "NaN", "Infinity" or "-Infinity"');
  }

  /** A whole number that a double holds exactly. */
  integer(name: string, bounds: NumberBounds = {}): number {
    return this.#number(name, "a whole number", bounds, Number.isSafeInteger);
  }

  oneOf<const T extends string>(name: string, choices: readonly T[]): T {
    const value = this.value(name);
    const found = choices.find((choice) => choice === value);
    return found ?? this.refuse(name, `one of ${choices.join(", ")}`);
  }

  list(name: string): readonly unknown[] {
    const value = this.value(name);
    return Array.isArray(value) ? value : this.refuse(name, "a list");
  }

  /** The objects of a list. */
  objects(name: string): JsonFields[] {
    return this.list(name).map((value, i) => JsonFields.of(value, this.#source, `${this.#path}${name}[${i}].`));
  }

  object(name: string): JsonFields {
    return JsonFields.of(this.value(name), this.#source, `${this.#path}${name}.`);
  }

  stringOrNone(name: string): string | undefined {
    return this.has(name) ? this.string(name) : undefined;
  }

  booleanOrNone(name: string): boolean | undefined {
    return this.has(name) ? this.boolean(name) : undefined;
  }

  numberOrNone(name: string, bounds?: NumberBounds): number | undefined {
    return this.has(name) ? this.number(name, bounds) : undefined;
  }

  anyNumberOrNone(name: string): number | undefined {
    return this.has(name) ? this.anyNumber(name) : undefined;
  }

  integerOrNone(name: string, bounds?: NumberBounds): number | undefined {
    return this.has(name) ? this.integer(name, bounds) : undefined;
  }

  objectOrNone(name: string): JsonFields | undefined {
    return this.has(name) ? this.object(name) : undefined;
  }

  /** @throws {UserError} Naming the first field that is none of `names`. */
  allowOnly(names: readonly string[]): void {
    const unknown = this.names.find((name) => !names.includes(name));
    if (unknown === undefined) return;
    const known = names.map((name) => this.#path + name).join(", ");
    const message = refusalMessage(this.#source, excerpt(this.#path + unknown), `one of ${known}`);
    throw new JsonFieldError(message, this.#path + unknown);
  }

  /** Refuses the value of a field. */
  refuse(name: string, mustBe: string): never {
    const value = this.value(name);
    const field = excerpt(this.#path + name);
    const got = value === undefined ? `no ${field}` : `${field} ${excerpt(value)}`;
    throw new JsonFieldError(refusalMessage(this.#source, got, mustBe), this.#path + name);
  }

  #number(name: string, kind: string, { min, max }: NumberBounds, isKind: (value: number) => boolean): number {
    const value = this.value(name);
    if (typeof value === "number" && isKind(value) && value >= (min ?? -Infinity) && value <= (max ?? Infinity)) {
      return value;
    }
    const bounds = [min === undefined ? "" : `at least ${min}`, max === undefined ? "" : `at most ${max}`];
    return this.refuse(name, `${kind} ${bounds.filter((bound) => bound !== "").join(" and ")}`.trim());
  }
}

/**
 * The value of a JSON text, which may start with a byte order mark.
 * @throws {UserError} If the text is not JSON, or is long and nests deeper than any that is read here.
 */
export function parseJsonText(text: string, source: JsonSource): unknown {
  if (nestsTooDeep(text)) {
    throw refusal(source, `JSON nested more than ${MAX_JSON_DEPTH} levels deep`, "at most that");
  }
  try {
    return JSON.parse(withoutMark(text));
  } catch (error) {
    // A RangeError: nested too deeply.
    if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error;
    // The parser's message quotes the text, at any length.
    const said = error.message.replace(
      / in JSON at position \d+ \(line (\d+) column (\d+)\)/,
      " at line $1, column $2",
    );
    const got = `text that is not JSON (${excerpt(said, 120).slice(1, -1)})`;
    throw new UserError(say`Cannot read ${source.name}: got ${got}. ${source.nextStep}`);
  }
}

/** The text without the byte order mark that some editors put before it: it is no part of JSON. */
export function withoutMark(text: string): string {
  return text.startsWith("\ufeff") ? text.slice(1) : text;
}

/** Whether a value of JSON is an object: neither `null` nor a list. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refusal(source: JsonSource, got: string, mustBe: string): UserError {
  return new UserError(refusalMessage(source, got, mustBe));
}

function refusalMessage({ name, nextStep }: JsonSource, got: string, mustBe: string): Wording {
  return say`Cannot read ${name}: got ${got}, must be ${mustBe}. ${nextStep}`;
}
