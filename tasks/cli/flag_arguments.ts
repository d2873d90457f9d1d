// Which words of a command line belong to which flag.
import type { FlagSpecs } from "./flags.ts";
import { nearestFlag } from "./nearest.ts";
import { shown } from "./shown.ts";

/** A command line, taken apart. */
export class FlagArguments {
  /** One word for each flag and value, `--name=value` or `--name`: what parseArgs reads in one way only. */
  readonly written: string[] = [];
  /** How often each flag was given. */
  readonly counts = new Map<string, number>();
  readonly #specs: FlagSpecs;
  readonly #refuse: (problem: string) => never;

  /** @param refuse Called with what is wrong at the first word that belongs to no flag. */
  constructor(args: readonly string[], specs: FlagSpecs, refuse: (problem: string) => never) {
    this.#specs = specs;
    this.#refuse = refuse;
    for (let at = 0; at < args.length;) at = this.#take(args, at);
  }

  /** Takes a flag with its values; returns where the next begins. */
  #take(args: readonly string[], at: number): number {
    const [, name, inline] = /^--([^=]+)(?:=(.*))?$/s.exec(args[at]) ?? [];
    if (name === undefined || !Object.hasOwn(this.#specs, name)) this.#unknown(args[at]);
    const { type, many } = this.#specs[name];
    let next = at + 1;
    if (type === "boolean") {
      if (inline !== undefined) this.#refuse(`--${name} takes no value`);
      this.#add(name, `--${name}`);
    } else if (inline !== undefined) {
      this.#add(name, `--${name}=${inline}`);
    } else {
      if (!isValue(args[next], type)) this.#missing(name, args[next]);
      do this.#add(name, `--${name}=${args[next++]}`); while (many && isValue(args[next], type));
    }
    return next;
  }

  #add(name: string, word: string): void {
    this.written.push(word);
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  #missing(name: string, next: string | undefined): never {
    const isDashed = next !== undefined && !next.startsWith("--");
    const instead = isDashed ? `. If ${shown(next)} is the value, write --${name}=${shown(next)}` : "";
    return this.#refuse(`--${name} needs a value${instead}`);
  }

  #unknown(arg: string): never {
    const names = Object.keys(this.#specs);
    const typed = /^--?([^=-][^=]*)/.exec(arg)?.[1];
    if (typed === undefined && names.length > 0) return this.#refuse(`${shown(arg)} belongs to no flag`);
    const known = typed === undefined ? undefined : nearestFlag(typed, [...names, "help", "version"]);
    const meant = known === undefined ? "" : ` (did you mean --${known}?)`;
    return this.#refuse(`unknown argument ${shown(arg)}${meant}`);
  }
}

/** Whether a word can be a flag's value: no flag itself, but it may be a negative number if a number is expected. */
function isValue(arg: string | undefined, type: string): arg is string {
  if (arg === undefined) return false;
  // No flag begins with three dashes; a line between documents may.
  if (!arg.startsWith("-") || arg === "-" || arg.startsWith("---")) return true;
  return (type === "number" || type === "integer") && /^-[\d.]|^-inf|^-nan/i.test(arg);
}
