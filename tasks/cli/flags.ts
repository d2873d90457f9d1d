// Strict flags: an unknown flag, a stray word, a repeated flag, a missing or malformed value is an error.
import { parseArgs } from "@std/cli";
import { UsageError } from "./errors.ts";

interface FlagTypes {
  string: string;
  /** May be given several times. */
  strings: readonly string[];
  integer: number;
  number: number;
  boolean: boolean;
}

/** How one flag is read. `min` and `max` bound numbers (inclusive); `choices` lists the words a string may be. */
export type FlagSpec = {
  [K in keyof FlagTypes]: {
    readonly type: K;
    readonly required?: boolean;
    readonly default?: FlagTypes[K];
    readonly choices?: readonly string[];
    /** Of `strings`: several values may follow one flag, as the shell writes out `*.txt`. */
    readonly many?: boolean;
    readonly min?: number;
    readonly max?: number;
    /** Of a number: words that may stand in its place. */
    readonly words?: Readonly<Record<string, number>>;
  };
}[keyof FlagTypes];

/** Flag names (without dashes) and how each is read. */
export type FlagSpecs = Readonly<Record<string, FlagSpec>>;

/** One of the choices, where a string has them. */
type GivenValue<F extends FlagSpec> = F extends { type: "string"; choices: readonly (infer C)[] } ? C
  : FlagTypes[F["type"]];

type FlagValue<F extends FlagSpec> = F extends { type: "boolean" | "strings" } ? FlagTypes[F["type"]]
  : F extends { required: true } ? GivenValue<F>
  : F extends { default: string | number } ? GivenValue<F>
  : GivenValue<F> | undefined;

/** The values of a task's flags: `undefined` where an optional flag without a default was not given. */
export type Flags<S extends FlagSpecs> = { [K in keyof S]: FlagValue<S[K]> };

/**
 * Parses a task's command line.
 *
 * @throws {UsageError} naming the flag, what was given and what it must be.
 */
export function parseFlags<const S extends FlagSpecs>(task: string, args: readonly string[], specs: S): Flags<S> {
  const fail = (got: string, mustBe: string): never => {
    throw new UsageError(`Cannot run ${task}: got ${got}, must be ${mustBe}. See: deno task ${task} --help`);
  };
  const names = Object.keys(specs);
  const booleans = names.filter((name) => specs[name].type === "boolean");
  const valued = names.filter((name) => specs[name].type !== "boolean");
  // Everything is collected as text, so that repetition and malformed numbers are seen here rather than coerced.
  const parsed: Record<string, unknown> = parseArgs(spellOut(args, specs), {
    boolean: booleans,
    string: valued,
    collect: valued,
    unknown: (arg: string) => fail(`unknown argument ${arg}`, `one of ${names.map((name) => `--${name}`).join(", ")}`),
  });
  const flags: Record<string, unknown> = {};
  for (const name of names) {
    const spec = specs[name];
    if (spec.type === "boolean") {
      flags[name] = parsed[name] === true || (parsed[name] === undefined && spec.default === true);
      continue;
    }
    const values = parsed[name] === undefined ? [] : parsed[name] as string[];
    if (values.includes("")) fail(`--${name} without a value`, `--${name} followed by one`);
    if (values.length === 0) {
      if (spec.required) fail(`no --${name}`, "given one");
      flags[name] = spec.default ?? (spec.type === "strings" ? [] : undefined);
    } else if (spec.type === "strings") {
      flags[name] = values;
    } else {
      if (values.length > 1) fail(`--${name} ${values.length} times`, "given once");
      flags[name] = spec.type === "string" ? values[0] : parseNumber(name, values[0], spec, fail);
    }
    if (spec.choices && typeof flags[name] === "string" && !spec.choices.includes(flags[name])) {
      fail(`--${name} ${flags[name]}`, `one of ${spec.choices.join(", ")}`);
    }
  }
  return flags as Flags<S>;
}

/**
 * Writes `--input -` as `--input=-`, because parseArgs takes a lone dash for a flag; and repeats a flag that several values
 * may follow.
 */
function spellOut(args: readonly string[], specs: FlagSpecs): string[] {
  const written: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const spec = args[i].startsWith("--") ? specs[args[i].slice(2)] : undefined;
    const isValue = (arg: string | undefined) => arg !== undefined && (arg === "-" || !arg.startsWith("-"));
    if (spec === undefined || spec.type === "boolean" || !isValue(args[i + 1])) {
      written.push(args[i]);
      continue;
    }
    const flag = args[i];
    do written.push(`${flag}=${args[++i]}`); while (spec.many && isValue(args[i + 1]));
  }
  return written;
}

function parseNumber(name: string, text: string, spec: FlagSpec, fail: (got: string, mustBe: string) => never): number {
  if (spec.words && Object.hasOwn(spec.words, text)) return spec.words[text];
  const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN;
  const { min = -Infinity, max = Infinity } = spec;
  const whole = spec.type === "integer";
  if (!(value >= min && value <= max) || (whole && !Number.isSafeInteger(value))) {
    const bounds = [min > -Infinity ? `at least ${min}` : "", max < Infinity ? `at most ${max}` : ""].filter(Boolean);
    fail(`--${name} ${text}`, [whole ? "a whole number" : "a number", bounds.join(" and ")].join(" ").trim());
  }
  return value;
}
