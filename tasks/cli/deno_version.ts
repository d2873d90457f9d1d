import { UserError } from "./errors.ts";

/** The oldest release whose tests pass: those before lack `process.resourceUsage`, or imports of text. */
const LEAST = { major: 2, minor: 9 };

/** The same, as people write it. */
export const LEAST_DENO = `${LEAST.major}.${LEAST.minor}`;

/**
 * Checks that Deno is new enough.
 * @throws {UserError} If it is not: what it lacks would otherwise be found in the middle of the work.
 */
export function requireDeno(task: string, version: string = Deno.version.deno): void {
  const [major, minor] = version.split(".").map(Number);
  const isOlder = major < LEAST.major || (major === LEAST.major && minor < LEAST.minor);
  if (!isOlder) return;
  throw new UserError(
    `Cannot run ${task}: got Deno ${version}, must be ${LEAST_DENO} or later. Run deno upgrade, or: npx -y deno@${LEAST_DENO} task ${task}`,
  );
}
