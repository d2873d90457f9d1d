import { syncDirectory } from "./durable.ts";
import { exists } from "./exists.ts";
import { parentOf, plainPath } from "./parent_of.ts";

/** Makes a directory and any missing parents, and waits until they are on disk. */
export async function makeDirectory(path: string): Promise<void> {
  const directory = plainPath(path);
  if (await exists(directory)) return;
  await makeDirectory(parentOf(directory));
  // Another process may be faster.
  await Deno.mkdir(directory, { recursive: true });
  await syncDirectory(parentOf(directory));
}

/**
 * Runs `use` with a directory at `path`, which is made if necessary. If `use` fails and leaves nothing in a directory
 * that
 * was made for it, that directory is removed again.
 */
export async function withMadeDirectory<T>(path: string, use: () => Promise<T>): Promise<T> {
  const wasThere = await exists(plainPath(path));
  await makeDirectory(path);
  try {
    return await use();
  } catch (error) {
    // Fails if there is something in it, which must stay. The error to report is that of `use`.
    if (!wasThere) await Deno.remove(plainPath(path)).catch(() => {});
    throw error;
  }
}
