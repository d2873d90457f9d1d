/**
 * Shows trainings in a browser while they go on.
 *
 *   deno task dashboard --run RUN
 */
import { RUN_ENTRIES } from "../lib/run/run_directory.ts";
import { UserError } from "./cli/errors.ts";
import { isDirectory } from "./cli/files.ts";
import type { Flags } from "./cli/flags.ts";
import { untilInterrupted } from "./cli/interrupt.ts";
import { runProgram } from "./cli/program.ts";
import { runTask } from "./cli/run.ts";
import { dashboardHandler } from "./dashboard/handler.ts";

/** Only programs on this machine can reach it. */
const HOSTNAME = "127.0.0.1";
const DEFAULT_PORT = 8642;

const HELP = `
Serves a page, to this machine only, with the same contents as report.html, and keeps it up to date while runs are in
progress. Prints the page's address, and how to see it from another machine, through ssh. A run need not have started:
the page waits for it. Stop it with Ctrl-C or SIGTERM; the exit code is then 0.

  deno task dashboard --run out/run

  --run RUN     A run directory that train-lm writes; several are drawn in the same plots.
  --port N      The port; 0 for any free one (default: ${DEFAULT_PORT}, or any if that is taken)
`;

const FLAGS = {
  run: { type: "strings", required: true },
  port: { type: "integer", min: 0, max: 65535 },
} as const;

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "dashboard", help: HELP, flags: FLAGS }, args, dashboard);
}

async function dashboard({ run: runs, port }: Flags<typeof FLAGS>): Promise<void> {
  for (const run of runs) {
    if (!await isDirectory(run, RUN_ENTRIES)) console.error(`${run} does not exist yet: the page waits for it`);
  }
  await untilInterrupted(async (signal) => {
    const server: Deno.HttpServer<Deno.NetAddr> = listen(port, dashboardHandler(runs, () => server.addr.port));
    const { port: served } = server.addr;
    console.log(`http://${HOSTNAME}:${served}/`);
    console.error(
      `From another machine: ssh -L ${served}:${HOSTNAME}:${served} USER@THIS-MACHINE, then open the same address there`,
    );
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    // Not by a signal given to the server: that would cut off whoever is being answered.
    await server.shutdown();
  });
}

type Handler = (request: Request) => Promise<Response>;

/** Serves on the port that was asked for or, if none was, on the default one or any other. */
function listen(port: number | undefined, handler: Handler): Deno.HttpServer<Deno.NetAddr> {
  const serve = (port: number) => Deno.serve({ hostname: HOSTNAME, port, onListen: () => {} }, handler);
  try {
    return serve(port ?? DEFAULT_PORT);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    if (port === undefined) return serve(0);
    throw new UserError(
      `Cannot serve on port ${port}: got one that is taken, must be free. Pass --port 0 for any that is`,
    );
  }
}

if (import.meta.main) await runProgram(main);
