// The addresses at which a dashboard is found.
import { isIPv6 } from "node:net";
import type { Access } from "./access.ts";

/** One address of a machine. */
export interface MachineAddress {
  readonly family: "IPv4" | "IPv6";
  readonly address: string;
}

/** Stand for every address of a machine, of one kind or of both. */
const EVERY_IPV4 = "0.0.0.0";
const EVERY_ADDRESS = "::";

/**
 * The addresses to open. If the server listens on every address, those under which other machines know this one.
 * @param machine This machine's addresses. Default: asks the system.
 */
export function addressesOf(
  { hostname, token }: Access,
  port: number,
  machine: () => readonly MachineAddress[] = Deno.networkInterfaces,
): string[] {
  const isEvery = hostname === EVERY_IPV4 || hostname === EVERY_ADDRESS;
  const own = isEvery ? machine().filter((found) => isReachable(found, hostname)).map(({ address }) => address) : [];
  const named = own.length > 0 ? own : [isEvery ? "127.0.0.1" : hostname];
  const query = token === undefined ? "" : `?${new URLSearchParams({ token })}`;
  return named.map((address) => `http://${isIPv6(address) ? `[${address}]` : address}:${port}/${query}`);
}

/** Whether other machines can have this address: not the one of the machine itself, or one of a single cable. */
function isReachable({ family, address }: MachineAddress, hostname: string): boolean {
  if (family === "IPv6") return hostname === EVERY_ADDRESS && address !== "::1" && !/^fe[89ab]/i.test(address);
  return !address.startsWith("127.") && !address.startsWith("169.254.");
}
