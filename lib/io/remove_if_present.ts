/** Removes a file, a link, or an empty directory. */
export async function removeIfPresent(path: string): Promise<void> {
  await removeWhatIs(path, false);
}

/** Removes a file, or a directory with everything in it; for a link, only the link. */
export async function removeTreeIfPresent(path: string): Promise<void> {
  await removeWhatIs(path, true);
}

async function removeWhatIs(path: string, recursive: boolean): Promise<void> {
  try {
    await Deno.remove(path, { recursive });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
