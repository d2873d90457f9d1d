// The few kinds of Python literals in headers of .npy files.
// Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, ast.literal_eval of a dictionary.

/** The value of a literal. Tuples and lists differ in Python, but not here. */
export type PythonValue = string | number | boolean | null | readonly PythonValue[] | PythonDict;

/** A dictionary with string keys. */
export type PythonDict = ReadonlyMap<string, PythonValue>;

/** Nested structures of arrays can be as deep as people like; nobody nests this deep. */
const MAX_DEPTH = 64;

/**
 * Reads one literal: text, whole numbers, True, False, None, tuples, lists, dictionaries.
 * @throws {SyntaxError} If the text is anything else, naming the position.
 */
export function parsePythonLiteral(text: string): PythonValue {
  const reader = new LiteralReader(text);
  const value = reader.value(0);
  reader.end();
  return value;
}

class LiteralReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): PythonValue {
    if (depth > MAX_DEPTH) this.#fail(`at most ${MAX_DEPTH} brackets in each other`);
    const word = this.#take(/True|False|None/y);
    if (word !== undefined) return word === "None" ? null : word === "True";
    // Python 2 wrote an L after a large number.
    const number = this.#take(/[+-]?\d+/y);
    if (number !== undefined) {
      this.#take(/L/y);
      return Number(number);
    }
    const string = this.#take(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/y);
    if (string !== undefined) return string.slice(1, -1).replace(/\\(['"\\])/g, "$1");
    if (this.#take(/\(/y) !== undefined) return this.#items(/\)/y, depth);
    if (this.#take(/\[/y) !== undefined) return this.#items(/\]/y, depth);
    if (this.#take(/\{/y) !== undefined) return this.#dict(depth);
    return this.#fail("a value");
  }

  end(): void {
    if (this.#take(/$/y) === undefined) this.#fail("the end");
  }

  #items(close: RegExp, depth: number): PythonValue[] {
    const items: PythonValue[] = [];
    while (this.#take(close) === undefined) {
      items.push(this.value(depth + 1));
      if (this.#take(/,/y) !== undefined) continue;
      if (this.#take(close) === undefined) this.#fail("a comma or a closing bracket");
      break;
    }
    return items;
  }

  #dict(depth: number): PythonDict {
    const dict = new Map<string, PythonValue>();
    while (this.#take(/\}/y) === undefined) {
      const key = this.value(depth + 1);
      if (typeof key !== "string" || dict.has(key)) return this.#fail("a key in quotes that was not there before");
      if (this.#take(/:/y) === undefined) this.#fail("a colon");
      dict.set(key, this.value(depth + 1));
      if (this.#take(/,/y) !== undefined) continue;
      if (this.#take(/\}/y) === undefined) this.#fail("a comma or a closing bracket");
      break;
    }
    return dict;
  }

  /** What a sticky pattern matches after white space; advances to the position behind it. */
  #take(pattern: RegExp): string | undefined {
    while (" \t\r\n".includes(this.#text[this.#at] ?? "x")) this.#at++;
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #fail(mustBe: string): never {
    throw new SyntaxError(`at character ${this.#at} there must be ${mustBe}`);
  }
}
