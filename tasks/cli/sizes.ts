// Sizes as people write them.
import { UsageError } from "./errors.ts";
import { shown } from "./shown.ts";

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/**
 * Reads `250MB`, `1.5 GiB` or `1e6` as a number of bytes.
 *
 * @throws {UsageError} Naming the flag, if it is not a size of at least one byte.
 */
export function parseSize(task: string, flag: string, text: string): number {
  const match = /^(\d+\.?\d*(?:e\d+)?)\s*([kmgt]?i?b)?$/i.exec(text);
  const bytes = match === null ? NaN : Math.round(Number(match[1]) * (UNITS[(match[2] ?? "").toLowerCase()] ?? 1));
  if (!(bytes >= 1) || !Number.isSafeInteger(bytes)) {
    throw new UsageError(
      `Cannot run ${task}: got --${flag} ${
        shown(text)
      }, must be a size such as 250MB or 1GiB. See: deno task ${task} --help`,
    );
  }
  return bytes;
}

/** `12.3 MB`, or `4.56 GB` from a thousand of those on, and `7.8 kB` below a tenth of one. */
export function formatBytes(bytes: number): string {
  if (bytes < 1e5) return `${(bytes / 1e3).toFixed(1)} kB`;
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
