/**
 * A path as one word of a command that is to be pasted into a shell.
 * Source: POSIX.1-2017, Shell Command Language, 2.2.2: nothing but a single quote ends single quotes.
 */
export function shellWord(path: string): string {
  // A word that begins with a dash would be taken for a flag.
  const safe = path.startsWith("-") ? `./${path}` : path;
  return /^[\w@%+=:,./-]+$/.test(safe) ? safe : `'${safe.replaceAll("'", `'\\''`)}'`;
}
