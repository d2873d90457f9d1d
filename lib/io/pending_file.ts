import { syncDirectory } from "./durable.ts";
import { isStillAt } from "./lock.ts";
import { parentOf, plainPath } from "./parent_of.ts";
import { removeIfPresent } from "./remove_if_present.ts";
import { renameToNew } from "./rename_to_new.ts";
import { temporaryNameFor } from "./temporary.ts";
import { tidyBeside } from "./tidy.ts";
import { namingFile } from "./write_error.ts";
import { writeFully } from "./write_fully.ts";

/** Options for publishing a file. */
export interface PublishOptions {
  /** Whether to replace what is at the path by then. Default: true. */
  readonly replace?: boolean;
}

/**
 * A file in the making: written under a temporary name beside `path`, and renamed when it is complete and on disk.
 * However
 * a process ends, `path` is either the old file or the new one. What is left under the temporary name is removed when
 * `path` is next written; a lock shows whether its writer is still alive.
 *
 * Declare it with `await using`, so that nothing is left of a file that was not published.
 */
export class PendingFile implements AsyncDisposable {
  /** Its temporary path, to open it by name. */
  readonly temporary: string;
  /** The file, open for writing. Only this object closes it. */
  readonly file: Deno.FsFile;
  readonly #path: string;
  #isOpen = true;
  #isPublished = false;

  private constructor(path: string, temporary: string, file: Deno.FsFile) {
    this.#path = path;
    this.temporary = temporary;
    this.file = file;
  }

  /** @param path Its directory must exist. */
  static async create(path: string): Promise<PendingFile> {
    const target = plainPath(path);
    await tidyBeside(target);
    for (;;) {
      const temporary = temporaryNameFor(target);
      const file = await Deno.open(temporary, { write: true, createNew: true });
      if (await isKept(file, temporary)) return new PendingFile(target, temporary, file);
      file.close();
    }
  }

  /**
   * Writes at the file's position.
   * @throws {WriteError} If the system refuses.
   */
  async write(bytes: Uint8Array): Promise<void> {
    await namingFile(this.temporary, () => writeFully(this.file, bytes));
  }

  /**
   * Waits until the file is on disk, and gives it its name.
   * @throws {PathExistsError} If a file of this name exists and must not be replaced; it stays as it is.
   * @throws {WriteError} If the system refuses.
   */
  async publish({ replace = true }: PublishOptions = {}): Promise<void> {
    await namingFile(this.temporary, () => this.file.sync());
    if (replace) await Deno.rename(this.temporary, this.#path);
    else await renameToNew(this.temporary, this.#path);
    this.#isPublished = true;
    this.#close();
    await syncDirectory(parentOf(this.#path));
  }

  /** Removes it, unless it was published. */
  async [Symbol.asyncDispose](): Promise<void> {
    // Removed before the lock ends, because it is only this writer's until then.
    if (!this.#isPublished) await removeIfPresent(this.temporary);
    this.#close();
  }

  #close(): void {
    if (this.#isOpen) this.file.close();
    this.#isOpen = false;
  }
}

/** Locks a file that was just made; false if another process took it for an abandoned one in between. */
async function isKept(file: Deno.FsFile, path: string): Promise<boolean> {
  // There a lock would keep this process's own threads from writing.
  if (Deno.build.os === "windows") return true;
  try {
    if (!await file.tryLock(true)) return false;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return true; // no locks here, so nobody tidies either
  }
  return await isStillAt(file, path);
}
