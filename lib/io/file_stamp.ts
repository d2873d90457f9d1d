// Notices if somebody writes to files while they are being read.
import { UserError } from "../errors.ts";

/** The state of a file at some time. */
export interface FileStamp {
  readonly path: string;
  readonly size: number;
  /** When it was last written to, in milliseconds since 1970; absent if the system does not tell. */
  readonly written?: number;
}

/**
 * Notes the current state of files. What is not a file (a pipe) is skipped.
 *
 * @param files With the size with which each was listed, if it was.
 * @throws {UserError} If a file's size has changed since.
 */
export function stampFiles(files: Iterable<{ readonly path: string; readonly bytes?: number }>): FileStamp[] {
  const stamps: FileStamp[] = [];
  for (const { path, bytes } of files) {
    const { isFile, size, mtime } = Deno.statSync(path);
    if (!isFile) continue;
    if (bytes !== undefined && bytes !== size) throw changed(path, size, bytes);
    stamps.push({ path, size, written: mtime?.getTime() });
  }
  return stamps;
}

/** @throws {UserError} If one of the files became longer or shorter since, or was written to. */
export function requireUnchanged(stamps: readonly FileStamp[]): void {
  for (const { path, size, written } of stamps) {
    const now = Deno.statSync(path);
    if (now.size !== size) throw changed(path, now.size, size);
    if (now.mtime?.getTime() === written) continue;
    throw new UserError(
      `Cannot read ${path}: it changed while it was being read. Try again when nothing is writing to it`,
    );
  }
}

function changed(path: string, now: number, before: number): UserError {
  return new UserError(
    `Cannot read ${path}: got ${now} bytes, must still be the ${before} it had at first. Try again when nothing is writing to it`,
  );
}
