// Strict flags: an unknown flag, a stray word, a repeated flag, a missing or malformed value is an error.
import { parseArgs } from "@std/cli";
import { UsageError } from "./errors.ts";
import { FlagArguments } from "./flag_arguments.ts";
import { parseNumber } from "./flag_numbers.ts";
import { oneOf } from "./nearest.ts";
import { shown } from "./shown.ts";

interface FlagTypes {
  string: string;
  /** May be given several times. */
  strings: readonly string[];
  integer: number;
  number: number;
  boolean: boolean;
}

/** How one flag is read. `min` and `max` bound numbers, inclusive; `choices` lists the words a string may be. */
export type FlagSpec = {
  [K in keyof FlagTypes]: {
    readonly type: K;
    readonly required?: boolean;
    /** Required where none of these flags is given; a message names the first. */
    readonly requiredWithout?: readonly string[];
    readonly default?: FlagTypes[K];
    readonly choices?: readonly string[];
    /** Of a string: throws a `UsageError` for one that cannot be used. */
    readonly check?: (value: string) => void;
    /** Of `strings`: several values may follow one flag, as the shell writes out `*.txt`. */
    readonly many?: boolean;
    /** Of a string: an empty one is a value too. */
    readonly mayBeEmpty?: boolean;
    readonly min?: number;
    readonly max?: number;
    /** Of a number: words that may stand in its place. */
    readonly words?: Readonly<Record<string, number>>;
    /** Bounds that the number itself may not be. */
    readonly above?: number;
    readonly below?: number;
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
 * @throws {UsageError} Naming the flag, what was given and what it must be.
 */
export function parseFlags<const S extends FlagSpecs>(task: string, args: readonly string[], specs: S): Flags<S> {
  const help = `See: deno task ${task} --help`;
  const refuse = (problem: string): never => {
    throw new UsageError(`Cannot run ${task}: ${problem}. ${help}`);
  };
  const fail = (got: string, mustBe: string): never => refuse(`got ${got}, must be ${mustBe}`);
  const names = Object.keys(specs);
  const given = new FlagArguments(args, specs, refuse);
  // Everything is collected as text, so that repetition and malformed numbers are seen here rather than coerced.
  const parsed: Record<string, unknown> = parseArgs(given.written, {
    boolean: names.filter((name) => specs[name].type === "boolean"),
    string: names.filter((name) => specs[name].type !== "boolean"),
    collect: names.filter((name) => specs[name].type !== "boolean"),
  });
  const flags: Record<string, unknown> = {};
  const missing: string[][] = [];
  for (const name of names) {
    const spec = specs[name];
    const count = given.counts.get(name) ?? 0;
    if (count > 1 && spec.type !== "strings") refuse(`--${name} was given ${count} times; give it once`);
    if (spec.type === "boolean") {
      flags[name] = count > 0 || spec.default === true;
      continue;
    }
    const values = count === 0 ? [] : parsed[name] as string[];
    if (values.includes("") && !spec.mayBeEmpty) refuse(`--${name} needs a value`);
    if (count === 0) {
      const instead = spec.requiredWithout ?? [];
      if (spec.required || (instead.length > 0 && !instead.some((one) => given.counts.has(one)))) {
        missing.push([name, ...instead.slice(0, 1)]);
      }
      flags[name] = spec.default ?? (spec.type === "strings" ? [] : undefined);
    } else if (spec.type === "strings") {
      flags[name] = values;
    } else {
      flags[name] = spec.type === "string" ? values[0] : parseNumber(name, values[0], spec, fail);
    }
    const { choices } = spec;
    const wrong = choices && values.find((value) => !choices.includes(value));
    if (wrong !== undefined) fail(`--${name} ${shown(wrong)}`, oneOf(wrong, choices!));
    if (spec.check) values.forEach(spec.check);
  }
  if (missing.length > 0) throw missingFlags(task, missing);
  return flags as Flags<S>;
}

/**
 * What is wrong with a command line without some of the flags that a task needs: it names them all.
 *
 * @param missing The names of each, without dashes, and of those that could be given in its place.
 * @param instead What could be given in place of all of them, such as `--resume RUN`.
 */
export function missingFlags(task: string, missing: readonly (readonly string[])[], instead?: string): UsageError {
  const plain = missing.filter((names) => names.length === 1).map(([name]) => `--${name}`);
  const choices = missing.filter((names) => names.length > 1).map((names) => names.map((name) => `--${name}`));
  const [[first, ...others] = [], ...rest] = plain.length > 0 ? [[]] : choices;
  const all = plain.length > 0 ? plain : [first];
  const list = [all.slice(0, -1).join(", "), all.at(-1)].filter(Boolean).join(" and ");
  const said = [
    `${list} ${all.length === 1 ? "is" : "are"} required`,
    ...others.map((name) => `, or ${name}`),
    ...(plain.length > 0 ? choices : rest).map((names) => `, and ${names.join(" or ")}`),
    instead === undefined ? "" : `, or ${instead}`,
  ].join("");
  return new UsageError(`Cannot run ${task}: ${said}. See: deno task ${task} --help`);
}
