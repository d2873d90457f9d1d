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
