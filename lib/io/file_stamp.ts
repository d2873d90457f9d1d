// Noticing that somebody writes to files while they are read.
import { UserError } from "../errors.ts";

/** A file as it was at some time. */
export interface FileStamp {
  readonly path: string;
  readonly size: number;
  /** When it was last written to, in milliseconds since 1970; `null` where the system does not say. */
  readonly written: number | null;
}

/**
 * Notes files as they are now. What is no file (a pipe) is passed over.
 *
 * @param files With the size that each was listed with, where it was.
 * @throws {UserError} If a file has another size by now.
 */
export function stampFiles(files: Iterable<{ readonly path: string; readonly bytes?: number | null }>): FileStamp[] {
  const stamps: FileStamp[] = [];
  for (const { path, bytes } of files) {
    const { isFile, size, mtime } = Deno.statSync(path);
    if (!isFile) continue;
    if (typeof bytes === "number" && bytes !== size) throw changed(path, size, bytes);
    stamps.push({ path, size, written: mtime?.getTime() ?? null });
  }
  return stamps;
}

/** @throws {UserError} If one of the files became longer or shorter since, or was written to. */
export function requireUnchanged(stamps: readonly FileStamp[]): void {
  for (const { path, size, written } of stamps) {
    const now = Deno.statSync(path);
    if (now.size !== size) throw changed(path, now.size, size);
    if ((now.mtime?.getTime() ?? null) === written) continue;
    throw new UserError(
      `Cannot read ${path}: got a file that was written to meanwhile, must stay as it was. Try again when nothing writes to it`,
    );
  }
}

function changed(path: string, now: number, before: number): UserError {
  return new UserError(
    `Cannot read ${path}: got ${now} bytes, must still be the ${before} it had at first. Try again when nothing writes to it`,
  );
}
