/**
 * Shows training runs in a browser while they are in progress.
 *
 *   deno task dashboard --run RUN
 */
import { isIP } from "node:net";
import { RUN_ENTRIES } from "../lib/run/run_directory.ts";
import { UsageError, UserError } from "./cli/errors.ts";
import { isDirectory } from "./cli/files.ts";
import type { Flags } from "./cli/flags.ts";
import { untilInterrupted } from "./cli/interrupt.ts";
import { runProgram } from "./cli/program.ts";
import { runTask } from "./cli/run.ts";
import { shown } from "./cli/shown.ts";
import { type Access, LOCAL, randomToken } from "./dashboard/access.ts";
import { addressesOf } from "./dashboard/addresses.ts";
import { dashboardHandler } from "./dashboard/handler.ts";

const DEFAULT_PORT = 8642;

const HELP = `
Serves a page with the same contents as report.html, and keeps it up to date while runs are in progress. Only this machine
can see it, unless --host says otherwise. Prints the page's address, and how to see it from another machine through ssh. A
run need not have started: the page waits for it. Stop it with Ctrl-C or SIGTERM; the exit code is then 0.

  deno task dashboard --run out/run
  deno task dashboard --run out/sweep --host 0.0.0.0

  --run RUN       A run directory that train-lm writes, or a sweep's directory, which stands for all of its runs. Several
                  are drawn in the same plots.
  --port N        The port; 0 for any free one (default: ${DEFAULT_PORT}, or any if that is taken)
  --host ADDRESS  Serve other machines too: 0.0.0.0 for every IPv4 address of this machine. The page's address then holds
                  a token, a new one each time; requests without it are refused. The connection is not encrypted.
`;

const FLAGS = {
  run: { type: "strings", required: true },
  port: { type: "integer", min: 0, max: 65535 },
  host: { type: "string" },
} as const;

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "dashboard", help: HELP, flags: FLAGS }, args, dashboard);
}

async function dashboard({ run: runs, port, host }: Flags<typeof FLAGS>): Promise<void> {
  if (host !== undefined && isIP(host) === 0) {
    throw new UsageError(
      `Cannot run dashboard: got --host ${
        shown(host)
      }, must be an IP address, such as 0.0.0.0 for all of this machine's`,
    );
  }
  const access: Access = host === undefined ? LOCAL : { hostname: host, token: randomToken() };
  for (const run of runs) {
    if (!await isDirectory(run, RUN_ENTRIES)) console.error(`${run} does not exist yet: the page waits for it`);
  }
  await untilInterrupted(async (signal) => {
    const handler = dashboardHandler(runs, () => server.addr.port, access);
    const server: Deno.HttpServer<Deno.NetAddr> = listen(access.hostname, port, handler);
    for (const address of addressesOf(access, server.addr.port)) console.log(address);
    const { port: served } = server.addr;
    console.error(
      access.token === undefined
        ? `From another machine: ssh -L ${served}:${LOCAL.hostname}:${served} USER@HERE, then this address`
        : "Anyone with this address can see the page. The connection is not encrypted:\nuse it only on networks you trust",
    );
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    // Not by passing the signal to the server: that would cut off responses in progress.
    await server.shutdown();
  });
}

type Handler = (request: Request) => Promise<Response>;

/** Serves on the port that was asked for or, if none was, on the default one or any other. */
function listen(hostname: string, port: number | undefined, handler: Handler): Deno.HttpServer<Deno.NetAddr> {
  const serve = (port: number) => Deno.serve({ hostname, port, onListen: () => {} }, handler);
  try {
    return serve(port ?? DEFAULT_PORT);
  } catch (error) {
    if (error instanceof Deno.errors.AddrNotAvailable) {
      throw new UserError(
        `Cannot serve on ${hostname}: this machine does not have that address. Pass --host 0.0.0.0 for all it has`,
      );
    }
    if (error instanceof Deno.errors.NotCapable) {
      throw new UserError(
        `Cannot serve on ${hostname}: Deno may not listen there. Pass --host 0.0.0.0, or start it with: deno run ` +
          `--allow-net=${hostname}`,
      );
    }
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    if (port === undefined) return serve(0);
    throw new UserError(
      `Cannot serve on port ${port}: it is taken. Pass another, or --port 0 for any free one`,
    );
  }
}

if (import.meta.main) await runProgram(main);
