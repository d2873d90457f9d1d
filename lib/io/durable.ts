// What a power cut must not undo.

/** Waits until a directory's entries (names made, moved, removed in it) are on disk, where the system can tell. */
export async function syncDirectory(path: string): Promise<void> {
  // Windows opens no directories as files; its file system keeps names in order by itself.
  if (Deno.build.os === "windows") return;
  using directory = await Deno.open(path);
  await directory.sync();
}

/** Writes a new file and waits until it is on disk. */
export async function writeFileDurably(path: string, text: string): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true });
  const bytes = new TextEncoder().encode(text);
  for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
  await file.sync();
}
