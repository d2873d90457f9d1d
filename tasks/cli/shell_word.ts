// Words of commands that can be pasted into a shell.

/**
 * A text as one word of a command.
 * Source: POSIX.1-2017, Shell Command Language, 2.2.2: nothing but a single quote ends single quotes.
 */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A path as one word of a command. One that begins with a dash would be taken for a flag. */
export function shellPath(path: string): string {
  return shellWord(path.startsWith("-") ? `./${path}` : path);
}
