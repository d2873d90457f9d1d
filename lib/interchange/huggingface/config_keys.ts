// A Hugging Face config.json, read so that no key of it is passed over: each is used, ignored for a reason, or refused.
import { JsonFields, type NumberBounds } from "../../io/json_fields.ts";
import { IGNORED_KEYS } from "./ignored_keys.ts";

/** Says in messages what to do with a configuration that cannot be used. */
const NEXT_STEP = "Use a model of an architecture that is supported";

/**
 * Reads keys and remembers which ones. A value of `null` is that of an absent key: so transformers writes None.
 * Each method throws a `UserError` that names the file and the key if the value is of the wrong kind.
 */
export class ConfigKeys {
  readonly #fields: JsonFields;
  readonly #used = new Set<string>();

  private constructor(fields: JsonFields) {
    this.#fields = fields;
  }

  /** @throws {UserError} If the text is not a JSON object. */
  static parse(text: string, name: string): ConfigKeys {
    return new ConfigKeys(JsonFields.parse(text, { name, nextStep: NEXT_STEP }));
  }

  /** Whether there is a value that is not `null`. */
  has(name: string): boolean {
    return this.#fields.has(name) && this.#fields.value(name) !== null;
  }

  /** Whether the value is `null`, which for a few keys means something else than an absent key. */
  isNull(name: string): boolean {
    this.#used.add(name);
    return this.#fields.value(name) === null;
  }

  /** A whole number from 1 on, unless other bounds are given. Without a default, the key must be there. */
  integer(name: string, absent?: number, bounds: NumberBounds = { min: 1 }): number {
    return this.#read(name, absent, () => this.#fields.integer(name, bounds));
  }

  /** A finite number. */
  number(name: string, absent?: number): number {
    return this.#read(name, absent, () => this.#fields.number(name));
  }

  boolean(name: string, absent?: boolean): boolean {
    return this.#read(name, absent, () => this.#fields.boolean(name));
  }

  oneOf<const T extends string>(name: string, choices: readonly T[], absent?: T): T {
    return this.#read(name, absent, () => this.#fields.oneOf(name, choices));
  }

  /** The whole numbers of a list, or a single one; none where the key is absent. */
  integers(name: string): number[] {
    if (!this.has(name)) return this.#read(name, [], () => []);
    const value = this.#fields.value(name);
    const list = Array.isArray(value) ? value : [value];
    if (!list.every((n) => Number.isSafeInteger(n) && n >= 0)) {
      this.#fields.refuse(name, "a whole number, or a list of them");
    }
    this.#used.add(name);
    return list;
  }

  /** The words of a list; `undefined` where the key is absent. */
  words(name: string): string[] | undefined {
    this.#used.add(name);
    if (!this.has(name)) return undefined;
    const list = this.#fields.list(name);
    return list.every((word) => typeof word === "string")
      ? list as string[]
      : this.#fields.refuse(name, "a list of words");
  }

  /** The keys of an object; `undefined` where the key is absent. */
  object(name: string): ConfigKeys | undefined {
    this.#used.add(name);
    return this.has(name) ? new ConfigKeys(this.#fields.object(name)) : undefined;
  }

  /** @throws {UserError} If the key has another value than this one, which it has where it is absent. */
  mustBe(name: string, value: string | number | boolean): void {
    this.#used.add(name);
    if (this.has(name) && this.#fields.value(name) !== value) this.#fields.refuse(name, `${value}, or absent`);
  }

  /** Refuses the value of a key. */
  refuse(name: string, mustBe: string): never {
    return this.#fields.refuse(name, mustBe);
  }

  /**
   * Checks that each key was used, or is one that may be ignored.
   *
   * @throws {UserError} Naming the first that is not known: it might change what the model computes.
   */
  requireAllKnown(): void {
    for (const name of this.#fields.names) {
      if (this.#used.has(name) || !this.has(name) || Object.hasOwn(IGNORED_KEYS, name)) continue;
      this.#fields.refuse(name, "absent: it is not known whether it changes what the model computes");
    }
  }

  #read<T>(name: string, absent: T | undefined, read: () => T): T {
    this.#used.add(name);
    return !this.has(name) && absent !== undefined ? absent : read();
  }
}
