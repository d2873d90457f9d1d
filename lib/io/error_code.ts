/** The operating system's name for what went wrong, such as `ENOTEMPTY`; `undefined` for other errors. */
export function errorCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
