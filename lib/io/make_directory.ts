import { syncDirectory } from "./durable.ts";
import { exists } from "./exists.ts";
import { parentOf, plainPath } from "./parent_of.ts";

/** Makes a directory and those above it that are missing; all of them are on disk then. */
export async function makeDirectory(path: string): Promise<void> {
  const directory = plainPath(path);
  if (await exists(directory)) return;
  await makeDirectory(parentOf(directory));
  // Another process may be quicker.
  await Deno.mkdir(directory, { recursive: true });
  await syncDirectory(parentOf(directory));
}

/**
 * Runs `use` with a directory at `path`, which is made if need be. If `use` fails, and nothing is in a directory that was
 * made for it, that is removed again.
 */
export async function withMadeDirectory<T>(path: string, use: () => Promise<T>): Promise<T> {
  const wasThere = await exists(plainPath(path));
  await makeDirectory(path);
  try {
    return await use();
  } catch (error) {
    // Fails where something is in it, which is to stay; what `use` failed with is to be told.
    if (!wasThere) await Deno.remove(plainPath(path)).catch(() => {});
    throw error;
  }
}
