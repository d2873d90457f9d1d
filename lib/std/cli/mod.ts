// A stand-in for the part of jsr:@std/cli that this project uses. Same names, same signatures, same results.

/** The options of {@linkcode parseArgs} that this project uses. */
export interface ParseOptions {
  /** Flags that are true or false and never take the next argument. */
  boolean?: string | ReadonlyArray<string>;
  /** Flags whose value is always kept as text. */
  string?: string | ReadonlyArray<string>;
  /** Flags that may be given several times: their value is an array. */
  collect?: string | ReadonlyArray<string>;
  /** Called with each argument that the options do not name; returning `false` drops it. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** Parsed flags by name, and under `_` the arguments that are not flags. */
export type Args = { [flag: string]: unknown; _: Array<string | number> };

/** Parses command line arguments: `--name value`, `--name=value`, `--switch`, `-n value`; after `--` all is positional. */
export function parseArgs(args: string[], options: ParseOptions = {}): Args {
  const [booleans, strings, collect] = [options.boolean, options.string, options.collect].map((names = []) =>
    new Set(typeof names === "string" ? [names] : names)
  );
  const result: Args = { _: [] };
  for (const name of booleans) result[name] = false;
  const positional = (arg: string) => {
    if (options.unknown?.(arg) !== false) result._.push(looksNumeric(arg) ? Number(arg) : arg);
  };
  const set = (arg: string, name: string, raw: string | boolean) => {
    const isDeclared = booleans.has(name) || strings.has(name) || collect.has(name);
    const value = typeof raw === "string" && !strings.has(name) && looksNumeric(raw) ? Number(raw) : raw;
    if (!isDeclared && options.unknown?.(arg, name, value) === false) return;
    const before = result[name];
    if (!collect.has(name)) result[name] = value;
    else result[name] = Array.isArray(before) ? [...before, value] : [value];
  };
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    if (arg === "--") {
      for (const rest of args.slice(i + 1)) result._.push(rest);
      break;
    }
    const match = /^--?([^=]+)(?:=(.*))?$/s.exec(arg);
    if (arg === "-" || !arg.startsWith("-") || match === null) {
      positional(arg);
      continue;
    }
    const [, name, inline] = match;
    const next = args[i + 1];
    if (booleans.has(name)) {
      set(arg, name, inline === undefined || inline !== "false");
    } else if (inline !== undefined) {
      set(arg, name, inline);
    } else if (next !== undefined && !next.startsWith("-")) {
      set(arg, name, next);
      i++;
    } else {
      set(arg, name, strings.has(name) ? "" : true);
    }
  }
  return result;
}

function looksNumeric(text: string): boolean {
  return /^0x[0-9a-f]+$/i.test(text) || /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(e[-+]?\d+)?$/.test(text);
}
