// How the user started this program, so that the commands it prints work for them.

/** What stands before a task's name, as this project's texts write it. */
const WRITTEN = "deno task";

let started = WRITTEN;

/** Notes what stood before the task's name: `deno task`, `npx -y deno@2.9 task` or `bytelm`. */
export function noteStartedAs(words: string): void {
  started = words;
}

/** What stands before a task's name. */
export function startedAs(): string {
  return started;
}

/** A help text with each `deno task NAME` as the user would type it. */
export function commandsAsStarted(text: string): string {
  return text.replaceAll(/\bdeno task (?=[a-z])/g, `${started} `);
}

/** The same in a message, where a command follows a colon; what the message quotes is left alone. */
export function hintsAsStarted(message: string): string {
  return message.replaceAll(/(?<=: )deno task (?=[a-z])/g, `${started} `);
}
