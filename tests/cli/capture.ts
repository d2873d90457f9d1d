// Runs a task's main() in this process and keeps what it prints.

/** What a task gave back. */
export interface Captured {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `main` with console output captured; not to be run concurrently with other tests of the same process. */
export async function capture(main: (args: string[]) => Promise<number>, ...args: string[]): Promise<Captured> {
  const { log, error } = console;
  let stdout = "", stderr = "";
  console.log = (...parts: unknown[]) => {
    stdout += `${parts.join(" ")}\n`;
  };
  console.error = (...parts: unknown[]) => {
    stderr += `${parts.join(" ")}\n`;
  };
  try {
    const code = await main(args);
    return { code, stdout, stderr };
  } finally {
    Object.assign(console, { log, error });
  }
}
