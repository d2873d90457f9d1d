// The frame around every task: flags in, exit code out.
import { OptionError } from "../../lib/errors.ts";
import { PathExistsError } from "../../lib/io/rename_to_new.ts";
import { VERSION } from "../../lib/version.ts";
import { requireDeno } from "./deno_version.ts";
import { describeError, isExpected, UsageError } from "./errors.ts";
import { type Flags, type FlagSpecs, parseFlags } from "./flags.ts";
import { layOutHelp } from "./help_text.ts";
import { InterruptedError } from "./interrupt.ts";
import { NamedOutput } from "./standard_output.ts";
import { commandsAsStarted } from "./started_as.ts";

/** What `--version` prints. */
export const VERSION_TEXT = `bytelm ${VERSION}, Deno ${Deno.version.deno}`;

/** What a task is called, the text of its `--help`, and the flags it takes. */
export interface Task<S extends FlagSpecs> {
  readonly name: string;
  readonly help: string;
  readonly flags: S;
}

/**
 * Parses `args` and runs `body`. Returns the exit code: 0 or what `body` returns, 2 for a mistake in the command line, 129,
 * 130 or 143 after SIGHUP, Ctrl-C or SIGTERM, 1 for any other failure.
 * `--help` and `-h` print the help, `--version` the version. The user's mistakes
 * are printed as one line on stderr; anything else is a bug and keeps its stack trace.
 */
export async function runTask<const S extends FlagSpecs>(
  task: Task<S>,
  args: readonly string[],
  body: (flags: Flags<S>) => void | number | Promise<void | number>,
): Promise<number> {
  using _late = new LateErrors();
  using _named = new NamedOutput();
  try {
    requireDeno(task.name);
    if (args.includes("--help") || args.includes("-h")) {
      console.log(layOutHelp(commandsAsStarted(task.help)));
      return 0;
    }
    if (args.includes("--version")) {
      console.log(VERSION_TEXT);
      return 0;
    }
    return await body(parseFlags(task.name, args, task.flags)) ?? 0;
  } catch (error) {
    // Whatever read our output has gone away (`… | head`): there is nobody left to tell.
    if (error instanceof Deno.errors.BrokenPipe) return 0;
    const flag = error instanceof PathExistsError && "force" in task.flags ? " with --force" : "";
    console.error(`${describeError(error)}${flag}`);
    return codeFor(error);
  }
}

function codeFor(error: unknown): number {
  if (error instanceof InterruptedError) return error.exitCode;
  // The values that the library refuses as options were flags.
  return error instanceof UsageError || error instanceof OptionError ? 2 : 1;
}

/** Reports a mistake in a promise that nobody awaited in one line, too; for a bug, Deno's own report stays. */
class LateErrors implements Disposable {
  readonly #listener = (event: PromiseRejectionEvent): void => {
    if (!isExpected(event.reason)) return;
    event.preventDefault();
    console.error(describeError(event.reason));
    Deno.exit(codeFor(event.reason));
  };

  constructor() {
    globalThis.addEventListener("unhandledrejection", this.#listener);
  }

  [Symbol.dispose](): void {
    globalThis.removeEventListener("unhandledrejection", this.#listener);
  }
}
