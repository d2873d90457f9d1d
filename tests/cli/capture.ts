// Runs a task's main() in this process and keeps what it prints.
import { stub } from "@std/testing/mock";

/** What a task gave back. */
export interface Captured {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `main` with console output captured; not to be run concurrently with other tests of the same process. */
export async function capture(main: (args: string[]) => Promise<number>, ...args: string[]): Promise<Captured> {
  using log = stub(console, "log");
  using error = stub(console, "error");
  const code = await main(args);
  return { code, stdout: printedBy(log), stderr: printedBy(error) };
}

function printedBy({ calls }: { readonly calls: readonly { readonly args: readonly unknown[] }[] }): string {
  return calls.map(({ args }) => `${args.join(" ")}\n`).join("");
}
