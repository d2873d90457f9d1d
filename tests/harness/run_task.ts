/** What a task printed, and how it ended. */
export interface TaskResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const ROOT = new URL("../../", import.meta.url);

/** Runs a task as a person would: in a process of its own, from the project's root, with what is piped in. */
export async function runTaskProcess(name: string, args: readonly string[]): Promise<TaskResult> {
  const script = `tasks/${name.replaceAll("-", "_")}.ts`;
  const command = new Deno.Command(Deno.execPath(), { args: ["run", "--quiet", "-A", script, ...args], cwd: ROOT });
  const { code, stdout, stderr } = await command.output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}
