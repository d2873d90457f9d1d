/**
 * Shows training runs in a browser while they are in progress.
 *
 *   deno task dashboard --run RUN
 */
import { RUN_ENTRIES } from "../lib/run/run_directory.ts";
import { isDirectory } from "./cli/files.ts";
import type { Flags } from "./cli/flags.ts";
import { untilInterrupted } from "./cli/interrupt.ts";
import { listen, requireHost } from "./cli/listen.ts";
import { runProgram } from "./cli/program.ts";
import { runTask } from "./cli/run.ts";
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
  requireHost("dashboard", host);
  const access: Access = host === undefined ? LOCAL : { hostname: host, token: randomToken() };
  for (const run of runs) {
    if (!await isDirectory(run, RUN_ENTRIES)) console.error(`${run} does not exist yet: the page waits for it`);
  }
  await untilInterrupted(async (signal) => {
    const handler = dashboardHandler(runs, () => server.addr.port, access);
    const server: Deno.HttpServer<Deno.NetAddr> = listen({
      hostname: access.hostname,
      port,
      defaultPort: DEFAULT_PORT,
      handler,
    });
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

if (import.meta.main) await runProgram(main);
