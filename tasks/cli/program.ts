// What happens once in a process, before the task that it was started for: main() itself may run within another task.
import { fileURLToPath } from "node:url";
import { LEAST_DENO } from "./deno_version.ts";
import { noteStartedAs } from "./started_as.ts";

/** Where `deno task` runs every task, whatever the user's directory is. */
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Runs a task as the program of this process, and ends the process with its exit code. */
export async function runProgram(main: (args: string[]) => Promise<number>): Promise<never> {
  enterCallersDirectory();
  // npx says of every program below it that npm executes it.
  if (variable("npm_command") === "exec") noteStartedAs(`npx -y deno@${LEAST_DENO} task`);
  Deno.exit(await main(Deno.args));
}

/**
 * Makes relative paths mean the user's directory: `deno task` changes to the project's, and leaves the user's in
 * INIT_CWD. A process that was started elsewhere is in the right one already.
 */
function enterCallersDirectory(): void {
  const directory = variable("INIT_CWD");
  if (directory === undefined || realPath(Deno.cwd()) !== realPath(ROOT)) return;
  // It may have been removed.
  const real = realPath(directory);
  if (real !== undefined) Deno.chdir(real);
}

function realPath(path: string): string | undefined {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** A variable of the environment, if it may be read, and says anything. */
function variable(name: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable: name });
  return state === "granted" ? Deno.env.get(name) || undefined : undefined;
}
