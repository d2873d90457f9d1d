// A server on the port and the address that were asked for.
import { isIP } from "node:net";
import { UsageError, UserError } from "./errors.ts";
import { shown } from "./shown.ts";

/** What a server listens to, and how it answers. */
export interface ListenOptions {
  readonly hostname: string;
  /** The port that was asked for, if one was. */
  readonly port: number | undefined;
  /** The one for when none was: if it is taken, any other. */
  readonly defaultPort: number;
  readonly handler: (request: Request) => Promise<Response>;
  /** Cuts off what is in progress. Default: nothing does. */
  readonly signal?: AbortSignal;
}

/** @throws {UsageError} If `--host` is no IP address. */
export function requireHost(task: string, host: string | undefined): void {
  if (host === undefined || isIP(host) !== 0) return;
  throw new UsageError(
    `Cannot run ${task}: got --host ${shown(host)}, must be an IP address, such as 0.0.0.0 for all of this machine's`,
  );
}

/**
 * Serves on the port that was asked for or, if none was, on the default one or any other.
 * @throws {UserError} If the address or the port is not to be had.
 */
export function listen({ hostname, port, defaultPort, handler, signal }: ListenOptions): Deno.HttpServer<Deno.NetAddr> {
  const serve = (port: number) => Deno.serve({ hostname, port, signal, onListen: () => {} }, handler);
  try {
    return serve(port ?? defaultPort);
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
