// Makes sure that a power cut cannot undo what was written.
import { errorCodeOf } from "./error_code.ts";
import { parentOf } from "./parent_of.ts";

/** Waits until a directory's entries (names made, moved, removed in it) are on disk, where the system can tell. */
export async function syncDirectory(path: string): Promise<void> {
  // Windows cannot open directories as files, and its file system keeps names in order by itself.
  if (Deno.build.os === "windows") return;
  using directory = await Deno.open(path);
  try {
    await directory.sync();
  } catch (error) {
    // Some network file systems do not support this for directories.
    if (!["EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes(errorCodeOf(error) ?? "")) throw error;
  }
}

/** Waits until a directory and all files and directories below it are on disk. */
export async function syncTree(path: string): Promise<void> {
  for (const { name, isFile, isDirectory } of await Array.fromAsync(Deno.readDir(path))) {
    if (isDirectory) await syncTree(`${path}/${name}`);
    if (!isFile) continue;
    using file = await Deno.open(`${path}/${name}`, { read: true, write: Deno.build.os === "windows" });
    await file.sync();
  }
  await syncDirectory(path);
}

/** Renames a file once it is on disk, replacing what has that name; the new name is then on disk too. */
export async function renameDurably(from: string, to: string): Promise<void> {
  {
    using file = await Deno.open(from, { read: true, write: Deno.build.os === "windows" });
    await file.sync();
  }
  await Deno.rename(from, to);
  await syncDirectory(parentOf(to));
}
