/** Whether an error says that a path leads to nothing: no such name, a file for a directory, or links in a circle. */
export function leadsNowhere(error: unknown): boolean {
  const { NotFound, NotADirectory, FilesystemLoop } = Deno.errors;
  return [NotFound, NotADirectory, FilesystemLoop].some((kind) => error instanceof kind);
}
