// The metadata of an architecture in a GGUF file, read so that no key of it is passed over.
import type { GgufMetadata } from "../../formats/gguf/gguf.ts";

/** Keys of any architecture that change nothing that is computed, without the architecture's name. */
const IGNORED: readonly string[] = [
  "vocab_size", // the embedding's rows
  "tensor_data_layout",
  "rope.scaling.finetuned",
  "pooling_type",
];

/** Reads keys after `llama.` or another architecture's name, and remembers which ones. */
export class GgufKeys {
  /** The architecture: `llama`. */
  readonly architecture: string;
  readonly #metadata: GgufMetadata;
  readonly #used = new Set<string>();

  constructor(metadata: GgufMetadata, architecture: string) {
    this.#metadata = metadata;
    this.architecture = architecture;
  }

  has(key: string): boolean {
    return this.#metadata.has(this.#named(key));
  }

  /** A whole number from 1 on; without a default, the key must be there. */
  integer(key: string, absent?: number): number {
    const name = this.#named(key);
    return absent === undefined ? this.#metadata.integer(name, 1) : this.#metadata.integerOrNone(name, 1) ?? absent;
  }

  /** A number: the shortest decimal one that is it in float32, since files round to that. */
  number(key: string, absent?: number): number {
    const name = this.#named(key);
    if (absent !== undefined && !this.#metadata.has(name)) return absent;
    return shortestOf(this.#metadata.number(name));
  }

  boolean(key: string, absent: boolean): boolean {
    return this.#metadata.booleanOrNone(this.#named(key)) ?? absent;
  }

  string(key: string, absent: string): string {
    return this.#metadata.stringOrNone(this.#named(key)) ?? absent;
  }

  /** Refuses the value of a key. */
  refuse(key: string, mustBe: string): never {
    return this.#metadata.refuse(this.#named(key), mustBe);
  }

  /** @throws {UserError} If the key is there and has another value. */
  mustBe(key: string, value: number | boolean): void {
    const name = this.#named(key);
    const found = this.#metadata.values.get(name);
    if (found !== undefined && found.value !== value) this.#metadata.refuse(name, `${value}, or absent`);
  }

  /** @throws {UserError} Naming the first key of the architecture that was not read: it might change what it computes. */
  requireAllKnown(): void {
    const prefix = `${this.architecture}.`;
    for (const key of this.#metadata.values.keys()) {
      if (!key.startsWith(prefix) || this.#used.has(key) || IGNORED.includes(key.slice(prefix.length))) continue;
      this.#metadata.refuse(key, "absent: it is not known whether it changes what the model computes");
    }
  }

  #named(key: string): string {
    const name = `${this.architecture}.${key}`;
    this.#used.add(name);
    return name;
  }
}

/** The shortest decimal number that float32 rounds to the same: 0.00001 of 0.000009999999747378752. */
function shortestOf(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === Math.fround(value)) return short;
  }
  return value;
}
