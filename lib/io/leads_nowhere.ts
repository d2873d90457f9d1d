/**
 * Whether an error means that a path leads nowhere: no such name, a file instead of a directory, or links in a circle.
 */
export function leadsNowhere(error: unknown): boolean {
  const { NotFound, NotADirectory, FilesystemLoop } = Deno.errors;
  return [NotFound, NotADirectory, FilesystemLoop].some((kind) => error instanceof kind);
}
